#!/usr/bin/env bash
# One would guess: what reads a stream by the line hands out lines that were ended, and the last one without an end when the stream ended well; when a
# connection breaks in the middle of a line, there is an error in place of that line.
# What happens: Go's `bufio.Scanner` hands out the half of the line like any other, and has its error (`Err`) behind it, when the half is handled. Java's
# `java.util.Scanner` does so, too, and never raises what it met: `hasNextLine()` is false, as at the end. Java's BufferedReader, requests' `iter_lines`
# and Node's `readline` keep the half back; requests keeps all of the last piece that came.
# Who meets it: readers of feeds and exports over HTTP that handle each line as it comes. Half of a number is a number: of 5678 it is 56. In Go,
# `bufio.Reader.ReadString('\n')` returns the half together with its error.
set -euo pipefail
REQUESTS=2.34.2
dir=$(mktemp -d)
trap 'kill "${server:-}" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check "requests==$REQUESTS"
# Two lines, the second one cut in two, of a body that should be longer: each of the clients knows that it is not whole.
cat >server.py <<'PY'
import socket
import threading

def answer(client):
    with client:
        request = b''
        while not request.endswith(b'\r\n\r\n'):
            request += client.recv(65536)
        client.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nContent-Type: text/plain\r\n\r\n1234\n56')

listener = socket.create_server(('127.0.0.1', 0))
print(listener.getsockname()[1], flush=True)
while True:
    threading.Thread(target=answer, args=(listener.accept()[0],), daemon=True).start()
PY
python3 server.py >port &
server=$!
until [ -s port ]; do kill -0 "$server"; sleep 0.1; done
cat >Read.java <<'JAVA'
import java.io.*;
import java.net.URI;
import java.net.http.*;
import java.util.Scanner;

public class Read {
    public static void main(String[] arguments) throws Exception {
        var request = HttpRequest.newBuilder(URI.create(arguments[1])).build();
        var body = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofInputStream()).body();
        try {
            if (arguments[0].equals("Scanner")) {
                var lines = new Scanner(body);
                while (lines.hasNextLine()) {
                    System.out.print(lines.nextLine() + " ");
                }
            } else {
                var lines = new BufferedReader(new InputStreamReader(body));
                for (String line; (line = lines.readLine()) != null; ) {
                    System.out.print(line + " ");
                }
            }
            System.out.println("end");
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
	"bufio"
	"fmt"
	"net/http"
	"os"
)

func main() {
	answer, err := http.Get(os.Args[1])
	if err != nil {
		panic(err)
	}
	lines := bufio.NewScanner(answer.Body)
	for lines.Scan() {
		fmt.Print(lines.Text(), " ")
	}
	if lines.Err() != nil {
		fmt.Println("error")
	} else {
		fmt.Println("end")
	}
}
GO
go build -o go-read read.go
cat >read.py <<'PY'
import sys
import requests
try:
    for line in requests.get(sys.argv[1], stream=True).iter_lines():
        print(line.decode(), end=' ')
    print('end')
except requests.RequestException:
    print('error')
PY
cat >read.mjs <<'JS'
import readline from 'node:readline'
import { Readable } from 'node:stream'
const found = []
const answer = await fetch(process.argv[2])
try {
  for await (const line of readline.createInterface({ input: Readable.fromWeb(answer.body) })) found.push(line)
  found.push('end')
} catch {
  found.push('error')
}
console.log(found.join(' '))
JS
wrong=0
expect() { # NAME EXPECTED COMMAND…
  local found
  found=$("${@:3}" "http://127.0.0.1:$(<port)/")
  echo "$1: $found"
  [ "$found" = "$2" ] || { echo "  changed: expected $2"; wrong=1; }
}
java=$(java --version | head -1)
echo 'the lines 1234 and 5678, cut behind 56'
expect "$(go version | cut -d' ' -f3), bufio.Scanner" '1234 56 error' ./go-read
expect "$java, java.util.Scanner" '1234 56 end' java Read Scanner
expect "$java, BufferedReader" '1234 error' java Read BufferedReader
expect "requests $REQUESTS, iter_lines" error python/bin/python read.py
expect "Node $(node --version), readline" '1234 error' node read.mjs
exit $wrong
