#!/usr/bin/env bash
# One would guess: `echo request | socat - TCP:HOST:PORT` prints what the server answers until the server has said all and closes, as a client of TCP that has
# nothing more to say does.
# What happens: socat 1.7.4.4 goes on for half a second behind the end of its input (`-t 0.5`), counted anew whenever something comes. A server that then takes longer for
# its next line is left there: what came before is printed, the rest is lost, and socat's exit code is 0, without a word. With `-t 20` all lines are there. With
# `-u TCP:… -`, which reads alone, the half second does not count.
# Who meets it: `printf 'SUBSCRIBE\n' | socat - TCP:…  | consumer`, for feeds and exports whose server has to look something up. On a desk it works; under load
# the last lines are missing.
set -euo pipefail
SOCAT=1.7.4.4-2
dir=$(mktemp -d)
trap 'kill "${server:-}" 2>/dev/null || true; rm -rf "$dir"' EXIT
cd "$dir"
apt-get -qq download "socat=$SOCAT" 2>apt.log || { cat apt.log; exit 2; }
dpkg -x ./*.deb root
# Answers with a line, and with another one two seconds later.
cat >server.py <<'PY'
import socket, time
listener = socket.create_server(('127.0.0.1', 0))
print(listener.getsockname()[1], flush=True)
while True:
    connection, _ = listener.accept()
    with connection:
        try:
            connection.sendall(b'first\n')
            time.sleep(2)
            connection.sendall(b'last\n')
        except OSError:
            pass
PY
python3 server.py >port &
server=$!
until [ -s port ]; do kill -0 "$server"; sleep 0.1; done
address=TCP:127.0.0.1:$(<port)
wrong=0
seen() { # EXPECTED OPTIONS…
  local found status=0
  found=$(echo request | root/usr/bin/socat "${@:2}" 2>&1) || status=$?
  found="$(xargs <<<"$found"), exit $status"
  echo "socat ${*:2}: $found"
  [ "$found" = "$1" ] || { echo "  changed: expected $1"; wrong=1; }
}
echo "socat $SOCAT, of a server that says 'first' and two seconds later 'last'"
seen 'first, exit 0' - "$address"
seen 'first last, exit 0' -t 20 - "$address"
seen 'first last, exit 0' -u "$address" -
exit $wrong
