#!/usr/bin/env bash
# One would guess: `echo request | socat - TCP:HOST:PORT` prints what the server answers until the server has said all and closes, as a client of TCP that has
# nothing more to say does.
# What happens: socat 1.7.4.4 goes on for half a second behind the end of its input, counted anew whenever something comes. A server that then takes longer for its next
# line is left there: what came before is printed, the rest is lost, and socat's exit code is 0, without a word. Its manual has the half second in a sentence about `-t`,
# which is easily missed, and not that it is counted anew. With `-t 20` all lines are there. With `-u TCP:… -`, which reads alone, the half second does not count.
# Who meets it: `printf 'SUBSCRIBE\n' | socat - TCP:… | consumer`, for feeds and exports whose server has to look something up. On a desk it works; under load
# the last lines are missing.
set -euo pipefail
SOCAT=1.7.4.4-2
dir=$(mktemp -d)
servers=()
trap 'kill "${servers[@]}" 2>/dev/null || true; rm -rf "$dir"' EXIT
cd "$dir"
apt-get -qq download "socat=$SOCAT" 2>apt.log || { cat apt.log; exit 2; }
dpkg -x ./*.deb root
# Each of its arguments is a pause and a line behind it.
cat >server.py <<'PY'
import socket, sys, threading, time
listener = socket.create_server(('127.0.0.1', 0))
print(listener.getsockname()[1], flush=True)

def answer(connection):
    with connection:
        try:
            for number, pause in enumerate(sys.argv[1:], 1):
                time.sleep(float(pause))
                connection.sendall(f'{number}\n'.encode())
        except OSError:
            pass

while True:
    threading.Thread(target=answer, args=[listener.accept()[0]], daemon=True).start()
PY
serve() { # PAUSE…
  rm -f port
  python3 server.py "$@" >port &
  servers+=("$!")
  until [ -s port ]; do kill -0 "$!"; sleep 0.1; done
  address=TCP:127.0.0.1:$(<port)
}
wrong=0
seen() { # EXPECTED OPTIONS…
  local found status=0
  # The input ends when the first line has come, on a machine that has much to do, too.
  found=$({ echo request; sleep 3; } | root/usr/bin/socat "${@:2}" 2>&1) || status=$?
  found="$(xargs <<<"$found"), exit $status"
  echo "  socat ${*:2}: $found"
  [ "$found" = "$1" ] || { echo "    changed: expected $1"; wrong=1; }
}
serve 0 10
echo "socat $SOCAT, whose input ends after three seconds, of a server that says 1 at once and 2 ten seconds later"
seen '1, exit 0' - "$address"
seen '1 2, exit 0' -t 20 - "$address"
seen '1 2, exit 0' -u "$address" -
serve 0 1 1 1 1 1 1 1 1 1 1 1 1 20
echo 'of a server that says a line every second for twelve seconds, and another one after twenty'
seen '1 2 3 4 5 6 7 8 9 10 11 12 13, exit 0' -t 5 - "$address"
exit $wrong
