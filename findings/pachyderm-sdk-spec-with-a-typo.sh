#!/usr/bin/env bash
# One would guess: Pachyderm's newer Python library reads a pipeline's spec as the older one and pachctl do, which refuse a field that does not
# exist.
# What happens: `CreatePipelineRequest().from_json` of pachyderm-sdk 2.12.2 leaves such a field out without a word, so that the server
# never sees it: a misspelt `resourceLimit` is no limit, `comand` no command. `parse_json_pipeline_spec` of python-pachyderm 7.6.0 refuses both.
# A timeout below 100 microseconds is written by `to_json` as "5e-05s", which is no duration for the older one.
# Who meets it: whoever creates pipelines from a notebook or a deployment in Python, of specs that are kept as JSON. The typo is found when
# the pod is killed for want of memory.
set -euo pipefail
PACHYDERM_SDK=2.12.2 PYTHON_PACHYDERM=7.6.0 GRPCIO=1.74.0 DATEUTIL=2.9.0.post0 PROTOBUF=3.20.3
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
for name in older newer; do python3 -m venv "$name"; done
newer/bin/pip install --quiet --disable-pip-version-check "pachyderm-sdk==$PACHYDERM_SDK" "grpcio==$GRPCIO" "python-dateutil==$DATEUTIL"
older/bin/pip install --quiet --disable-pip-version-check "python-pachyderm==$PYTHON_PACHYDERM" "protobuf==$PROTOBUF" "grpcio==$GRPCIO"
cat >newer.py <<'PY'
import sys
from pachyderm_sdk.api import pps
request = bytes(pps.CreatePipelineRequest().from_json(sys.argv[1]))
print(pps.CreatePipelineRequest().parse(request).to_json())
PY
cat >older.py <<'PY'
import json, sys
import python_pachyderm
from google.protobuf import json_format
try:
    spec = python_pachyderm.parse_json_pipeline_spec(sys.argv[1])
    print(json.dumps(json_format.MessageToDict(spec)))
except json_format.ParseError:
    print('refused')
PY
wrong=0
seen() { # SPEC EXPECTED-OF-OLDER EXPECTED-OF-NEWER
  local older newer
  older=$(older/bin/python older.py "$1")
  newer=$(newer/bin/python newer.py "$1")
  printf '%s\n  python-pachyderm %s: %s\n  pachyderm-sdk %s: %s\n' "$1" "$PYTHON_PACHYDERM" "$older" "$PACHYDERM_SDK" "$newer"
  [ "$older; $newer" = "$2; $3" ] || { echo "  changed: expected $2; $3"; wrong=1; }
}
seen '{"pipeline":{"name":"a"},"resourceLimits":{"memory":"1G"}}' \
  '{"pipeline": {"name": "a"}, "resourceLimits": {"memory": "1G"}}' '{"pipeline": {"name": "a"}, "resourceLimits": {"memory": "1G"}}'
seen '{"pipeline":{"name":"a"},"resourceLimit":{"memory":"1G"}}' refused '{"pipeline": {"name": "a"}}'
seen '{"pipeline":{"name":"a"},"transform":{"image":"b","comand":["c"]}}' refused \
  '{"pipeline": {"name": "a"}, "transform": {"image": "b"}}'
seen '{"datumTimeout":"0.00005s"}' '{"datumTimeout": "0.000050s"}' '{"datumTimeout": "5e-05s"}'
seen '{"datumTimeout":"5e-05s"}' refused '{"datumTimeout": "5e-05s"}'
exit $wrong
