#!/usr/bin/env bash
# One would guess: a loop over the messages of a WebSocket ends when the server has closed it well, and raises when the connection broke, or the server closed it with an error:
# WebSocket has a closing handshake with a code, and without one the code is 1006 (RFC 6455, section 7.1.5), so that a library knows.
# What happens: `async for message in ws` of PyPI's `aiohttp` 3.14.5 ends alike behind a connection that broke, also in the middle of a message, behind the server's 1011 ("internal error"), and behind
# 1000; only `ws.close_code` tells. npm's `ws` 8.23.0 has 1006 in its event `close`, but its stream (`createWebSocketStream`) ends well for all of them, in `for await` and in `pipeline`. `for message in ws` of
# PyPI's `websocket-client` 1.9.2 raises for what broke; when the server closes, with whatever code, it hands out an empty text that nobody sent, and raises behind it. PyPI's `websockets` 17.4 raises for
# each but 1000 and 1001, and Java 17's HttpClient has the code, or an error.
# Who meets it: consumers of feeds (exchanges, chains, devices) that end with exit code 0 when the feed dies, and are not started again. What helps: look at the code behind the loop, and end with
# an error unless it is the one that the feed's end has.
set -euo pipefail
AIOHTTP=3.14.5 WEBSOCKETS=17.4 WEBSOCKET_CLIENT=1.9.2 WS=8.23.0
dir=$(mktemp -d)
trap 'kill "${server:-}" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check "aiohttp==$AIOHTTP" "websockets==$WEBSOCKETS" "websocket-client==$WEBSOCKET_CLIENT"
npm init -y >/dev/null
npm install --silent "ws@$WS"
# A server of which it is known what it sends: one message, and then what the path of the address says.
cat >server.py <<'PY'
import base64, hashlib, socket, threading

def serve(client):
    with client:
        request = b''
        while not request.endswith(b'\r\n\r\n'):
            request += client.recv(65536)
        lines = request.split(b'\r\n')
        key = next(line.split(b': ')[1] for line in lines if line.lower().startswith(b'sec-websocket-key'))
        accept = base64.b64encode(hashlib.sha1(key + b'258EAFA5-E914-47DA-95CA-C5AB0DC85B11').digest())
        client.sendall(b'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
                       b'Sec-WebSocket-Accept: ' + accept + b'\r\n\r\n\x81\x03one')
        how = lines[0].split()[1][1:].decode()
        if how == 'torn':
            client.sendall(b'\x81\x64half of a hundred bytes')
        elif how != 'broken':
            client.sendall(b'\x88\x02' + int(how).to_bytes(2, 'big'))
        client.shutdown(socket.SHUT_WR)
        while client.recv(65536):
            pass

listener = socket.create_server(('127.0.0.1', 0))
print(listener.getsockname()[1], flush=True)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
PY
cat >read.py <<'PY'
import asyncio, sys
import aiohttp, websocket, websockets

def shown(name, messages, end):
    print(f'  {name}: {messages}, {end}')

async def both(url):
    messages, end = [], None
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as ws:
        try:
            async for message in ws:
                messages.append(message.data)
            end = f'the loop ends; close_code {ws.close_code}'
        except Exception as error:
            end = type(error).__name__
    shown('aiohttp', messages, end)
    messages = []
    async with websockets.connect(url) as ws:
        try:
            async for message in ws:
                messages.append(message)
            end = 'the loop ends'
        except Exception as error:
            end = type(error).__name__
    shown('websockets', messages, end)

asyncio.run(both(sys.argv[1]))
messages = []
try:
    for message in websocket.create_connection(sys.argv[1]):
        messages.append(message)
    end = 'the loop ends'
except Exception as error:
    end = type(error).__name__
shown('websocket-client', messages, end)
PY
cat >read.mjs <<'JS'
import { pipeline } from 'node:stream/promises'
import { WebSocket, createWebSocketStream } from 'ws'
const url = process.argv[2]
const code = await new Promise(done => new WebSocket(url).on('close', done))
const messages = []
let end
try {
  for await (const message of createWebSocketStream(new WebSocket(url), { encoding: 'utf8' })) messages.push(message)
  end = 'the loop ends'
} catch (error) { end = error.message }
const piped = await pipeline(createWebSocketStream(new WebSocket(url)), async stream => { for await (const _ of stream); })
  .then(() => 'ends well', error => error.message)
console.log(`  ws: close ${code}; as a stream: ${JSON.stringify(messages)}, ${end}; pipeline ${piped}`)
JS
cat >Read.java <<'JAVA'
import java.net.URI;
import java.net.http.*;
import java.util.concurrent.*;

class Read implements WebSocket.Listener {
    static final CompletableFuture<String> end = new CompletableFuture<>();

    public CompletionStage<?> onClose(WebSocket socket, int code, String reason) {
        end.complete(code == 1006 ? "1006, or an error" : "close " + code);
        return null;
    }

    public void onError(WebSocket socket, Throwable error) {
        end.complete("1006, or an error");
    }

    public static void main(String[] url) throws Exception {
        HttpClient.newHttpClient().newWebSocketBuilder().buildAsync(URI.create(url[0]), new Read()).join();
        System.out.println("  Java: " + end.get());
        System.exit(0);
    }
}
JAVA
java=$(java -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p')
[ "$java" = 17 ] || { echo "Java 17 is needed, and here is $java"; exit 2; }
python3 server.py >port &
server=$!
until [ -s port ]; do kill -0 "$server"; sleep 0.1; done
for how in broken torn 1011 1000; do
  echo "$how:"
  url=ws://127.0.0.1:$(cat port)/$how
  timeout 120 python/bin/python read.py "$url"
  timeout 120 node read.mjs "$url"
  timeout 120 java Read.java "$url"
done | tee seen
cat >expected <<'TEXT'
broken:
  aiohttp: ['one'], the loop ends; close_code 1006
  websockets: ['one'], ConnectionClosedError
  websocket-client: ['one'], WebSocketConnectionClosedException
  ws: close 1006; as a stream: ["one"], the loop ends; pipeline ends well
  Java: 1006, or an error
torn:
  aiohttp: ['one'], the loop ends; close_code 1006
  websockets: ['one'], ConnectionClosedError
  websocket-client: ['one'], WebSocketConnectionClosedException
  ws: close 1006; as a stream: ["one"], the loop ends; pipeline ends well
  Java: 1006, or an error
1011:
  aiohttp: ['one'], the loop ends; close_code 1011
  websockets: ['one'], ConnectionClosedError
  websocket-client: ['one', ''], WebSocketConnectionClosedException
  ws: close 1011; as a stream: ["one"], the loop ends; pipeline ends well
  Java: close 1011
1000:
  aiohttp: ['one'], the loop ends; close_code 1000
  websockets: ['one'], the loop ends
  websocket-client: ['one', ''], WebSocketConnectionClosedException
  ws: close 1000; as a stream: ["one"], the loop ends; pipeline ends well
  Java: close 1000
TEXT
cmp -s seen expected || { echo 'changed: expected'; cat expected; exit 1; }
