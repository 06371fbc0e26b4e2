#!/usr/bin/env bash
# One would guess: `nc -l 9000 | consumer`, and `nc HOST PORT | consumer`, fail when the connection is reset in the middle: the kernel tells whoever reads (ECONNRESET), and a sender that ended well
# has closed its side.
# What happens: nc of OpenBSD 1.219 (Debian's `nc`), the traditional one 1.10-47 and socat 1.7.4.4 print what came, with the half of the last line, and end with exit code 0, without a
# word. nmap's ncat 7.93 has exit code 1.
# Who meets it: whoever receives lines or a dump by them: a sender that is killed with bytes unread, a load balancer or firewall that drops the connection, and a node that is started anew send such a
# reset. Half of a number is a number. What helps: ncat, or data that says where it ends (a tar archive, a last line).
set -euo pipefail
OPENBSD=1.219-1 TRADITIONAL=1.10-47 NCAT=7.93+dfsg1-1 SOCAT=1.7.4.4-2
dir=$(mktemp -d)
trap 'kill "${peer:-}" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$dir"' EXIT
cd "$dir"
apt-get -qq download "netcat-openbsd=$OPENBSD" "netcat-traditional=$TRADITIONAL" "ncat=$NCAT" "socat=$SOCAT" liblua5.3-0=5.3.6-2 \
  libpcre3=2:8.39-15 liblinear4=2.3.0+dfsg-5 libpcap0.8=1.10.3-1 libwrap0=7.6.q-32 libdbus-1-3=1.14.10-1~deb12u1 libibverbs1=44.0-2 \
  libnl-3-200=3.7.0-0.2+b1 libnl-route-3-200=3.7.0-0.2+b1 2>apt.log || { cat apt.log; exit 2; }
for package in *.deb; do dpkg -x "$package" root; done
LD_LIBRARY_PATH=$(find "$dir/root" -name '*.so.*' -printf '%h\n' | sort -u | paste -sd:)
export LD_LIBRARY_PATH
# Its end of a connection is reset once the other one has printed what it was sent.
cat >peer.py <<'PY'
import socket, struct, sys, time

def reset(connection):
    with connection:
        connection.sendall(b'1234\n56')
        while open('printed').read() != '1234\n56':
            time.sleep(0.05)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))

if sys.argv[1] == '0':
    listener = socket.create_server(('127.0.0.1', 0))
    print(listener.getsockname()[1], flush=True)
    reset(listener.accept()[0])
else:
    while True:
        try:
            reset(socket.create_connection(('127.0.0.1', int(sys.argv[1]))))
            break
        except ConnectionRefusedError:
            time.sleep(0.05)
PY
client() { # COMMAND, with PORT for the port
  local status=0 port
  : >printed
  : >port
  python3 peer.py 0 >port &
  peer=$!
  until [ -s port ]; do kill -0 "$peer"; sleep 0.1; done
  port=$(cat port)
  # Its standard input stays open, as on a terminal.
  timeout 60 "${@//PORT/$port}" <>idle >printed 2>error || status=$?
  wait "$peer"
  echo "  exit $status, $(wc -l <error) lines of error, $(xargs <printed)"
}
server() { # COMMAND
  local status=0 port
  : >printed
  port=$(python3 -c 'import socket; print(socket.create_server(("127.0.0.1", 0)).getsockname()[1])')
  timeout 60 "${@//PORT/$port}" <>idle >printed 2>error &
  local reader=$!
  python3 peer.py "$port" &
  peer=$!
  wait "$reader" || status=$?
  wait "$peer"
  echo "  exit $status, $(wc -l <error) lines of error, $(xargs <printed)"
}
mkfifo idle
bin=root/bin
{
  echo 'nc of OpenBSD'
  server $bin/nc.openbsd -l 127.0.0.1 PORT
  client $bin/nc.openbsd 127.0.0.1 PORT
  echo 'traditional nc'
  server $bin/nc.traditional -l -s 127.0.0.1 -p PORT
  client $bin/nc.traditional 127.0.0.1 PORT
  echo socat
  server root/usr/bin/socat -u TCP-LISTEN:PORT,bind=127.0.0.1 -
  client root/usr/bin/socat -u TCP:127.0.0.1:PORT -
  echo ncat
  server root/usr/bin/ncat --recv-only -l 127.0.0.1 PORT
  client root/usr/bin/ncat --recv-only 127.0.0.1 PORT
} | tee seen
cat >expected <<'TEXT'
nc of OpenBSD
  exit 0, 0 lines of error, 1234 56
  exit 0, 0 lines of error, 1234 56
traditional nc
  exit 0, 0 lines of error, 1234 56
  exit 0, 0 lines of error, 1234 56
socat
  exit 0, 0 lines of error, 1234 56
  exit 0, 0 lines of error, 1234 56
ncat
  exit 1, 0 lines of error, 1234 56
  exit 1, 1 lines of error, 1234 56
TEXT
cmp -s seen expected || { echo 'changed: expected'; cat expected; exit 1; }
