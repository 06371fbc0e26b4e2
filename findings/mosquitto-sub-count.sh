#!/usr/bin/env bash
# One would guess: `mosquitto_sub -c -i NAME -q 1 -C 2`, which ends after two messages, continues behind them when it is called again with the same session: each
# message that was printed is acknowledged.
# What happens: 2.0.11 closes the connection when it has counted, with messages in it that it has not read, and what it acknowledged last is often lost with
# them: the next call prints one or both of its messages again, and so may the one after it. Of ten calls three or four do so on a quiet machine. The exit code is 0.
# Who meets it: scripts that take a message, or a batch, for each turn of a loop: messages are handled twice or more often, while those behind them wait. What
# helps: one mosquitto_sub that stays, and a consumer behind it that counts.
set -euo pipefail
MOSQUITTO=2.0.11-1.2+deb12u2 CJSON=1.7.15-1+deb12u4
dir=$(mktemp -d)
trap 'kill "${broker:-}" 2>/dev/null || true; rm -rf "$dir"' EXIT
cd "$dir"
apt-get -qq download "mosquitto-clients=$MOSQUITTO" "libmosquitto1=$MOSQUITTO" "libcjson1=$CJSON" "mosquitto=$MOSQUITTO" libdlt2=2.18.8-6 \
  libwrap0=7.6.q-32 2>apt.log || { cat apt.log; exit 2; }
for package in *.deb; do dpkg -x "$package" root; done
LD_LIBRARY_PATH=$dir/$(dirname "$(find root -name 'libmosquitto.so.1')"):$dir/$(dirname "$(find root -name 'libwrap.so.0')")
export LD_LIBRARY_PATH
# The broker has no option for "any port": one that was free a moment ago, and another one when it is not any more.
until [ -n "${broker:-}" ]; do
  port=$(python3 -c 'import socket; print(socket.create_server(("127.0.0.1", 0)).getsockname()[1])')
  printf 'listener %s 127.0.0.1\nallow_anonymous true\n' "$port" >mosquitto.conf
  root/usr/sbin/mosquitto -c mosquitto.conf >broker.log 2>&1 &
  broker=$!
  until grep -qs ' running' broker.log; do
    sleep 0.1
    kill -0 "$broker" 2>/dev/null && continue
    grep -q 'in use' broker.log || { cat broker.log; exit 2; }
    broker=
    break
  done
done
sub() { root/usr/bin/mosquitto_sub -h 127.0.0.1 -p "$port" -t orders -q 1 -c "$@"; }
sub -i batches -E
seq 300 | root/usr/bin/mosquitto_pub -h 127.0.0.1 -p "$port" -t orders -q 1 -l
echo "mosquitto_sub $MOSQUITTO, calls with -C 2 in a session in which the messages 1 to 300 wait:"
calls=0 messages=0 different=0
until [ "$different" -lt "$messages" ] || [ "$calls" = 100 ]; do
  sub -i batches -C 2 -W 20 | xargs >>seen
  calls=$((calls + 1)) messages=$(wc -w <seen) different=$(xargs -n 1 <seen | sort -u | wc -l)
  [ "$messages" = $((2 * calls)) ] || { cat seen; exit 2; }
done
echo "  $(paste -sd ';' seen)"
[ "$different" -lt "$messages" ] || { echo 'changed: expected a message that is printed twice'; exit 1; }
echo "  $messages messages, $different different ones"
