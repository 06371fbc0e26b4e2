#!/usr/bin/env bash
# One would guess: a client that unpacks `Content-Encoding: gzip` by itself tells of a body whose gzip ends in its middle, as `gzip -d` does: a gzip
# file ends with a checksum and a length, and the HTTP message around it is whole when the program that compressed died behind a proxy.
# What happens: requests 2.34.2 (urllib3 2.8.0), httpx 0.28.1, aiohttp 3.14.5, axios 1.21.1, `fetch` of Node, `curl --compressed` and `wget --compression=auto` hand
# out the front as the whole, without a word; Go's net/http has an error. httpx and wget take the first of two gzip members for all of them.
# Of a body whose checksum is wrong wget writes a part, and exits with 0.
# Who meets it: readers of exports and feeds: lines are missing at the end. What helps: ask for gzip, but unpack behind the client, as in
# `curl -H 'Accept-Encoding: gzip' URL | gzip -dc`.
set -euo pipefail
REQUESTS=2.34.2 URLLIB3=2.8.0 HTTPX=0.28.1 AIOHTTP=3.14.5 AXIOS=1.21.1 WGET=1.21.3-1+deb12u1
dir=$(mktemp -d)
trap 'kill "${server:-}" 2>/dev/null || true; rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check "requests==$REQUESTS" "urllib3==$URLLIB3" "httpx==$HTTPX" "aiohttp==$AIOHTTP"
npm init -y >/dev/null
npm install --silent "axios@$AXIOS"
apt-get -qq download "wget=$WGET" 2>apt.log || { cat apt.log; exit 2; }
dpkg -x wget_*.deb root
cat >server.py <<'PY'
import gzip
import http.server

rows = ''.join(f'{row:05}\n' for row in range(20000)).encode()
whole = gzip.compress(rows)
bodies = {
    '/cut': whole[:len(whole) // 2],
    '/no-trailer': whole[:-8],
    '/wrong-sum': whole[:-8] + bytes(4) + whole[-4:],
    '/members': gzip.compress(rows[:6000]) + gzip.compress(rows[6000:]),
}

class Export(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header('Content-Encoding', 'gzip')
        self.send_header('Content-Length', str(len(bodies[self.path])))
        self.end_headers()
        self.wfile.write(bodies[self.path])

    def log_message(self, *_):
        pass

server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Export)
print(server.server_address[1], flush=True)
server.serve_forever()
PY
cat >get.py <<'PY'
import asyncio
import sys
library, url = sys.argv[1:]
if library == 'requests':
    import requests
    body = requests.get(url).content
elif library == 'httpx':
    import httpx
    body = httpx.get(url).content
else:
    import aiohttp

    async def get():
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            return await answer.read()

    body = asyncio.run(get())
sys.stdout.buffer.write(body)
PY
echo "fetch(process.argv[2]).then(answer => answer.text()).then(body => process.stdout.write(body))" >fetch.js
echo "require('axios').get(process.argv[2], { responseType: 'text' }).then(answer => process.stdout.write(answer.data))" >axios.js
cat >get.go <<'GO'
package main

import (
	"io"
	"net/http"
	"os"
)

func main() {
	answer, err := http.Get(os.Args[1])
	if err != nil {
		panic(err)
	}
	if _, err := io.Copy(os.Stdout, answer.Body); err != nil {
		os.Exit(1)
	}
}
GO
go build -o go get.go
python3 server.py >port 2>server.log &
server=$!
until [ -s port ]; do kill -0 "$server"; sleep 0.1; done
wrong=0
expect() { # EXPECTED-OF-CUT NO-TRAILER WRONG-SUM MEMBERS NAME COMMAND…
  local found=() path count status
  for path in cut no-trailer wrong-sum members; do
    # What is not asked.
    if [ "$path $3" = 'wrong-sum -' ]; then found+=(-); continue; fi
    status=0
    count=$("${@:6}" "http://127.0.0.1:$(<port)/$path" 2>/dev/null | wc -l) || status=$?
    # How much of it is out before an error is no matter.
    if [ "$status" != 0 ]; then found+=(error)
    elif [ "$count" = 20000 ]; then found+=(all)
    else found+=(part); fi
  done
  echo "$5: ${found[*]}"
  [ "${found[*]}" = "$1 $2 $3 $4" ] || { echo "  changed: expected $1 $2 $3 $4"; wrong=1; }
}
echo 'of 20,000 lines: cut in the middle, the last 8 bytes gone, a wrong checksum, two members'
expect part all error all "requests $REQUESTS, urllib3 $URLLIB3" python/bin/python get.py requests
expect part all error part "httpx $HTTPX" python/bin/python get.py httpx
expect part all error all "aiohttp $AIOHTTP" python/bin/python get.py aiohttp
expect part all error all "axios $AXIOS" node axios.js
expect part all - all "fetch of Node $(node --version)" node fetch.js
expect part all error error "$(curl --version | cut -d' ' -f1,2 | head -1) --compressed" curl -s --compressed
expect part all part part "wget ${WGET%-*} --compression=auto" root/usr/bin/wget -q --compression=auto -O -
unpacked() { curl -fsS -H 'Accept-Encoding: gzip' "$1" | gzip -dc; }
expect error error error all 'curl without --compressed, gzip -dc behind it' unpacked
expect error error error all "net/http of $(go version | cut -d' ' -f3)" ./go
exit $wrong
