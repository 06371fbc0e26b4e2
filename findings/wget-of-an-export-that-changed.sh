#!/usr/bin/env bash
# One would guess: when a connection breaks in the middle of an answer, wget asks for the rest, and where the server has no ranges (200 instead of 206) it
# fails, or begins anew, or at least looks whether it is the same answer: its ETag and its time are there to tell.
# What happens: 1.21.3 takes the new answer, throws away as many bytes of its front as it had written, and writes the rest behind the half of the
# first one. Its exit code is 0, with `-q` nothing is said, and the other ETag is not looked at. curl ends with exit code 18.
# Who meets it: `wget -O - URL | consumer` of an export or a report that is made at each request: the upper rows are of one state of the
# database and the lower of another, and rows that moved across the seam are there twice, or never. `--tries=1` has exit code 4 instead.
set -euo pipefail
WGET=1.21.3-1+deb12u1
dir=$(mktemp -d)
trap 'kill "${server:-}" 2>/dev/null || true; rm -rf "$dir"' EXIT
cd "$dir"
apt-get -qq download "wget=$WGET" 2>apt.log || { cat apt.log; exit 2; }
dpkg -x wget_*.deb root
cat >server.py <<'PY'
import http.server

class Export(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    asked = {}

    def do_GET(self):
        """A row was put in front since the last time; the first answer to each path ends in its middle."""
        count = self.asked[self.path] = self.asked.get(self.path, 0) + 1
        rows = range(1, 1001) if count == 1 else range(0, 1001)
        body = ''.join(f'{row:04}\n' for row in rows).encode()
        self.send_response(200)
        self.send_header('ETag', f'"{count}"')
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body[:2500] if count == 1 else body)
        self.close_connection = True

    def log_message(self, *_):
        pass

server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Export)
print(server.server_address[1], flush=True)
server.serve_forever()
PY
python3 server.py >port &
server=$!
until [ -s port ]; do kill -0 "$server"; sleep 0.1; done
wrong=0
expect() { # NAME EXPECTED-STATUS EXPECTED COMMAND…
  local status=0 found
  "${@:4}" >out 2>err || status=$?
  found="$(sort out | uniq | wc -l) rows, $(sort out | uniq -d | paste -sd,) twice, the last one is $(tail -n 1 out), $(wc -c <err) bytes said"
  echo "$1: exit $status, $found"
  [ "$status $found" = "$2 $3" ] || { echo "  changed: expected exit $2, $3"; wrong=1; }
}
address=http://127.0.0.1:$(<port)
echo 'an export of 1,000 rows, cut behind the 500th, and of 1,001 rows when it is asked for again'
expect "wget ${WGET%-*} -q" 0 '1000 rows, 0500 twice, the last one is 1000, 0 bytes said' root/usr/bin/wget -q -O - "$address/a"
expect "wget ${WGET%-*} -q --tries=1" 4 '500 rows,  twice, the last one is 0500, 0 bytes said' root/usr/bin/wget -q --tries=1 -O - "$address/b"
expect "$(curl --version | cut -d' ' -f1,2 | head -1) -s" 18 '500 rows,  twice, the last one is 0500, 0 bytes said' curl -s "$address/c"
exit $wrong
