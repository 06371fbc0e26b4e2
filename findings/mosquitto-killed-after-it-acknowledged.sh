#!/usr/bin/env bash
# One would guess: a mosquitto with `persistence true` that says PUBACK has the message where a crash does not lose it: that is what a publisher
# with QoS 1 waits for, and what brokers of queues mean by a confirmation of a durable message.
# What happens: PUBACK does not wait for the disk. 2.0.11 keeps everything in memory, and writes it to its file when it ends well, or after half an hour, as mosquitto.conf(5)
# says (`autosave_interval`, 1800 seconds). Killed, as by the kernel for want of memory or with its node, it comes back without a message, a retained one, a session or a
# subscription of that time. The subscriber connects, subscribes anew and goes on.
# Who meets it: spouts behind a broker in the same cluster: after a kill, what was published while the spout was away is gone, and nobody has an error; the publisher
# had its acknowledgement. What helps: a shorter `autosave_interval` for less of it, and a number within the messages that shows a gap.
set -euo pipefail
MOSQUITTO=2.0.11-1.2+deb12u2
dir=$(mktemp -d)
trap 'kill -KILL "${broker:-}" "${reader:-}" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$dir"' EXIT
cd "$dir"
apt-get -qq download "mosquitto=$MOSQUITTO" "mosquitto-clients=$MOSQUITTO" "libmosquitto1=$MOSQUITTO" libdlt2=2.18.8-6 libwrap0=7.6.q-32 \
  libcjson1=1.7.15-1+deb12u4 2>apt.log || { cat apt.log; exit 2; }
for package in *.deb; do dpkg -x "$package" root; done
LD_LIBRARY_PATH=$dir/$(dirname "$(find root -name 'libmosquitto.so.1')"):$dir/$(dirname "$(find root -name 'libwrap.so.0')")
export LD_LIBRARY_PATH
mkdir data
# Run by root, the broker takes another user's name, who has to write here.
chmod 755 "$dir"
chmod 777 data
# The broker has no option for "any port": one that was free a moment ago, and another one when it is not any more.
start() {
  broker=
  until [ -n "$broker" ]; do
    port=$(python3 -c 'import socket; print(socket.create_server(("127.0.0.1", 0)).getsockname()[1])')
    printf '%s\n' "listener $port 127.0.0.1" 'allow_anonymous true' 'persistence true' "persistence_location $dir/data/" >mosquitto.conf
    rm -f broker.log
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
}
end() { # SIGNAL
  kill "-$1" "$broker"
  wait "$broker" 2>/dev/null || true
}
publish() { root/usr/bin/mosquitto_pub -h 127.0.0.1 -p "$port" -q 1 "$@"; }
subscribe() { root/usr/bin/mosquitto_sub -h 127.0.0.1 -p "$port" -q 1 "$@"; }
# What comes, sorted; `end` is there when the broker is back. What has to come has a minute, what has not to come five seconds behind that.
taken() { # MESSAGES OPTIONS…
  subscribe -t end "${@:2}" >came 2>reader.log &
  reader=$!
  for _ in $(seq 600); do [ "$(wc -l <came)" -ge "$1" ] && break; sleep 0.1; done
  sleep 5
  kill "$reader" 2>/dev/null || { cat reader.log; exit 2; }
  wait "$reader" || true
  reader=
  came=$(sort -r came | xargs)
}
wrong=0
seen() { # SIGNAL EXPECTED MESSAGES
  local found
  start
  subscribe -c -i reader -t orders -E
  publish -t orders -m first
  publish -t state -m retained -r
  end "$1"
  start
  publish -t end -m end -r
  taken "$3" -c -i reader -t orders
  found=$came
  taken "$3" -t state
  found+="; $came"
  end KILL
  rm -f data/*
  echo "$1: $found"
  [ "$found" = "$2" ] || { echo "  changed: expected $2"; wrong=1; }
}
echo "mosquitto $MOSQUITTO, what a session and a new subscriber of a retained message have when the broker is back:"
seen TERM 'first end; retained end' 2
seen KILL 'end; end' 1
exit $wrong
