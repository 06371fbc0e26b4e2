#!/usr/bin/env bash
# One would guess: lines of a text over HTTP end at a newline, as in the media types that are made of lines (NDJSON, logs, CSV), so that what is one line to the
# server is one to a client's `iter_lines`.
# What happens: httpx 0.28.1 (`iter_lines`, `aiter_lines`) and requests 2.34.2 (`iter_lines(decode_unicode=True)`) end a line at U+2028, U+2029 and U+0085, too, which
# JSON allows in a string as they are. Java's `java.util.Scanner` does so with a file. requests' `iter_lines()`, which gives bytes, aiohttp 3.14.5, Go's
# `bufio.Scanner`, Java's `Files.lines` and Node's `readline` have one line.
# Who meets it: readers of feeds, and of answers that come piece by piece: a record with such a character is two halves, of which neither is JSON. Whoever passes
# over lines that do not parse loses it without a word. What helps: `iter_bytes`, and lines that end at `\n` alone.
set -euo pipefail
HTTPX=0.28.1 REQUESTS=2.34.2 AIOHTTP=3.14.5
dir=$(mktemp -d)
trap 'kill "${server:-}" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check "httpx==$HTTPX" "requests==$REQUESTS" "aiohttp==$AIOHTTP"
# Four lines; in three of them one of the characters stands in a string.
printf '{"id":1,"text":"a\xe2\x80\xa8b"}\n{"id":2,"text":"a\xe2\x80\xa9b"}\n{"id":3,"text":"a\xc2\x85b"}\n{"id":4,"text":"a b"}\n' >orders.ndjson
cat >server.py <<'PY'
import http.server

class Orders(http.server.SimpleHTTPRequestHandler):
    extensions_map = {'.ndjson': 'application/x-ndjson; charset=utf-8'}

    def log_message(self, *arguments):
        pass

server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Orders)
print(server.server_port, flush=True)
server.serve_forever()
PY
python3 server.py >port &
server=$!
until [ -s port ]; do kill -0 "$server"; sleep 0.1; done
cat >read.py <<'PY'
import asyncio
import json
import sys
import aiohttp
import httpx
import requests

way, url = sys.argv[1:]

async def by_aiohttp():
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return [line async for line in answer.content]

async def by_httpx():
    async with httpx.AsyncClient() as client, client.stream('GET', url) as answer:
        return [line async for line in answer.aiter_lines()]

if way == 'httpx':
    with httpx.stream('GET', url) as answer:
        lines = list(answer.iter_lines())
elif way == 'AsyncClient':
    lines = asyncio.run(by_httpx())
elif way == 'aiohttp':
    lines = asyncio.run(by_aiohttp())
else:
    lines = list(requests.get(url, stream=True).iter_lines(decode_unicode=way == 'texts'))
ids = []
for line in lines:
    try:
        ids.append(json.loads(line)['id'])
    except ValueError:
        pass
print(len(lines), 'lines, the records', *ids)
PY
cat >Read.java <<'JAVA'
import java.nio.file.*;
import java.util.Scanner;

public class Read {
    public static void main(String[] arguments) throws Exception {
        var file = Path.of("orders.ndjson");
        long count = 0;
        if (arguments[0].equals("Scanner")) {
            for (var lines = new Scanner(file); lines.hasNextLine(); lines.nextLine()) count++;
        } else {
            count = Files.lines(file).count();
        }
        System.out.println(count + " lines");
    }
}
JAVA
cat >read.go <<'GO'
package main

import (
	"bufio"
	"fmt"
	"os"
)

func main() {
	count := 0
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		count++
	}
	fmt.Println(count, "lines")
}
GO
cat >read.js <<'JS'
let count = 0
require('readline').createInterface({ input: process.stdin }).on('line', () => count++).on('close', () => console.log(count, 'lines'))
JS
wrong=0
expect() { # NAME EXPECTED COMMAND…
  local found
  found=$("${@:3}" <orders.ndjson)
  echo "$1: $found"
  [ "$found" = "$2" ] || { echo "  changed: expected $2"; wrong=1; }
}
url=http://127.0.0.1:$(<port)/orders.ndjson
java=$(java --version | head -1)
echo 'four lines of JSON, with U+2028, U+2029 and U+0085 in strings'
expect "httpx $HTTPX, iter_lines" '7 lines, the records 4' python/bin/python read.py httpx "$url"
expect "httpx $HTTPX, aiter_lines" '7 lines, the records 4' python/bin/python read.py AsyncClient "$url"
expect "requests $REQUESTS, iter_lines(decode_unicode=True)" '7 lines, the records 4' python/bin/python read.py texts "$url"
expect "requests $REQUESTS, iter_lines()" '4 lines, the records 1 2 3 4' python/bin/python read.py bytes "$url"
expect "aiohttp $AIOHTTP" '4 lines, the records 1 2 3 4' python/bin/python read.py aiohttp "$url"
expect "$java, java.util.Scanner" '7 lines' java -Dfile.encoding=UTF-8 Read.java Scanner
expect "$java, Files.lines" '4 lines' java Read.java lines
expect "$(go version | cut -d' ' -f3), bufio.Scanner" '4 lines' go run read.go
expect "Node $(node --version), readline" '4 lines' node read.js
exit $wrong
