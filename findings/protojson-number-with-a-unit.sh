#!/usr/bin/env bash
# One would guess: ProtoJSON takes an integer as a number or as a string that holds one, and `"10 GB"`, `"1,5"` or `"1:30"` for an
# integer is an error.
# What happens: Go's `google.golang.org/protobuf/encoding/protojson` reads the string up to the first character that ends a number in
# JSON (a blank, a comma, a colon, a bracket, a slash), takes what it found, and says nothing of the rest: 10, 1 and 1. `"10GB"` is an
# error. Python's `protobuf` refuses all four.
# Who meets it: people who write specs and settings for servers in Go that read them by protojson: a limit of "10 GB" is one of ten
# bytes.
set -euo pipefail
GO_PROTOBUF=v1.36.11 PYTHON_PROTOBUF=6.33.1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
cat >main.go <<'GO'
package main

import (
	"fmt"
	"os"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

func main() {
	for _, text := range os.Args[1:] {
		var value wrapperspb.Int64Value
		if err := protojson.Unmarshal([]byte(text), &value); err != nil {
			fmt.Print("error ")
		} else {
			fmt.Print(value.Value, " ")
		}
	}
}
GO
go mod init example.invalid/numbers >/dev/null 2>&1
go get "google.golang.org/protobuf@$GO_PROTOBUF" >/dev/null 2>&1
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check "protobuf==$PYTHON_PROTOBUF"
cat >main.py <<'PY'
import sys
from google.protobuf import json_format, wrappers_pb2
for text in sys.argv[1:]:
    try:
        print(json_format.Parse(text, wrappers_pb2.Int64Value()).value, end=' ')
    except json_format.ParseError:
        print('error', end=' ')
PY
texts=('"10"' '"10 GB"' '"1,5"' '"1:30"' '"10GB"')
wrong=0
seen() { # NAME EXPECTED COMMAND…
  local found
  found=$("${@:3}" "${texts[@]}")
  echo "$1: ${texts[*]} are read as $found"
  [ "$found" = "$2" ] || { echo "  changed: expected $2"; wrong=1; }
}
seen "Go protobuf $GO_PROTOBUF" '10 10 1 1 error ' go run .
seen "Python protobuf $PYTHON_PROTOBUF" '10 error error error error ' python/bin/python main.py
exit $wrong
