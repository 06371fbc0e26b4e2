#!/usr/bin/env bash
# One would guess: MongoDB's extended JSON carries an integer of 64 bits whole: `{"$numberLong": "…"}` is a text for no other reason, and MongoDB's
# own library for Node reads it as the Long that it has for it.
# What happens: `EJSON.parse` of npm's `bson` 7.3.4, as it is called without options, makes a double of it: 9007199254740993 ends in 2, and is
# written back, with the type and all, as another id. A long of 5 is an int of 32 bits when it is written back, and a double of 1.0 as well.
# PyPI's `pymongo` 4.15.5 keeps number and type, and so does Node's with `{ relaxed: false }`.
# Who meets it: programs on Node that read exports, change streams or topics of Kafka with documents in extended JSON, and look the id up
# or write it to another database.
# shellcheck disable=SC2016 # MongoDB's names begin with a dollar
set -euo pipefail
BSON=7.3.4 PYMONGO=4.15.5
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init -y >/dev/null
npm install --silent "bson@$BSON"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check "pymongo==$PYMONGO"
cat >read.js <<'JS'
const { EJSON } = require('bson')
const relaxed = process.argv[3]
const read = relaxed ? EJSON.parse(process.argv[2], { relaxed: relaxed === 'true' }) : EJSON.parse(process.argv[2])
console.log(EJSON.stringify(read, { relaxed: false }))
JS
cat >read.py <<'PY'
import sys
from bson import json_util
print(json_util.dumps(json_util.loads(sys.argv[1]), json_options=json_util.CANONICAL_JSON_OPTIONS, separators=(',', ':')))
PY
wrong=0
seen() { # NAME EXPECTED COMMAND…
  local found
  found=$("${@:3}")
  echo "  $1: $found"
  [ "$found" = "$2" ] || { echo "  changed: expected $2"; wrong=1; }
}
document() { # DOCUMENT EXPECTED-OF-NODE
  echo "$1, read and written in the canonical form:"
  seen "npm bson $BSON" "$2" node read.js "$1"
  seen "npm bson $BSON, relaxed: false" "$1" node read.js "$1" false
  seen "PyPI pymongo $PYMONGO" "$1" python/bin/python read.py "$1"
}
document '{"id":{"$numberLong":"9007199254740993"}}' '{"id":{"$numberLong":"9007199254740992"}}'
document '{"id":{"$numberLong":"5"}}' '{"id":{"$numberInt":"5"}}'
document '{"id":{"$numberDouble":"1.0"}}' '{"id":{"$numberInt":"1"}}'
exit $wrong
