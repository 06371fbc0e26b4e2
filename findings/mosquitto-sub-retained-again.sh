#!/usr/bin/env bash
# One would guess: `mosquitto_sub -c -i NAME -q 1`, which has a session at the broker, prints each message once, also a retained one: it was acknowledged, and the session says what this client has had.
# What happens: mosquitto_sub 2.0.11 subscribes anew whenever it connects, and the broker answers each SUBSCRIBE with all that is retained, as MQTT 3.1.1 wants it. The state of each topic is printed again at each start, behind
# nothing new, and at each connection that is made anew. `-R` leaves out what comes marked as retained, and prints what came while the client was away, be it retained or not, once.
# MQTT 5 has "Retain Handling" for this; 2.0.11 has no option for it.
# Who meets it: whoever counts messages, or keeps each as a record: a pod that is started anew ten times has the last reading of each device ten times, with the time at which it was printed
# (`%t`, `%J`), not that of the reading. What helps: `-R`, and once, for what is retained before the first start, `--retained-only`.
set -euo pipefail
MOSQUITTO=2.0.11-1.2+deb12u2
dir=$(mktemp -d)
trap 'kill "${broker:-}" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$dir"' EXIT
cd "$dir"
apt-get -qq download "mosquitto=$MOSQUITTO" "mosquitto-clients=$MOSQUITTO" "libmosquitto1=$MOSQUITTO" libdlt2=2.18.8-6 libwrap0=7.6.q-32 \
  libcjson1=1.7.15-1+deb12u4 2>apt.log || { cat apt.log; exit 2; }
for package in *.deb; do dpkg -x "$package" root; done
LD_LIBRARY_PATH=$(find "$dir/root" -name '*.so.*' -printf '%h\n' | sort -u | paste -sd:)
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
publish() { root/usr/bin/mosquitto_pub -p "$port" -q 1 -t doors/front -m "$@"; }
subscribe() { # NAME OPTIONS: what it prints until `end` comes, which is sent when it has subscribed
  local line
  coproc READER { exec stdbuf -oL root/usr/bin/mosquitto_sub -d -p "$port" -q 1 -c -i "$1" -t 'doors/#' -F 'got %p retain=%r' "${@:2}"; }
  local reader=$READER_PID
  while IFS= read -r line; do
    case $line in
      *SUBACK*) publish end ;;
      'got end'*) break ;;
      got*) echo "  $line" ;;
    esac
  done <&"${READER[0]}"
  # Its acknowledgement of `end` has been sent when it ends by itself.
  kill "$reader" 2>/dev/null || true
  wait "$reader" 2>/dev/null || true
}
{
  publish open -r
  for start in first second third; do
    echo "$start start:"
    subscribe session
  done
  echo 'with -R, first start:'
  subscribe other -R
  publish closed -r
  echo 'with -R, second start, "closed" came meanwhile:'
  subscribe other -R
  echo 'with -R, third start:'
  subscribe other -R
} 2>errors | tee seen
cat >expected <<'TEXT'
first start:
  got open retain=1
second start:
  got open retain=1
third start:
  got open retain=1
with -R, first start:
with -R, second start, "closed" came meanwhile:
  got closed retain=0
with -R, third start:
TEXT
cmp -s seen expected || { echo 'changed: expected'; cat expected; exit 1; }
