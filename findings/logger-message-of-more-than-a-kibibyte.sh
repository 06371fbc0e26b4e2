#!/usr/bin/env bash
# One would guess: `logger` sends a line as one message, be it of 200 bytes or of 2,000, or refuses what is longer than it may be: syslog over TCP has no limit of its own.
# What happens: util-linux 2.38.1 sends the first 1,024 bytes of a message that is given as an argument and throws the rest away; of a line of its standard input (or of `-f FILE`) it makes several
# messages, each with a header of its own, and nothing says that they belong together. The exit code is 0, with nothing on standard error. Its manual has the 1 KiB for the option `--size`, not what
# becomes of the rest.
# Who meets it: whoever ships events as JSON by it: a stack trace or a long address in one makes it a text that is no JSON, or two of them. What helps: `--size 64KiB`.
set -euo pipefail
BSDUTILS=1:2.38.1-5+deb12u3
dir=$(mktemp -d)
trap 'kill "${server:-}" 2>/dev/null || true; rm -rf "$dir"' EXIT
cd "$dir"
apt-get -qq download "bsdutils=$BSDUTILS" 2>apt.log || { cat apt.log; exit 2; }
dpkg -x ./*.deb root
# A line for each connection: the messages that came by it, each as its length and its end.
cat >server.py <<'PY'
import re, socket
listener = socket.create_server(('127.0.0.1', 0))
print(listener.getsockname()[1], flush=True)
while True:
    with listener.accept()[0] as connection:
        messages = b''.join(iter(lambda: connection.recv(65536), b''))
    texts = re.findall(rb'^<13>\w+ +\d+ [\d:]+ \S+ example: (.*)$', messages, re.MULTILINE)
    print(', '.join(f'{len(text)} bytes to {text[-5:].decode()!r}' for text in texts), flush=True)
PY
python3 server.py >told &
server=$!
until [ -s told ]; do kill -0 "$server"; sleep 0.1; done
port=$(head -1 told)
event=$(python3 -c 'import json; print(json.dumps({"id": 7, "trace": "x" * 2000}))')
lines=1
wrong=0
seen() { # EXPECTED OPTIONS…
  local found status=0
  root/usr/bin/logger --tcp --server 127.0.0.1 --port "$port" --rfc3164 --tag example "${@:2}" >said 2>&1 || status=$?
  lines=$((lines + 1))
  until [ "$(wc -l <told)" -ge "$lines" ]; do kill -0 "$server"; sleep 0.1; done
  found="$(sed -n "${lines}p" told); exit $status$(cat said)"
  echo "  $found"
  [ "$found" = "$1" ] || { echo "    changed: expected $1"; wrong=1; }
}
echo "logger, bsdutils $BSDUTILS, of one event of ${#event} bytes: as an argument, as a line, and each with --size 64KiB"
seen "1024 bytes to 'xxxxx'; exit 0" "$event"
seen "1024 bytes to 'xxxxx', 998 bytes to 'xxx\"}'; exit 0" <<<"$event"
seen "2022 bytes to 'xxx\"}'; exit 0" --size 64KiB "$event"
seen "2022 bytes to 'xxx\"}'; exit 0" --size 64KiB <<<"$event"
exit $wrong
