#!/usr/bin/env bash
# One would guess: the Transformer of `singer-python`, which makes records of a tap fit its schema, refuses a value that its type does not
# hold, as it does the text "12.0" for an integer; and leaves one alone that does.
# What happens: in 6.8.0 an integer whose type is `number` goes through a float, so that 9007199254740993 is another id; every text but "false" is
# true for a boolean, "0", "no" and "f" as well; 1.9 is the integer 1; an object for a string becomes Python's notation of it, which is no JSON;
# and "01/02/2026" is the second of January.
# Who meets it: targets of taps whose source changed the type of a column, or has ids in a column of numbers. Nothing is logged, and the state moves on.
set -euo pipefail
SINGER=6.8.0
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check "singer-python==$SINGER"
cat >transform.py <<'PY'
import json
from singer.transform import SchemaMismatch, Transformer
for kind, value in (
    ({'type': 'integer'}, 9007199254740993), ({'type': 'number'}, 9007199254740993),
    ({'type': 'boolean'}, 'false'), ({'type': 'boolean'}, '0'), ({'type': 'boolean'}, 'no'), ({'type': 'boolean'}, 'f'),
    ({'type': 'integer'}, '12.0'), ({'type': 'integer'}, 1.9),
    ({'type': 'string'}, {'id': None}), ({'type': 'string', 'format': 'date-time'}, '01/02/2026'),
):
    schema = {'type': 'object', 'properties': {'field': kind}}
    try:
        found = json.dumps(Transformer().transform({'field': value}, schema)['field'])
    except SchemaMismatch:
        found = 'refused'
    print(json.dumps(value), 'as', *kind.values(), 'is', found)
PY
echo "singer-python $SINGER"
python/bin/python transform.py 2>errors | tee seen || cat errors
cat >expected <<'TEXT'
9007199254740993 as integer is 9007199254740993
9007199254740993 as number is 9007199254740992.0
"false" as boolean is false
"0" as boolean is true
"no" as boolean is true
"f" as boolean is true
"12.0" as integer is refused
1.9 as integer is 1
{"id": null} as string is "{'id': None}"
"01/02/2026" as string date-time is "2026-01-02T00:00:00.000000Z"
TEXT
cmp -s seen expected || { echo 'changed: expected'; cat expected errors; exit 1; }
