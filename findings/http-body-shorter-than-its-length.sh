#!/usr/bin/env bash
# One would guess: a client of HTTP/1.1 that was told a length (`Content-Length: 1000`), or chunks with a last one, tells of a body that ends before: an
# exception, as curl's exit code 18 is.
# What happens: Python 3.11's `urlopen` raises one from `read()` alone. Taken line by line (`for line in answer`) or in pieces (`shutil.copyfileobj`) a body that
# is short of its length ends as a whole one, and by line one of chunks, too. Java 17's `URL.openStream()` says nothing of a body that is short of
# its length, though of a chunk that is missing it does. Java's HttpClient, Go's net/http, Node's `fetch` and curl have an error for each.
# Who meets it: scripts that read a large export as a stream because it does not fit into memory; in Python, `read()` is safe. The last line
# is cut in two, or some thousand are missing. What helps: count the bytes, and compare `answer.headers['Content-Length']`.
set -euo pipefail
dir=$(mktemp -d)
trap 'kill "${servers[@]}" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$dir"' EXIT
cd "$dir"
cat >server.py <<'PY'
import socket
import sys
import threading

LINES = b'1234\n56'
HEAD = b'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n'
ANSWER = {
    'length': HEAD + b'Content-Length: 1000\r\n\r\n' + LINES,
    'chunks': HEAD + b'Transfer-Encoding: chunked\r\n\r\n7\r\n' + LINES + b'\r\n',
}[sys.argv[1]]

def answer(client):
    with client:
        request = b''
        while not request.endswith(b'\r\n\r\n'):
            request += client.recv(65536)
        client.sendall(ANSWER)

listener = socket.create_server(('127.0.0.1', 0))
print(listener.getsockname()[1], flush=True)
while True:
    threading.Thread(target=answer, args=(listener.accept()[0],), daemon=True).start()
PY
servers=()
for kind in length chunks; do
  python3 server.py $kind >$kind.port &
  servers+=($!)
done
for kind in length chunks; do
  until [ -s $kind.port ]; do kill -0 "${servers[@]}"; sleep 0.1; done
done
cat >read.py <<'PY'
import http.client
import io
import shutil
import sys
import urllib.request

way, url = sys.argv[1:]
try:
    with urllib.request.urlopen(url) as answer:
        if way == 'read':
            found = answer.read()
        elif way == 'lines':
            found = b''.join(line for line in answer)
        else:
            copy = io.BytesIO()
            shutil.copyfileobj(answer, copy)
            found = copy.getvalue()
    print(*found.decode().split())
except http.client.IncompleteRead:
    print('error')
PY
cat >Read.java <<'JAVA'
import java.io.IOException;
import java.net.URI;
import java.net.http.*;

public class Read {
    public static void main(String[] arguments) throws Exception {
        var uri = URI.create(arguments[1]);
        try {
            String found;
            if (arguments[0].equals("openStream")) {
                try (var in = uri.toURL().openStream()) {
                    found = new String(in.readAllBytes());
                }
            } else {
                found = HttpClient.newHttpClient().send(HttpRequest.newBuilder(uri).build(), HttpResponse.BodyHandlers.ofString()).body();
            }
            System.out.println(found.replace('\n', ' '));
        } catch (IOException error) {
            System.out.println("error");
        }
    }
}
JAVA
javac Read.java
cat >read.go <<'GO'
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
)

func main() {
	answer, err := http.Get(os.Args[1])
	if err != nil {
		panic(err)
	}
	if _, err := io.ReadAll(answer.Body); err != nil {
		fmt.Println("error")
	}
}
GO
go build -o go-read read.go
cat >read.js <<'JS'
fetch(process.argv[2]).then(answer => answer.text()).catch(() => 'error').then(found => console.log(found))
JS
# shellcheck disable=SC2317 # it is called by its name
curl_reads() { curl -sS -o curl.out "$1" 2>curl.log || echo error; }
wrong=0
expect() { # NAME EXPECTED-OF-A-LENGTH EXPECTED-OF-CHUNKS COMMAND…
  local kind found expected=$2
  for kind in length chunks; do
    found=$("${@:4}" "http://127.0.0.1:$(<$kind.port)/")
    echo "$1, $kind: $found"
    [ "$found" = "$expected" ] || { echo "  changed: expected $expected"; wrong=1; }
    expected=$3
  done
}
python="Python $(python3 -c 'import platform; print(platform.python_version())')"
java=$(java --version | head -1)
expect "$python, urlopen: read()" error error python3 read.py read
expect "$python, urlopen: by line" '1234 56' '1234 56' python3 read.py lines
expect "$python, urlopen: copyfileobj" '1234 56' error python3 read.py copy
expect "$java, URL.openStream" '1234 56' error java Read openStream
expect "$java, HttpClient" error error java Read HttpClient
expect "$(go version | cut -d' ' -f3)" error error ./go-read
expect "Node $(node --version), fetch" error error node read.js
expect "$(curl --version | head -1 | cut -d' ' -f1,2)" error error curl_reads
exit $wrong
