#!/usr/bin/env bash
# One would guess: a reader of Avro's container files tells of a file that ends inside a block: each block says how many records and bytes it
# has, and ends with a marker of 16 bytes, so that a torn one can be told.
# What happens: npm's `avsc` 5.7.9 hands out the blocks that are whole and ends as after a whole file, with `end` and no `error`, wherever the
# file was cut. PyPI's `fastavro` refuses every cut that is not between two blocks.
# Who meets it: programs on Node that read what a sink of Kafka, or a download that broke off, left behind: the last records are
# missing, and with one block to a file, as small files have, all of them.
set -euo pipefail
AVSC=5.7.9 FASTAVRO=1.13.1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init -y >/dev/null
npm install --silent "avsc@$AVSC"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check "fastavro==$FASTAVRO"
# Three blocks of ten records. The list of cuts leaves out those between two blocks.
cat >write.py <<'PY'
import fastavro, io
schema = {'type': 'record', 'name': 'reading', 'fields': [{'name': 'n', 'type': 'long'}]}
out = io.BytesIO()
writer = fastavro.write.Writer(out, schema, sync_interval=10**9)
ends = []
for block in range(3):
    ends.append(out.tell())
    for n in range(10):
        writer.write({'n': n})
    writer.dump()
whole = out.getvalue()
open('whole.avro', 'wb').write(whole)
print(*(cut for cut in range(ends[0] + 1, len(whole)) if cut not in ends), len(whole))
PY
cat >read.py <<'PY'
import collections, fastavro, io, sys
whole = open('whole.avro', 'rb').read()
seen = collections.Counter()
for cut in map(int, sys.argv[1:]):
    try:
        seen[f'{len(list(fastavro.reader(io.BytesIO(whole[:cut]))))} records, no error'] += 1
    except (EOFError, ValueError):
        seen['an error'] += 1
print(', '.join(f'{count} x {what}' for what, count in sorted(seen.items())))
PY
cat >read.js <<'JS'
const avro = require('avsc')
const whole = require('fs').readFileSync('whole.avro')
const read = cut => new Promise(done => {
  let records = 0
  const decoder = new avro.streams.BlockDecoder()
  decoder.on('data', () => records++)
  decoder.on('error', () => done('an error'))
  decoder.on('end', () => done(`${records} records, no error`))
  decoder.end(whole.subarray(0, cut))
})
Promise.all(process.argv.slice(2).map(read)).then(all => {
  const seen = {}
  for (const what of all) seen[what] = (seen[what] || 0) + 1
  console.log(Object.keys(seen).sort().map(what => `${seen[what]} x ${what}`).join(', '))
})
JS
read -ra cuts <<<"$(python/bin/python write.py)"
wrong=0
seen() { # NAME EXPECTED COMMAND…
  local found
  found=$("${@:3}" "${cuts[@]}")
  echo "$1: $found"
  [ "$found" = "$2" ] || { echo "  changed: expected $2"; wrong=1; }
}
echo "30 records in 3 blocks, whole (the last of ${#cuts[@]}) and cut at every byte inside a block:"
seen "fastavro $FASTAVRO" '1 x 30 records, no error, 81 x an error' python/bin/python read.py
seen "avsc $AVSC" \
  '27 x 0 records, no error, 27 x 10 records, no error, 27 x 20 records, no error, 1 x 30 records, no error' node read.js
exit $wrong
