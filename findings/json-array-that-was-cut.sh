#!/usr/bin/env bash
# One would guess: a parser that hands out the elements of a JSON array one by one, for arrays that are too large for the memory, has an error when the text
# ends before the array does, as `JSON.parse` has: the bracket at the end is there to tell.
# What happens: npm's `JSONStream` 1.3.5 hands out the elements that are whole, and ends by `end` without `error`, wherever the text was cut. `bfj` 9.1.4 (`match`)
# does so, too, unless somebody listens to an event of its own, `dataError`; of a number it takes the front for the number. npm's `@streamparser/json-node`
# 0.0.26 has an error, and so have PyPI's `ijson` 3.6.0 and `json-stream` 2.5.1, behind the elements that are whole.
# Who meets it: readers on Node of large answers and exports: a proxy or a server that dies behind one ends the body as if it were whole. What helps: another
# parser; with bfj, `dataError`.
set -euo pipefail
JSONSTREAM=1.3.5 BFJ=9.1.4 STREAMPARSER=0.0.26 IJSON=3.6.0 JSON_STREAM=2.5.1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init -y >/dev/null
npm install --silent "JSONStream@$JSONSTREAM" "bfj@$BFJ" "@streamparser/json-node@$STREAMPARSER"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check "ijson==$IJSON" "json-stream==$JSON_STREAM"
cat >read.mjs <<'JS'
import { Readable } from 'node:stream'
import JSONStream from 'JSONStream'
import bfj from 'bfj'
import { JSONParser } from '@streamparser/json-node'

const [name, text] = process.argv.slice(2)
const input = Readable.from([text])
const elements = {
  JSONStream: () => input.pipe(JSONStream.parse('*')),
  bfj: () => bfj.match(input, (key, value, depth) => depth === 1),
  streamparser: () => input.pipe(new JSONParser({ paths: ['$.*'] })),
}[name]()
const seen = []
elements.on('data', element => seen.push(name === 'streamparser' ? element.value : element))
elements.on('error', () => console.log(JSON.stringify(seen), 'error'))
elements.on('end', () => console.log(JSON.stringify(seen), 'end'))
JS
cat >read.py <<'PY'
import io, json, sys
import ijson, json_stream

name, text = sys.argv[1:]
seen = []
try:
    elements = ijson.items(io.BytesIO(text.encode()), 'item') if name == 'ijson' else json_stream.load(io.StringIO(text))
    for element in elements:
        seen.append(json_stream.to_standard_types(element))
    end = 'end'
except (ValueError, ijson.JSONError):
    end = 'error'
print(json.dumps(seen, separators=(',', ':')), end)
PY
wrong=0
seen() { # NAME EXPECTED COMMAND…
  local found
  found=$("${@:3}")
  echo "  $1: $found"
  [ "$found" = "$2" ] || { echo "    changed: expected $2"; wrong=1; }
}
all() { # TEXT JSONSTREAM BFJ OTHERS
  echo "$1"
  seen "JSONStream $JSONSTREAM" "$2" node read.mjs JSONStream "$1"
  seen "bfj $BFJ" "$3" node read.mjs bfj "$1"
  seen "@streamparser/json-node $STREAMPARSER" "$4" node read.mjs streamparser "$1"
  seen "ijson $IJSON" "$4" python/bin/python read.py ijson "$1"
  seen "json-stream $JSON_STREAM" "$4" python/bin/python read.py json_stream "$1"
}
all '[{"id":1},{"id":2}]' '[{"id":1},{"id":2}] end' '[{"id":1},{"id":2}] end' '[{"id":1},{"id":2}] end'
all '[{"id":1},{"id":2},{"id":3' '[{"id":1},{"id":2}] end' '[{"id":1},{"id":2}] end' '[{"id":1},{"id":2}] error'
all '[{"id":1},{"id":2}' '[{"id":1},{"id":2}] end' '[{"id":1},{"id":2}] end' '[{"id":1},{"id":2}] error'
all '[10,20,34' '[10,20] end' '[10,20,34] end' '[10,20,34] error'
exit $wrong
