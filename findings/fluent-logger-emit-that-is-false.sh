#!/usr/bin/env bash
# One would guess: `emit` of fluent-logger, the library of the Fluentd project for its forward protocol (Fluentd, Fluent Bit), is False for an event that was not taken
# and never will be sent, so that whoever sends it again has it once.
# What happens: with PyPI's 0.11.1 it is False for as long as the server cannot be reached, also for events that the library keeps and sends later: what was emitted
# again is there twice. When the buffer is full (`bufmax`, 1 MiB), it is emptied, the oldest and the newest event alike, without a word: no
# exception, nothing in a log, and the False is the same one.
# Who meets it: programs in Python that ship events to a collector which is started anew: some come twice, and the longer it takes the more are missing. What
# helps: `buffer_overflow_handler`, which is given what is thrown away, and not to look at the False.
set -euo pipefail
FLUENT=0.11.1 MSGPACK=1.2.4
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check "fluent-logger==$FLUENT" "msgpack==$MSGPACK"
cat >emit.py <<'PY'
import socket, threading
import msgpack
from fluent.sender import FluentSender

def serve(listener, got):
    connection, _ = listener.accept()
    unpacker = msgpack.Unpacker()
    while data := connection.recv(65536):
        unpacker.feed(data)
        got.extend(record['n'] for _, _, record in unpacker)

def run(events, **settings):
    # The port is kept, but refuses connections until `listen`.
    server = socket.socket()
    server.bind(('127.0.0.1', 0))
    sender = FluentSender('orders', host='127.0.0.1', port=server.getsockname()[1], **settings)
    down = [sender.emit('new', {'n': n}) for n in range(1, events + 1)]
    server.listen()
    got = []
    reader = threading.Thread(target=serve, args=(server, got))
    reader.start()
    up = sender.emit('new', {'n': 'last'})
    sender.close()
    reader.join(30)
    return down, up, got

down, up, got = run(3)
print(f'1 to 3 without a server: {down}; the next one with a server: {up}; it got {got}')
down, up, got = run(200, bufmax=1000)
first = got[0]
print(f'1 to 200 with a buffer of 1000 bytes: {set(down)}; the first ones are gone: {first > 100}; the rest is whole: {got == [*range(first, 201), "last"]}')
PY
python/bin/python emit.py 2>log | tee seen
echo "bytes of warnings: $(wc -c <log)" | tee -a seen
cat >expected <<'TEXT'
1 to 3 without a server: [False, False, False]; the next one with a server: True; it got [1, 2, 3, 'last']
1 to 200 with a buffer of 1000 bytes: {False}; the first ones are gone: True; the rest is whole: True
bytes of warnings: 0
TEXT
cmp -s seen expected || { echo 'changed: expected'; cat expected; exit 1; }
