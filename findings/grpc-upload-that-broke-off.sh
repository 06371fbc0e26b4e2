#!/usr/bin/env bash
# One would guess: a server of gRPC that reads a stream of its client, an upload in parts, can tell a client that is done from one that gave up or died: HTTP/2 has a mark for
# the end of a stream, which neither of those sends, and Go's `Recv` has io.EOF for the one and an error for the other.
# What happens: under grpcio 1.85.3 `async for part in parts` of an `asyncio` server ends as if the client were done, whenever it cancelled or died; `context.cancelled()` is
# False at that moment. In the server with threads, `for part in parts` raises an error most of the time, but sometimes it ends well, too, with `context.is_active()` True. Node's
# `@grpc/grpc-js` 1.14.7 emits `end`, with `call.cancelled` false, and `cancelled` behind it. google.golang.org/grpc v1.85.0 has an error each time.
# Who meets it: receivers in Python or Node that keep what they were sent when its end has come: half of an upload is taken for the whole, and the answer, which
# would have told the client, reaches nobody. What helps: a last part that says so, or the length or a digest in the first one.
set -euo pipefail
GRPCIO=1.85.3 GRPC_JS=1.14.7 GRPC_GO=v1.85.0
dir=$(mktemp -d)
trap 'kill "${server:-}" 2>/dev/null || true; wait 2>/dev/null || true; chmod -R u+w "$dir"; rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check "grpcio==$GRPCIO"
npm init -y >/dev/null
npm install --silent "@grpc/grpc-js@$GRPC_JS"
# Sends two parts of three, each of them a message of no fields that is known, and then cancels, or is gone.
cat >client.py <<'PY'
import os, sys, time
import grpc
address, end = sys.argv[1:]
sent = []

def parts():
    for number in (1, 2):
        yield b'\x0a\x04part'
    sent.append(True)
    time.sleep(0.3)
    if end == 'dies':
        os._exit(1)
    if end == 'is done':
        yield b'\x0a\x04part'
    else:
        time.sleep(600)

channel = grpc.insecure_channel(address)
upload = channel.stream_unary('/example.Files/Upload').future(parts())
if end == 'is done':
    upload.result()
    sys.exit()
while not sent:
    time.sleep(0.01)
time.sleep(0.3)
upload.cancel()
# Without it the generator is waited for.
channel.close()
os._exit(0)
PY
cat >asyncio_server.py <<'PY'
import asyncio
import grpc.aio

async def upload(parts, context):
    count = 0
    try:
        async for part in parts:
            count += 1
    except BaseException:
        print(f'{count} parts and an error', flush=True)
        raise
    print(f'{count} parts and an end', flush=True)
    return b''

class Files(grpc.GenericRpcHandler):
    def service(self, details):
        return grpc.stream_unary_rpc_method_handler(upload)

async def main():
    server = grpc.aio.server(handlers=[Files()])
    port = server.add_insecure_port('127.0.0.1:0')
    await server.start()
    print(port, flush=True)
    await server.wait_for_termination()

asyncio.run(main())
PY
# With clients of its own, which cancel until both outcomes were seen: which one it is depends on which of two messages of the transport comes first.
cat >threads.py <<'PY'
import concurrent.futures, threading, time
import grpc
ends = set()

def upload(parts, context):
    count = 0
    try:
        for part in parts:
            count += 1
    except grpc.RpcError:
        ends.add(f'{count} parts and an error')
        raise
    ends.add(f'{count} parts and an end, is_active() {context.is_active()}')
    return b''

class Files(grpc.GenericRpcHandler):
    def service(self, details):
        return grpc.stream_unary_rpc_method_handler(upload)

server = grpc.server(concurrent.futures.ThreadPoolExecutor(4), handlers=[Files()])
port = server.add_insecure_port('127.0.0.1:0')
server.start()
with grpc.insecure_channel(f'127.0.0.1:{port}') as channel:
    for attempt in range(2000):
        gone = threading.Event()
        def parts():
            yield b'1'
            yield b'2'
            gone.wait()
        call = channel.stream_unary('/example.Files/Upload').future(parts())
        time.sleep(0.03)
        call.cancel()
        gone.set()
        if len([end for end in ends if end.startswith('2')]) == 2:
            break
time.sleep(0.5)
for end in sorted(end for end in ends if end.startswith('2')):
    print(end)
server.stop(None)
PY
cat >server.js <<'JS'
const grpc = require('@grpc/grpc-js');
const same = (bytes) => bytes;
const upload = { path: '/example.Files/Upload', requestStream: true, responseStream: false,
  requestSerialize: same, requestDeserialize: same, responseSerialize: same, responseDeserialize: same };
const server = new grpc.Server();
server.addService({ upload }, {
  upload(call, callback) {
    let count = 0;
    call.on('data', () => count++);
    call.on('error', () => console.log(`${count} parts and an error`));
    call.on('end', () => { console.log(`${count} parts and an end${call.cancelled ? ', cancelled' : ''}`); callback(null, Buffer.alloc(0)); });
  },
});
server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, port) => console.log(port));
JS
mkdir go
cat >go/server.go <<'GO'
package main

import (
	"fmt"
	"io"
	"net"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"
)

func upload(_ any, stream grpc.ServerStream) error {
	for count := 0; ; count++ {
		err := stream.RecvMsg(new(emptypb.Empty))
		if err == io.EOF {
			fmt.Println(count, "parts and an end")
			return stream.SendMsg(new(emptypb.Empty))
		} else if err != nil {
			fmt.Println(count, "parts and an error")
			return err
		}
	}
}

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	panic(grpc.NewServer(grpc.UnknownServiceHandler(upload)).Serve(listener))
}
GO
export GOFLAGS=-mod=mod GOMODCACHE="$dir/modules"
(cd go && go mod init example && go get "google.golang.org/grpc@$GRPC_GO" && go build -o server .) >go.log 2>&1 || { cat go.log; exit 2; }
by() { # NAME COMMAND…: what the server has seen of three clients
  rm -f told
  "${@:2}" >told 2>server.log &
  server=$!
  until [ -s told ]; do kill -0 "$server" || { cat server.log; exit 2; }; sleep 0.1; done
  local lines=1
  for end in 'is done' cancels dies; do
    python/bin/python client.py "127.0.0.1:$(head -1 told)" "$end" 2>client.log || [ "$end" = dies ] || { cat client.log; exit 2; }
    lines=$((lines + 1))
    for _ in $(seq 100); do [ "$(wc -l <told)" -ge "$lines" ] && break; sleep 0.1; done
    echo "$1, client that $end: $(sed -n "${lines}p" told)"
  done
  kill "$server"
  wait "$server" 2>/dev/null || true
}
{
  by "asyncio, grpcio $GRPCIO" python/bin/python asyncio_server.py
  by "Node, grpc-js $GRPC_JS" node server.js
  by "Go, $GRPC_GO" go/server
  echo "threads, grpcio $GRPCIO, clients that cancel:"
  python/bin/python threads.py 2>threads.log
} | tee seen
cat >expected <<TEXT
asyncio, grpcio $GRPCIO, client that is done: 3 parts and an end
asyncio, grpcio $GRPCIO, client that cancels: 2 parts and an end
asyncio, grpcio $GRPCIO, client that dies: 2 parts and an end
Node, grpc-js $GRPC_JS, client that is done: 3 parts and an end
Node, grpc-js $GRPC_JS, client that cancels: 2 parts and an end
Node, grpc-js $GRPC_JS, client that dies: 2 parts and an end
Go, $GRPC_GO, client that is done: 3 parts and an end
Go, $GRPC_GO, client that cancels: 2 parts and an error
Go, $GRPC_GO, client that dies: 2 parts and an error
threads, grpcio $GRPCIO, clients that cancel:
2 parts and an end, is_active() True
2 parts and an error
TEXT
cmp -s seen expected || { echo 'changed: expected'; cat expected; exit 1; }
