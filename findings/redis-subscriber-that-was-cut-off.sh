#!/usr/bin/env bash
# One would guess: a subscriber of Redis that is too slow, and whose connection the server closes for that (`client-output-buffer-limit pubsub`, 32 MB), gets an error
# from its client: what was published until it subscribes anew is lost, and nobody but the client knows that there was a gap.
# What happens: PyPI's `redis` 8.1.0 (`for message in pubsub.listen()`), Go's `go-redis` v9.23.0 (`for message := range pubsub.Channel()`) and npm's `ioredis` 6.0.0 connect
# and subscribe anew and hand out the next message as if nothing had been between the two. `ioredis` has an event `close` for it, of a kind that comes with each reconnection; the other two have nothing.
# Who meets it: consumers of Pub/Sub that write what they get, in bursts. What helps: a number within the messages, or a stream (XADD, XREAD), where a consumer asks
# for what comes behind the last one that it has.
set -euo pipefail
REDIS=5:7.0.15-1~deb12u10 PYTHON_REDIS=8.1.0 GO_REDIS=v9.23.0 IOREDIS=6.0.0
dir=$(mktemp -d)
trap 'kill "${server:-}" "${subscriber:-}" 2>/dev/null || true; wait 2>/dev/null || true; chmod -R u+w "$dir"; rm -rf "$dir"' EXIT
cd "$dir"
# The server's program is in redis-tools, under the name of redis-check-rdb.
apt-get -qq download "redis-tools=$REDIS" libjemalloc2=5.3.0-1 liblzf1=3.6-3 libatomic1=12.2.0-14+deb12u1 2>apt.log ||
  { cat apt.log; exit 2; }
for package in *.deb; do dpkg -x "$package" root; done
libraries=$(dirname "$(find root -name 'libjemalloc.so.2')")
ln -s root/usr/bin/redis-check-rdb redis-server
# The limit is smaller than usual, so that the burst may be, too.
LD_LIBRARY_PATH=$libraries ./redis-server --unixsocket socket --port 0 --save '' --client-output-buffer-limit pubsub 4mb 4mb 0 >server.log 2>&1 &
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
# Each prints the number in front of a message. It takes no more behind the first one until there is a file `go`, and ends at `end`.
cat >listen.py <<'PY'
import os, time
import redis
pubsub = redis.Redis(unix_socket_path='socket', decode_responses=True).pubsub(ignore_subscribe_messages=True)
pubsub.subscribe('orders')
for message in pubsub.listen():
    number = message['data'].split()[0]
    print(number, flush=True)
    while not os.path.exists('go'):
        time.sleep(0.05)
    if number == 'end':
        break
PY
cat >listen.mjs <<'JS'
import fs from 'node:fs'
import Redis from 'ioredis'
const client = new Redis(process.cwd() + '/socket')
client.on('error', error => console.log(error.message))
client.on('close', () => console.log('close'))
client.on('message', (_, data) => {
  const [number] = data.split(' ', 1)
  console.log(number)
  while (!fs.existsSync('go')) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50)
  if (number === 'end') process.exit(0)
})
await client.subscribe('orders')
JS
mkdir reader
cat >reader/main.go <<'GO'
package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

func main() {
	client := redis.NewClient(&redis.Options{Network: "unix", Addr: "socket"})
	for message := range client.Subscribe(context.Background(), "orders").Channel() {
		number, _, _ := strings.Cut(message.Payload, " ")
		fmt.Println(number)
		for {
			if _, err := os.Stat("go"); err == nil {
				break
			}
			time.Sleep(50 * time.Millisecond)
		}
		if number == "end" {
			return
		}
	}
}
GO
(cd reader && go mod init example && go get "github.com/redis/go-redis/v9@$GO_REDIS" && go build -o ../go-redis .) >go.log 2>&1 || { cat go.log; exit 2; }
cat >burst.py <<'PY'
import redis
pipeline = redis.Redis(unix_socket_path='socket').pipeline(transaction=False)
for number in range(2, 2001):
    pipeline.publish('orders', f'{number} ' + 'x' * 10000)
pipeline.execute()
PY
wrong=0
subscribers() { cli PUBSUB NUMSUB orders | tail -1; }
until_subscribed() {
  until [ "$(subscribers)" = 1 ]; do
    kill -0 "$subscriber" 2>/dev/null || { cat out error.log; exit 2; }
    sleep 0.1
  done
}
seen() { # NAME EXPECTED COMMAND…
  local found status=0
  rm -f go
  "${@:3}" >out 2>error.log &
  subscriber=$!
  until_subscribed
  cli PUBLISH orders '1 first' >/dev/null
  until [ -s out ]; do kill -0 "$subscriber" || { cat error.log; exit 2; }; sleep 0.1; done
  python/bin/python burst.py
  touch go
  # The server has cut it off; it reads what is left, connects, subscribes anew, and ends at the first `end` that it gets.
  while kill -0 "$subscriber" 2>/dev/null; do
    cli PUBLISH orders 'end' >/dev/null
    sleep 0.2
  done
  wait "$subscriber" || status=$?
  subscriber=
  numbers=$(grep -c '^[0-9]' out) others=$(grep -v '^[0-9]' out | xargs)
  [ "$numbers" -lt 2000 ] && numbers='1 and some of 2 to 2000'
  found="$numbers, $others, exit $status, $(wc -c <error.log) bytes of errors"
  echo "$1: $found"
  [ "$found" = "$2" ] || { echo "  changed: expected $2"; wrong=1; }
}
echo "2000 messages of Redis $REDIS, and another one after the subscriber was cut off:"
seen "Python redis $PYTHON_REDIS" '1 and some of 2 to 2000, end, exit 0, 0 bytes of errors' python/bin/python listen.py
seen "go-redis $GO_REDIS" '1 and some of 2 to 2000, end, exit 0, 0 bytes of errors' ./go-redis
seen "ioredis $IOREDIS" '1 and some of 2 to 2000, close end, exit 0, 0 bytes of errors' node listen.mjs
exit $wrong
