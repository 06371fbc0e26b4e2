#!/usr/bin/env bash
# One would guess: a client of server-sent events hands out whole events only. The HTML standard (section "Server-sent events",
# "Interpreting an event stream") says that an event without its empty line is dropped when the stream ends.
# What happens: PyPI's `sseclient-py` hands out what was cut off as an event like any other. npm's `eventsource-parser` does not.
# Who meets it: everybody who reads a change feed for longer than a connection holds. The half of an event comes first, and after
# the connection is made anew, by its last id, the whole one.
set -euo pipefail
CLIENT=1.9.0 PARSER=3.0.6
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check "sseclient-py==$CLIENT"
npm init -y >/dev/null
npm install --silent "eventsource-parser@$PARSER"
printf 'id: 1\ndata: {"n":1}\n\nid: 2\ndata: {"n":' >stream

cat >client.py <<'PY'
import sys
import sseclient
print(*(event.data for event in sseclient.SSEClient(open(sys.argv[1], 'rb')).events()))
PY
cat >parser.mjs <<'JS'
import { readFileSync } from 'node:fs'
import { createParser } from 'eventsource-parser'
const found = []
createParser({ onEvent: event => found.push(event.data) }).feed(readFileSync(process.argv[2], 'utf8'))
console.log(found.join(' '))
JS
wrong=0
seen() { # NAME EXPECTED COMMAND…
  local found
  found=$("${@:3}")
  echo "$1: $found"
  [ "$found" = "$2" ] || { echo "  changed: expected $2"; wrong=1; }
}
seen "eventsource-parser $PARSER" '{"n":1}' node parser.mjs stream
seen "sseclient-py $CLIENT" '{"n":1} {"n":' python/bin/python client.py stream
exit $wrong
