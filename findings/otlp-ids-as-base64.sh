#!/usr/bin/env bash
# One would guess: OTLP's JSON is the JSON of its .proto, so that the JSON reader of a library of protobuf reads it, or has an error.
# What happens: OTLP writes ids of traces and spans in hexadecimal, where protobuf's JSON has base64 for bytes. Each text of 32 or of 16 hexadecimal digits is also valid base64: `json_format.Parse` of
# PyPI's `protobuf` 7.36.2 and `fromJson` of npm's `@bufbuild/protobuf` 2.17.0 make 24 bytes of a trace's id and 12 of a span's, without an error, and `json_format.MessageToJson` writes ids in
# base64, which OTLP does not have.
# Who meets it: consumers in Python and Node of what the collector's `file` and `kafka` exporters write (`otlp_json`), and of collectors' HTTP with JSON: no trace is found by its id.
# What helps: change the ids from hexadecimal to base64 in the JSON before it is read; or have the collector write `otlp_proto`.
set -euo pipefail
PROTOBUF=7.36.2 OTLP=1.45.2 BUFBUILD=2.17.0
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check "protobuf==$PROTOBUF" "opentelemetry-proto==$OTLP"
npm init -y >/dev/null
npm install --silent "@bufbuild/protobuf@$BUFBUILD"
# A span as OTLP's specification has it.
cat >span.json <<'JSON'
{"traceId": "5B8EFFF798038103D269B633813FC60C", "spanId": "EEE19B7EC3C1B174", "name": "charge"}
JSON
cat >read.py <<'PY'
from google.protobuf import json_format
from opentelemetry.proto.trace.v1.trace_pb2 import Span

span = json_format.Parse(open('span.json').read(), Span())
print(f'protobuf reads a traceId of {len(span.trace_id)} bytes, {span.trace_id.hex()}, and a spanId of {len(span.span_id)}')
right = Span(trace_id=bytes.fromhex('5B8EFFF798038103D269B633813FC60C'))
print('protobuf writes', json_format.MessageToJson(right, indent=None))
PY
cat >read.mjs <<'JS'
import { readFileSync } from 'node:fs'
import { fromJson } from '@bufbuild/protobuf'
import { BytesValueSchema } from '@bufbuild/protobuf/wkt'
const span = JSON.parse(readFileSync('span.json', 'utf8'))
const bytes = text => Buffer.from(fromJson(BytesValueSchema, text).value)
console.log(`@bufbuild/protobuf reads a traceId of ${bytes(span.traceId).length} bytes, ${bytes(span.traceId).toString('hex')}, and a spanId of ${bytes(span.spanId).length}`)
JS
{
  python/bin/python read.py
  node read.mjs
} | tee seen
cat >expected <<'TEXT'
protobuf reads a traceId of 24 bytes, e41f0414517bf7cd37f35d370f6ebd07adf7f35dc50bad02, and a spanId of 12
protobuf writes {"traceId": "W47/95gDgQPSabYzgT/GDA=="}
@bufbuild/protobuf reads a traceId of 24 bytes, e41f0414517bf7cd37f35d370f6ebd07adf7f35dc50bad02, and a spanId of 12
TEXT
cmp -s seen expected || { echo 'changed: expected'; cat expected; exit 1; }
