#!/usr/bin/env bash
# One would guess: the CloudEvents libraries of the same project carry an event's data from one language to another as the bytes or the text
# that it was: CSV as CSV, an image as an image.
# What happens: in binary mode, PyPI's `cloudevents` 2.2.0 (`cloudevents.v1`) writes a text of any content type as a JSON
# string: the body of text/csv is one line in quotes. In structured mode it does not. npm's `cloudevents` 10.0.0 reads `data_base64` of structured
# events as an array of 32-bit numbers, one for each byte: whoever writes it to a file or sends it on has four bytes for each.
# Who meets it: receivers of webhooks and of Kafka's binding whose senders are in another language. Each side reads its own events well.
set -euo pipefail
PYTHON_CLOUDEVENTS=2.2.0 NODE_CLOUDEVENTS=10.0.0
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check "cloudevents==$PYTHON_CLOUDEVENTS"
npm init -y >/dev/null
npm install --silent "cloudevents@$NODE_CLOUDEVENTS"
cat >send.py <<'PY'
import json, sys
from cloudevents.v1.conversion import to_binary, to_structured
from cloudevents.v1.http import CloudEvent
send = {'binary': to_binary, 'structured': to_structured}[sys.argv[1]]
data = {'text/csv': 'id,name\n7,Ada\n', 'image/png': bytes([137, 80, 78, 71])}[sys.argv[2]]
headers, body = send(CloudEvent({'type': 'test', 'source': '/test', 'datacontenttype': sys.argv[2]}, data))
print(json.dumps({'headers': headers, 'body': body.decode('latin-1')}))
PY
cat >receive.js <<'JS'
const { HTTP } = require('cloudevents')
const { headers, body } = JSON.parse(require('fs').readFileSync(0))
const text = Buffer.from(body, 'latin1')
const binary = 'ce-id' in headers && headers['content-type'] === 'image/png'
const { data } = HTTP.toEvent({ headers, body: binary ? text : text.toString() })
require('fs').writeFileSync('data', data)
console.log(require('fs').readFileSync('data').toString('hex'))
JS
wrong=0
seen() { # MODE CONTENT-TYPE EXPECTED
  local found
  found=$(python/bin/python send.py "$1" "$2" | node receive.js)
  [[ $2 != text/* ]] || found=$(python3 -c 'import sys; print(repr(bytes.fromhex(sys.argv[1]).decode()))' "$found")
  echo "$2, $1: $found"
  [ "$found" = "$3" ] || { echo "  changed: expected $3"; wrong=1; }
}
echo "from Python (cloudevents $PYTHON_CLOUDEVENTS) to Node (cloudevents $NODE_CLOUDEVENTS):"
seen structured text/csv "'id,name\\n7,Ada\\n'"
seen binary text/csv "'\"id,name\\\\n7,Ada\\\\n\"'"
seen binary image/png 89504e47
seen structured image/png 89000000500000004e00000047000000
exit $wrong
