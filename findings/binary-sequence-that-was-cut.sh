#!/usr/bin/env bash
# One would guess: a reader of one MessagePack or CBOR value after another tells a stream that ends inside a value from one that ends behind it:
# both formats say in front how much belongs to a value.
# What happens: PyPI's `msgpack` 1.2.4 (`Unpacker`) and npm's `@msgpack/msgpack` 3.1.3 (`decodeMultiStream`) leave out the torn value and end as after
# the last whole one. PyPI's `cbor2` 6.3.0 raises the same CBORDecodeEOF in the middle of a value and behind the last one, so that a loop which
# takes it for the end takes both. npm's `cbor-x` 1.6.9 has an error for the first alone.
# Who meets it: readers of Fluentd's forward protocol, of log shippers' buffers and of CBOR sequences of devices: a connection that broke
# looks like one that was closed, and the last value is missing.
set -euo pipefail
MSGPACK=1.2.4 CBOR2=6.3.0 MSGPACK_JS=3.1.3 CBOR_X=1.6.9
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check "msgpack==$MSGPACK" "cbor2==$CBOR2"
npm init -y >/dev/null
npm install --silent "@msgpack/msgpack@$MSGPACK_JS" "cbor-x@$CBOR_X"
cat >write.py <<'PY'
import cbor2, msgpack
values = [{'n': n, 'text': 'x' * 20} for n in range(3)]
for name, pack in (('msgpack', msgpack.packb), ('cbor', cbor2.dumps)):
    whole = b''.join(map(pack, values))
    open(f'{name}.whole', 'wb').write(whole)
    open(f'{name}.cut', 'wb').write(whole[:-5])
PY
cat >unpack.py <<'PY'
import msgpack, sys
try:
    print(len(list(msgpack.Unpacker(open(sys.argv[1], 'rb')))), 'values')
except Exception as error:
    print(type(error).__name__)
PY
cat >load.py <<'PY'
import cbor2, sys
count = 0
with open(sys.argv[1], 'rb') as file:
    while True:
        try:
            cbor2.load(file)
            count += 1
        except Exception as error:
            print(count, 'values, then', type(error).__name__)
            break
PY
cat >unpack.mjs <<'JS'
import { decodeMultiStream } from '@msgpack/msgpack'
import { createReadStream } from 'node:fs'
let count = 0
try {
  for await (const value of decodeMultiStream(createReadStream(process.argv[2]))) count++
  console.log(`${count} values`)
} catch (error) {
  console.log(`${count} values, then an error`)
}
JS
cat >load.mjs <<'JS'
import { DecoderStream } from 'cbor-x'
import { createReadStream } from 'node:fs'
let count = 0
const stream = createReadStream(process.argv[2]).pipe(new DecoderStream())
stream.on('data', () => count++)
stream.on('end', () => console.log(`${count} values`))
stream.on('error', () => { console.log(`${count} values, then an error`); stream.destroy() })
JS
python/bin/python write.py
wrong=0
seen() { # NAME FORMAT EXPECTED-OF-WHOLE EXPECTED-OF-CUT COMMAND…
  local whole cut
  whole=$("${@:5}" "$2.whole")
  cut=$("${@:5}" "$2.cut")
  echo "$1: three values: $whole; the last one cut: $cut"
  [ "$whole; $cut" = "$3; $4" ] || { echo "  changed: expected $3; $4"; wrong=1; }
}
seen "msgpack $MSGPACK" msgpack '3 values' '2 values' python/bin/python unpack.py
seen "@msgpack/msgpack $MSGPACK_JS" msgpack '3 values' '2 values' node unpack.mjs
seen "cbor2 $CBOR2" cbor '3 values, then CBORDecodeEOF' '2 values, then CBORDecodeEOF' python/bin/python load.py
seen "cbor-x $CBOR_X" cbor '3 values' '2 values, then an error' node load.mjs
exit $wrong
