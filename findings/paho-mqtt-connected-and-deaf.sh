#!/usr/bin/env bash
# One would guess: an exception in `on_message` of paho-mqtt ends the program, or is reported and the next message comes; at least `is_connected()` or
# `on_disconnect` tells that nothing comes any more.
# What happens: with `loop_start()`, paho-mqtt 2.2.0 prints the traceback and its thread ends. The program lives, `is_connected()` stays True, also two keep-alives later when the
# broker has long closed the connection; `on_disconnect` is never called, and no later message comes. With `suppress_exceptions = True` the thread lives
# on, and the message whose handling failed is acknowledged: it never comes again, not even after a restart.
# Who meets it: spouts in Python, whose main thread sleeps or writes commits while the library reads. One odd message, and the pipeline's state stays "running" while
# nothing arrives. `loop_forever()` raises; otherwise catch in `on_message` and end the program.
set -euo pipefail
AEDES=0.51.3 PAHO=2.2.0
dir=$(mktemp -d)
trap 'kill "${broker:-}" 2>/dev/null || true; rm -rf "$dir"' EXIT
cd "$dir"
npm init -y >/dev/null
npm install --silent "aedes@$AEDES"
python3 -m venv v
v/bin/pip install --quiet --disable-pip-version-check "paho-mqtt==$PAHO"
cat >broker.js <<'JS'
const broker = require('aedes')()
const server = require('net').createServer(broker.handle)
server.listen(0, '127.0.0.1', () => console.log(server.address().port))
JS
node broker.js >port &
broker=$!
until [ -s port ]; do kill -0 "$broker"; sleep 0.1; done
PORT=$(<port)
export PORT
cat >consumer.py <<'PY'
import os, sys, threading, time
import paho.mqtt.client as mqtt

name = sys.argv[1]
handled, subscribed, failed = [], threading.Event(), threading.Event()

def on_message(client, _, message):
    handled.append(message.payload.decode())
    if handled[-1] == '1,5' and not failed.is_set():
        failed.set()
        float(handled[-1])

def new(client_id):
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=client_id, clean_session=client_id == 'sensor')
    client.connect('127.0.0.1', int(os.environ['PORT']))
    client.loop_start()
    return client

consumer = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=name, clean_session=False)
consumer.suppress_exceptions = name == 'suppressing'
disconnected = []
consumer.on_message, consumer.on_disconnect = on_message, lambda *_: disconnected.append(True)
consumer.on_subscribe = lambda *_: subscribed.set()
consumer.connect('127.0.0.1', int(os.environ['PORT']), keepalive=5)
consumer.subscribe(name, 1)
consumer.loop_start()
subscribed.wait(10)
sensor = new('sensor')
for payload in ['1.0', '1,5', '2.0']:
    sensor.publish(name, payload, 1).wait_for_publish(10)
    time.sleep(1)
failed.wait(10)
# Two keep-alives long.
time.sleep(10)
sensor.publish(name, '2.5', 1).wait_for_publish(10)
time.sleep(2)
print(f"handled {' '.join(handled)}; is_connected() {consumer.is_connected()}; on_disconnect called {len(disconnected)} times", flush=True)
os._exit(0)
PY
cat >again.py <<'PY'
import os, sys, threading
import paho.mqtt.client as mqtt

handled = []
client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=sys.argv[1], clean_session=False)
client.on_message = lambda _, __, message: handled.append(message.payload.decode())
client.connect('127.0.0.1', int(os.environ['PORT']))
threading.Timer(3, client.disconnect).start()
client.loop_forever()
print('then handled', ' '.join(handled))
PY
wrong=0
expect() { # WHAT EXPECTED FOUND
  echo "$1: $3"
  [ "$2" = "$3" ] || { echo "  changed: expected $2"; wrong=1; }
}
echo "paho-mqtt $PAHO; broker aedes $AEDES"
expect 'on_message raised at its second message' 'handled 1.0 1,5; is_connected() True; on_disconnect called 0 times' "$(v/bin/python consumer.py raising 2>error)"
expect '  standard error ends with' "ValueError: could not convert string to float: '1,5'" "$(tail -1 error)"
expect '  and when it is started again' 'then handled 1,5 2.0 2.5' "$(v/bin/python again.py raising)"
expect 'the same with suppress_exceptions' 'handled 1.0 1,5 2.0 2.5; is_connected() True; on_disconnect called 0 times' "$(v/bin/python consumer.py suppressing 2>error)"
expect '  and when it is started again' 'then handled ' "$(v/bin/python again.py suppressing)"
exit $wrong
