#!/usr/bin/env bash
# One would guess: of the members of a shared subscription (`$share/shop/orders`), those that are connected get the messages, as in a group of Kafka or at a queue of RabbitMQ: a member
# that is away does no work, and MQTT 5 (section 4.8.2) leaves it to the server.
# What happens: mosquitto 2.0.11 gives a member with a session (`-c -i NAME -q 1`) its turn while it is away: of six messages the one who is there gets three, and the other three wait for the one who
# left, for as long as its session lives. Who has a session and no connection counts as before. When the session ends by its `session-expiry-interval`, what waited is not given to the one who is there: it is gone,
# and each publisher had a success.
# Who meets it: spouts that share a topic among pods, each with a session "so that nothing is lost": a pod that is not replaced under its name keeps its part of the messages, or takes it along. What helps: names that
# stay (a StatefulSet), no session for members of a share, or one reader.
# shellcheck disable=SC2016 # MQTT's name begins with a dollar
set -euo pipefail
MOSQUITTO=2.0.11-1.2+deb12u2
dir=$(mktemp -d)
trap 'kill "${broker:-}" "${reader:-}" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$dir"' EXIT
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
publish() { root/usr/bin/mosquitto_pub -p "$port" -q 1 -t "$1" -m "$2"; }
member() { # NAME OPTIONS: a member of the share, which has a topic of its own, too
  stdbuf -oL root/usr/bin/mosquitto_sub -V 5 -x "$expiry" -d -p "$port" -q 1 -c -i "$1" -t '$share/shop/orders' -t "own/$1" -F 'got %p' >"$1.out" 2>&1 &
  reader=$!
}
until_has() { # WORD FILE
  for _ in $(seq 600); do
    if grep -q "$1" "$2"; then return; fi
    sleep 0.1
  done
  cat "$2"
  exit 2
}
leave() { # NAME: ends the member that was begun last, behind all that it was sent
  until_has SUBACK "$1.out"
  publish "own/$1" last
  until_has 'got last' "$1.out"
  kill "$reader"
  wait "$reader" || true
}
got() { grep -c '^got [0-9]' "$1.out" || true; }
for expiry in 3600 1; do
  member away
  leave away
  member here
  until_has SUBACK here.out
  for n in 1 2 3 4 5 6; do publish orders "$n"; done
  leave here
  echo "session-expiry-interval $expiry: of 6, who is there has $(got here)"
  if [ "$expiry" = 1 ]; then until_has 'Expiring client away' broker.log; fi
  member away
  leave away
  echo "  who was away, back again: $(got away)"
done 2>errors | tee seen
cat >expected <<'TEXT'
session-expiry-interval 3600: of 6, who is there has 3
  who was away, back again: 3
session-expiry-interval 1: of 6, who is there has 3
  who was away, back again: 0
TEXT
cmp -s seen expected || { echo 'changed: expected'; cat expected; exit 1; }
