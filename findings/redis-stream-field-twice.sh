#!/usr/bin/env bash
# One would guess: an entry of a Redis stream, which is a list of fields and values, comes out of a client as it was added, with a field
# that was given twice: the server takes `XADD orders * item 7 item 9`, and keeps both.
# What happens: PyPI's `redis` 8.1.0 and npm's `redis` 6.3.1 hand out a dictionary with the last value; the first is lost without a word.
# npm's `ioredis` and `redis-cli` have both.
# Who meets it: consumers of streams whose producers write one field for each item, tag or header. What they acknowledge then (XACK),
# nobody has seen whole.
set -euo pipefail
REDIS=5:7.0.15-1~deb12u10 PYTHON_REDIS=8.1.0 NODE_REDIS=6.3.1 IOREDIS=6.0.0
dir=$(mktemp -d)
trap 'kill "${server:-}" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$dir"' EXIT
cd "$dir"
# The server's program is in redis-tools, under the name of redis-check-rdb.
apt-get -qq download "redis-tools=$REDIS" libjemalloc2=5.3.0-1 liblzf1=3.6-3 libatomic1=12.2.0-14+deb12u1 2>apt.log ||
  { cat apt.log; exit 2; }
for package in *.deb; do dpkg -x "$package" root; done
libraries=$(dirname "$(find root -name 'libjemalloc.so.2')")
ln -s root/usr/bin/redis-check-rdb redis-server
LD_LIBRARY_PATH=$libraries ./redis-server --unixsocket socket --port 0 --save '' >server.log 2>&1 &
server=$!
until [ -S socket ]; do
  kill -0 "$server" 2>/dev/null || { cat server.log; exit 2; }
  sleep 0.1
done
cli() { LD_LIBRARY_PATH=$libraries root/usr/bin/redis-cli -s socket "$@"; }
cli XADD orders 1-1 item 7 item 9 >/dev/null
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check "redis==$PYTHON_REDIS"
npm init -y >/dev/null
npm install --silent "redis@$NODE_REDIS" "ioredis@$IOREDIS"
cat >read.py <<'PY'
import json, redis
client = redis.Redis(unix_socket_path='socket', decode_responses=True)
print(json.dumps(client.xrange('orders')[0][1]))
PY
cat >read.js <<'JS'
const client = require('redis').createClient({ socket: { path: 'socket' } })
client.connect().then(() => client.xRange('orders', '-', '+')).then(entries => {
  console.log(JSON.stringify(entries[0].message))
  client.destroy()
})
JS
cat >ioread.js <<'JS'
const client = new (require('ioredis'))(process.cwd() + '/socket')
client.xrange('orders', '-', '+').then(entries => {
  console.log(JSON.stringify(entries[0][1]))
  client.disconnect()
})
JS
wrong=0
seen() { # NAME EXPECTED COMMAND…
  local found
  found=$("${@:3}")
  echo "$1: $found"
  [ "$found" = "$2" ] || { echo "  changed: expected $2"; wrong=1; }
}
echo "Redis $REDIS: XADD orders 1-1 item 7 item 9"
seen 'redis-cli --json' '[["1-1",["item","7","item","9"]]]' cli --json XRANGE orders - +
seen "npm ioredis $IOREDIS" '["item","7","item","9"]' node ioread.js
seen "npm redis $NODE_REDIS" '{"item":"9"}' node read.js
seen "Python redis $PYTHON_REDIS" '{"item": "9"}' python/bin/python read.py
exit $wrong
