#!/usr/bin/env bash
# One would guess: a stream of Redis that is cut to a length (`XADD … MAXLEN`) keeps what a group of consumers has not had yet, or has not acknowledged (XACK); or whoever reads in the group
# learns that something is missing: the server keeps a list of what is pending, and of how far the group is.
# What happens: in 7.0.15 `XREADGROUP … >` goes on with the first entry that is left, without a word; the group's `lag` counts those that are gone, and stays so when all has been read. What was
# handed out and not acknowledged is still pending, but without its fields: PyPI's `redis` 8.1.0 hands out an empty dictionary for each, npm's `ioredis` 6.0.0 an entry
# with null. XAUTOCLAIM drops them, and has their ids in a list of its own.
# Who meets it: consumers of streams with a MAXLEN that were away for longer than that, and those that take up the work of one that died: orders without an item. What helps:
# to look whether there are fields, and whether the last id that was read is still there (XRANGE) where entries must not be missed.
set -euo pipefail
REDIS=5:7.0.15-1~deb12u10 PYTHON_REDIS=8.1.0 IOREDIS=6.0.0
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
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check "redis==$PYTHON_REDIS"
npm init -y >/dev/null
npm install --silent "ioredis@$IOREDIS"
cat >read.py <<'PY'
import redis
client = redis.Redis(unix_socket_path='socket', decode_responses=True)
print('redis-py:', client.xreadgroup('shop', 'one', {'orders': '0'}))
PY
cat >read.mjs <<'JS'
import Redis from 'ioredis';
const io = new Redis(process.argv[2]);
console.log('ioredis:', JSON.stringify(await io.xreadgroup('GROUP', 'shop', 'one', 'STREAMS', 'orders', '0')));
io.disconnect();
JS
add() { # OPTIONS AND IDS OF NEW ENTRIES
  local id
  for id in "${@:2}"; do
    # shellcheck disable=SC2086 # several words
    cli XADD orders $1 "$id-0" item "$id" >/dev/null
  done
}
{
  cli XGROUP CREATE orders shop 0 MKSTREAM >/dev/null
  add '' 1 2 3 4
  echo "given and not acknowledged: $(cli --json XREADGROUP GROUP shop one COUNT 2 STREAMS orders '>')"
  add 'MAXLEN 2' 5 6
  echo "the next: $(cli --json XREADGROUP GROUP shop one STREAMS orders '>')"
  echo "and then: $(cli --json XREADGROUP GROUP shop one STREAMS orders '>'), with $(cli XINFO GROUPS orders | tail -2 | xargs)"
  python/bin/python read.py
  node read.mjs "$dir/socket"
  echo "XAUTOCLAIM: $(cli --json XAUTOCLAIM orders shop two 0 0)"
} | tee seen
cat >expected <<'TEXT'
given and not acknowledged: {"orders":[["1-0",["item","1"]],["2-0",["item","2"]]]}
the next: {"orders":[["5-0",["item","5"]],["6-0",["item","6"]]]}
and then: null, with lag 2
redis-py: [['orders', [('1-0', {}), ('2-0', {}), ('5-0', {'item': '5'}), ('6-0', {'item': '6'})]]]
ioredis: [["orders",[["1-0",null],["2-0",null],["5-0",["item","5"]],["6-0",["item","6"]]]]]
XAUTOCLAIM: ["0-0",[["5-0",["item","5"]],["6-0",["item","6"]]],["1-0","2-0"]]
TEXT
cmp -s seen expected || { echo 'changed: expected'; cat expected; exit 1; }
