#!/usr/bin/env bash
# One would guess: with QoS 1 and a session that the broker keeps, a consumer that dies while it handles a message gets that message again: the library
# says PUBACK when the handler is done, as paho-mqtt does, and an `async` handler is waited for.
# What happens: MQTT.js 5.16.0 says it when the listener of `message` returns, which an `async` one does at its first `await`; aiomqtt 2.5.1 when a message arrives,
# before `async for` hands it out. Of three messages that wait, a consumer that dies within its first one never sees any again.
# Who meets it: spouts that read MQTT by one of the two and do something slow for a message, such as writing it to Pachyderm. A restart of the pod loses
# all that had come by then, without a word. MQTT.js waits for the callback of `client.handleMessage`; paho-mqtt for `on_message`, or for `ack` after `manual_ack_set`.
set -euo pipefail
AEDES=0.51.3 MQTT_JS=5.16.0 AIOMQTT=2.5.1 PAHO=2.2.0
dir=$(mktemp -d)
trap 'kill "${broker:-}" 2>/dev/null || true; rm -rf "$dir"' EXIT
cd "$dir"
npm init -y >/dev/null
npm install --silent "aedes@$AEDES" "mqtt@$MQTT_JS"
python3 -m venv v
v/bin/pip install --quiet --disable-pip-version-check "aiomqtt==$AIOMQTT" "paho-mqtt==$PAHO"
# Publishes a message to `t` for each word on `more`.
cat >broker.js <<'JS'
const broker = require('aedes')()
broker.on('publish', packet => {
  if (packet.topic !== 'more') return
  for (const payload of packet.payload.toString().split(' ')) broker.publish({ topic: 't', payload, qos: 1 })
})
const server = require('net').createServer(broker.handle)
server.listen(0, '127.0.0.1', () => console.log(server.address().port))
JS
node broker.js >port &
broker=$!
until [ -s port ]; do kill -0 "$broker"; sleep 0.1; done
PORT=$(<port)
export PORT
# Each consumer prints a message when it begins to handle it. With `die` it ends half a second later, without a goodbye; with `all`, at the fourth.
cat >consumer.js <<'JS'
const [how] = process.argv.slice(2)
const client = require('mqtt').connect(`mqtt://127.0.0.1:${process.env.PORT}`, { clientId: 'js', clean: false, reconnectPeriod: 0 })
client.on('message', async (_, payload) => {
  console.log(payload.toString())
  if (how === 'all' && payload.toString() === 'four') process.exit(0)
  await new Promise(done => setTimeout(done, 500))
  if (how === 'die') process.exit(0)
})
client.on('connect', () => client.subscribe('t', { qos: 1 }, () => how === 'subscribe' && process.exit(0)))
JS
cat >consumer.py <<'PY'
import asyncio, os, sys
import aiomqtt

async def main(how):
    async with aiomqtt.Client('127.0.0.1', int(os.environ['PORT']), identifier='aio', clean_session=False) as client:
        await client.subscribe('t', qos=1)
        if how == 'subscribe':
            os._exit(0)
        async for message in client.messages:
            print(message.payload.decode(), flush=True)
            if how == 'all' and message.payload == b'four':
                os._exit(0)
            await asyncio.sleep(0.5)
            if how == 'die':
                os._exit(0)

asyncio.run(main(sys.argv[1]))
PY
cat >callback.py <<'PY'
import os, sys, time
import paho.mqtt.client as mqtt

how = sys.argv[1]

def on_message(client, _, message):
    print(message.payload.decode(), flush=True)
    if how == 'all' and message.payload == b'four':
        os._exit(0)
    time.sleep(0.5)
    if how == 'die':
        os._exit(0)

client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id='paho', clean_session=False)
client.on_message = on_message
client.on_connect = lambda client, *_: client.subscribe('t', 1)
client.on_subscribe = lambda *_: os._exit(0) if how == 'subscribe' else None
client.connect('127.0.0.1', int(os.environ['PORT']))
client.loop_forever()
PY
consume() { # LIBRARY HOW
  case $1 in js) timeout 20 node consumer.js "$2" ;; aio) timeout 20 v/bin/python consumer.py "$2" ;; paho) timeout 20 v/bin/python callback.py "$2" ;; esac
}
wrong=0
expect() { # WHAT EXPECTED FOUND
  echo "$1: $3"
  [ "$2" = "$3" ] || { echo "  changed: expected $2"; wrong=1; }
}
echo "MQTT.js $MQTT_JS, aiomqtt $AIOMQTT, paho-mqtt $PAHO; broker aedes $AEDES"
publish() { # WORDS
  node -e "
    const client = require('mqtt').connect('mqtt://127.0.0.1:$PORT')
    client.publish('more', '$1', { qos: 1 }, () => client.end())"
}
for library in js aio paho; do consume $library subscribe >/dev/null; done
publish 'one two three'
expect 'MQTT.js handles, until it dies' 'one two three' "$(consume js die | xargs)"
expect 'aiomqtt handles, until it dies' one "$(consume aio die | xargs)"
expect 'paho-mqtt handles, until it dies' one "$(consume paho die | xargs)"
# What is published now shows that a consumer that is given nothing else is given what comes.
publish four
expect 'MQTT.js, started again when there is a fourth' four "$(consume js all | xargs)"
expect 'aiomqtt, started again when there is a fourth' four "$(consume aio all | xargs)"
expect 'paho-mqtt, started again when there is a fourth' 'one two three four' "$(consume paho all | xargs)"
exit $wrong
