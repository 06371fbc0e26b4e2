#!/usr/bin/env bash
# One would guess: mosquitto keeps the messages of QoS 1 for a client that has a session and is away, until it is back; or, where it keeps no more, tells
# the publisher, whose acknowledgement has a reason code for it in MQTT 5 (0x97, "Quota exceeded").
# What happens: 2.0.11 keeps the first 1,000 for each client and drops the rest. Each of 1,500 publishes is acknowledged as a success. The only word is a line in the
# broker's log, at the first one that is dropped. When the client is back it gets 1 to 1000, and then whatever is new. mosquitto.conf(5) has the limit
# (`max_queued_messages`, "Defaults to 1000"); that it is the newest which are dropped it says of `max_queued_bytes` alone, and that PUBACK then says Success, nowhere.
# Who meets it: spouts that read MQTT and are away for an update, or for a node that is drained: what is missing is not the oldest but all that came since the queue was
# full. What helps: a number that fits to the rate and the longest pause (0, for no limit, is not recommended by the manual: memory is the limit then); and a number within
# the messages that shows a gap.
set -euo pipefail
MOSQUITTO=2.0.11-1.2+deb12u2 PAHO=2.2.0
dir=$(mktemp -d)
trap 'kill "${broker:-}" 2>/dev/null || true; rm -rf "$dir"' EXIT
cd "$dir"
apt-get -qq download "mosquitto=$MOSQUITTO" libdlt2=2.18.8-6 libwrap0=7.6.q-32 libcjson1=1.7.15-1+deb12u4 2>apt.log || { cat apt.log; exit 2; }
for package in *.deb; do dpkg -x "$package" root; done
LD_LIBRARY_PATH=$dir/$(dirname "$(find root -name 'libdlt.so.2')"):$dir/$(dirname "$(find root -name 'libwrap.so.0')")
export LD_LIBRARY_PATH
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check "paho-mqtt==$PAHO"
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
cat >session.py <<'PY'
import sys, threading
import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

def connect(name, **callbacks):
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=name, protocol=mqtt.MQTTv5)
    for callback, function in callbacks.items():
        setattr(client, callback, function)
    kept = Properties(PacketTypes.CONNECT)
    kept.SessionExpiryInterval = 3600
    client.connect('127.0.0.1', int(sys.argv[1]), clean_start=False, properties=kept)
    client.loop_start()
    return client

def end(client):
    client.disconnect()
    client.loop_stop()

subscribed = threading.Event()
reader = connect('reader', on_connect=lambda client, *_: client.subscribe('orders', 1), on_subscribe=lambda *_: subscribed.set())
assert subscribed.wait(60)
end(reader)

codes, acknowledged = [], threading.Event()
def publish_acknowledged(client, userdata, mid, code, properties):
    codes.append(str(code))
    if len(codes) == 1500:
        acknowledged.set()
publisher = connect('publisher', on_publish=publish_acknowledged)
for n in range(1, 1501):
    publisher.publish('orders', str(n), 1)
assert acknowledged.wait(60)
print(f'1500 published: {sorted(set(codes))}')

got, last = [], threading.Event()
def arrived(client, userdata, message):
    got.append(message.payload.decode())
    if got[-1] == 'new':
        last.set()
    elif got[-1] == '1000':
        publisher.publish('orders', 'new', 1)
reader = connect('reader', on_message=arrived)
assert last.wait(60)
end(reader)
end(publisher)
print(f'the reader is back: {len(got) - 1} messages from {got[0]} to {got[-2]}, and {got[-1]}')
PY
echo "mosquitto $MOSQUITTO, a reader with a session is away:"
python/bin/python session.py "$port" | tee seen
echo "lines of the log about it: $(grep -c 'are being dropped' broker.log)" | tee -a seen
cat >expected <<'TEXT'
1500 published: ['Success']
the reader is back: 1000 messages from 1 to 1000, and new
lines of the log about it: 1
TEXT
cmp -s seen expected || { echo 'changed: expected'; cat expected; exit 1; }
