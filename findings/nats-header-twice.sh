#!/usr/bin/env bash
# One would guess: a client of NATS hands out a message's headers as they were sent: as in HTTP, a header may have several values, the server
# passes them on, and the clients for Go and Node have calls to add one more.
# What happens: PyPI's `nats-py` 2.16.0 hands out a dictionary with the last value; the first is lost without a word. Node's client
# has both. Sent from Python, a newline in a value becomes a blank.
# Who meets it: consumers in Python of messages whose producers add a tag, a trace or a hop each: of `Tag: red` and `Tag: blue` the first is gone,
# and whatever is sent on to the next subject has it no more.
set -euo pipefail
NATS_SERVER=2.9.10-1+b3 NATS_PY=2.16.0 NATS_NODE=2.29.3
dir=$(mktemp -d)
trap 'kill "${server:-}" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$dir"' EXIT
cd "$dir"
apt-get -qq download "nats-server=$NATS_SERVER" 2>apt.log || { cat apt.log; exit 2; }
dpkg -x nats-server_*.deb root
"$(find root -type f -name nats-server -perm -u+x)" -a 127.0.0.1 -p -1 --ports_file_dir "$dir" >server.log 2>&1 &
server=$!
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check "nats-py==$NATS_PY"
npm init -y >/dev/null
npm install --silent "nats@$NATS_NODE"
until url=$(grep -oE 'nats://127[0-9.:]+' ./*.ports 2>/dev/null); do
  kill -0 "$server" 2>/dev/null || { cat server.log; exit 2; }
  sleep 0.1
done
cat >read.py <<'PY'
import asyncio, json, nats, sys

async def main():
    client = await nats.connect(sys.argv[1])
    subscription = await client.subscribe('orders')
    await client.flush()
    print('ready', flush=True)
    message = await subscription.next_msg(timeout=30)
    print(json.dumps(message.headers))
    await client.publish('again', b'', headers={'Note': 'one\ntwo'})
    await client.close()

asyncio.run(main())
PY
cat >send.js <<'JS'
const { connect, headers } = require('nats')
const { spawn } = require('child_process')
const url = process.argv[2]
const shown = message => JSON.stringify(Object.fromEntries(message.headers.keys().map(key => [key, message.headers.values(key)])))
connect({ servers: url }).then(async client => {
  const [orders, again] = ['orders', 'again'].map(subject => client.subscribe(subject, { max: 1 }))
  await client.flush()
  const python = spawn('python/bin/python', ['read.py', url], { stdio: ['ignore', 'pipe', 'inherit'] })
  let said = ''
  const ended = new Promise(done => python.on('close', done))
  await new Promise(ready => python.stdout.on('data', chunk => { said += chunk; ready() }))
  const both = headers()
  both.append('Tag', 'red')
  both.append('Tag', 'blue')
  client.publish('orders', '', { headers: both })
  for await (const message of orders) console.log('Node:', shown(message))
  for await (const message of again) console.log('sent from Python as one, a newline, two:', shown(message))
  await ended
  console.log('Python:', said.trim().split('\n')[1])
  await client.close()
})
JS
echo "nats-server $NATS_SERVER, nats $NATS_NODE of Node, nats-py $NATS_PY"
node send.js "$url" | tee seen
cat >expected <<'TEXT'
Node: {"Tag":["red","blue"]}
sent from Python as one, a newline, two: {"Note":["one two"]}
Python: {"Tag": "blue"}
TEXT
cmp -s seen expected || { echo 'changed: expected'; cat expected; exit 1; }
