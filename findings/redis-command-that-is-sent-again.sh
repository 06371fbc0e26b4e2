#!/usr/bin/env bash
# One would guess: when the connection breaks before an answer has come, a client of Redis sends again what may be sent twice, and raises an error
# for the rest: nobody knows whether LPOP has taken its value, and the server has no way to tell a second XADD from the first.
# What happens: PyPI's `redis` 8.1.0, Go's `go-redis` v9.23.0 and npm's `ioredis` 6.0.0 send each of these again, unasked. XADD adds its entry twice and
# returns one id. The value that LPOP took is gone, and the next one is returned in its place. XREADGROUP with `>` returns the next entry; the
# one of the lost answer waits as a pending one for somebody to ask for it. npm's `redis` 6.3.1 raises an error for all three.
# Who meets it: consumers and producers behind a load balancer, a proxy or a failover. The program sees no error. What helps: `retry=Retry(NoBackoff(), 0)`
# in Python, `MaxRetries: -1` in Go, `autoResendUnfulfilledCommands: false, maxRetriesPerRequest: 0` for ioredis: then each of the three is an error.
set -euo pipefail
REDIS=5:7.0.15-1~deb12u10 PYTHON_REDIS=8.1.0 GO_REDIS=v9.23.0 IOREDIS=6.0.0 NODE_REDIS=6.3.1
dir=$(mktemp -d)
trap 'kill "${server:-}" "${proxy:-}" 2>/dev/null || true; wait 2>/dev/null || true; chmod -R u+w "$dir"; rm -rf "$dir"' EXIT
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
npm install --silent "redis@$NODE_REDIS" "ioredis@$IOREDIS"
# Passes everything on, but for the answer to the first command of this name: the connection is closed in its place.
cat >proxy.py <<'PY'
import socket
import sys
import threading

name = sys.argv[1].encode()
lost = []

def carry(client):
    server = socket.socket(socket.AF_UNIX)
    server.connect('socket')

    def answers():
        while data := server.recv(65536):
            if lost == [client]:
                lost.append(None)
                break
            client.sendall(data)
        client.shutdown(socket.SHUT_RDWR)

    threading.Thread(target=answers, daemon=True).start()
    try:
        while data := client.recv(65536):
            if name in data.upper() and not lost:
                lost.append(client)
            server.sendall(data)
    except OSError:
        pass

listener = socket.create_server(('127.0.0.1', 0))
print(listener.getsockname()[1], flush=True)
while True:
    threading.Thread(target=carry, args=(listener.accept()[0],), daemon=True).start()
PY
cat >client.py <<'PY'
import sys
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
how, port, command = sys.argv[1:]
options = {'retry': Retry(NoBackoff(), 0)} if how == 'once' else {}
client = redis.Redis(port=int(port), decode_responses=True, **options)
try:
    if command == 'XADD':
        client.xadd('added', {'item': '7'})
        print('an id')
    elif command == 'LPOP':
        print(client.lpop('list'))
    else:
        print(client.xreadgroup('group', 'one', {'stream': '>'}, count=1)[0][1][0][0])
except redis.ConnectionError:
    print('an error')
PY
cat >ioredis.js <<'JS'
const [how, port, command] = process.argv.slice(2)
const options = how === 'once' ? { autoResendUnfulfilledCommands: false, maxRetriesPerRequest: 0 } : {}
const client = new (require('ioredis'))({ port: Number(port), host: '127.0.0.1', ...options })
const answer = {
  XADD: () => client.xadd('added', '*', 'item', '7').then(() => 'an id'),
  LPOP: () => client.lpop('list'),
  XREADGROUP: () => client.xreadgroup('GROUP', 'group', 'one', 'COUNT', 1, 'STREAMS', 'stream', '>').then(found => found[0][1][0][0])
}[command]()
answer.catch(() => 'an error').then(found => { console.log(found); process.exit() })
JS
cat >node.js <<'JS'
const [port, command] = process.argv.slice(2)
const client = require('redis').createClient({ socket: { port: Number(port), host: '127.0.0.1' } })
client.on('error', () => {})
client.connect().then(() => ({
  XADD: () => client.xAdd('added', '*', { item: '7' }).then(() => 'an id'),
  LPOP: () => client.lPop('list'),
  XREADGROUP: () => client.xReadGroup('group', 'one', { key: 'stream', id: '>' }, { COUNT: 1 }).then(found => found[0].messages[0].id)
})[command]()).catch(() => 'an error').then(found => { console.log(found); process.exit() })
JS
mkdir go
cat >go/main.go <<'GO'
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/redis/go-redis/v9"
)

func main() {
	ctx := context.Background()
	options := &redis.Options{Addr: "127.0.0.1:" + os.Args[2]}
	if os.Args[1] == "once" {
		options.MaxRetries = -1
	}
	client := redis.NewClient(options)
	var found string
	var err error
	switch os.Args[3] {
	case "XADD":
		err = client.XAdd(ctx, &redis.XAddArgs{Stream: "added", Values: []string{"item", "7"}}).Err()
		found = "an id"
	case "LPOP":
		found, err = client.LPop(ctx, "list").Result()
	default:
		var streams []redis.XStream
		streams, err = client.XReadGroup(ctx, &redis.XReadGroupArgs{
			Group: "group", Consumer: "one", Streams: []string{"stream", ">"}, Count: 1,
		}).Result()
		if err == nil {
			found = streams[0].Messages[0].ID
		}
	}
	if err != nil {
		found = "an error"
	}
	fmt.Println(found)
}
GO
(cd go && go mod init example && go get "github.com/redis/go-redis/v9@$GO_REDIS" && go build -o ../go-redis .) >go.log 2>&1 || { cat go.log; exit 2; }
wrong=0
expect() { # NAME EXPECTED COMMAND…
  local command found=()
  cli DEL added list stream >/dev/null
  cli RPUSH list first second >/dev/null
  cli XADD stream 1-0 item first >/dev/null
  cli XADD stream 2-0 item second >/dev/null
  cli XGROUP CREATE stream group 0 >/dev/null
  for command in XADD LPOP XREADGROUP; do
    : >port
    python3 proxy.py "$command" >port &
    proxy=$!
    until [ -s port ]; do kill -0 "$proxy"; sleep 0.1; done
    found+=("$command: $(timeout 60 "${@:3}" "$(<port)" "$command" 2>>client.log)")
    kill "$proxy"
    wait "$proxy" 2>/dev/null || true
  done
  found+=("added $(cli XLEN added), left $(cli LLEN list), pending $(cli XPENDING stream group | head -1)")
  echo "$1: $(IFS=';'; echo "${found[*]}")"
  [ "$(IFS=';'; echo "${found[*]}")" = "$2" ] || { echo "  changed: expected $2"; wrong=1; }
}
again='XADD: an id;LPOP: second;XREADGROUP: 2-0;added 2, left 0, pending 2'
error='XADD: an error;LPOP: an error;XREADGROUP: an error;added 1, left 1, pending 1'
echo 'one XADD, one LPOP of (first second), one XREADGROUP of (1-0 2-0), each with its first answer lost'
expect "PyPI's redis $PYTHON_REDIS" "$again" python/bin/python client.py unasked
expect "PyPI's redis $PYTHON_REDIS, Retry(NoBackoff(), 0)" "$error" python/bin/python client.py once
expect "go-redis $GO_REDIS" "$again" ./go-redis unasked
expect "go-redis $GO_REDIS, MaxRetries: -1" "$error" ./go-redis once
expect "ioredis $IOREDIS" "$again" node ioredis.js unasked
expect "ioredis $IOREDIS, autoResendUnfulfilledCommands: false, maxRetriesPerRequest: 0" "$error" node ioredis.js once
expect "npm's redis $NODE_REDIS" "$error" node node.js
exit $wrong
