#!/usr/bin/env bash
# One would guess: an implementation of RFC 6902 refuses to replace a member that is not there (section 4.3), and a path that does not
# begin with a slash is no JSON Pointer (RFC 6901, section 3).
# What happens: `github.com/evanphx/json-patch` 4.12.0, which many Kubernetes tools of these years hold to, adds the member, and takes
# the path as if it began at its first slash: `spec/nodeName` sets `/nodeName`. Version 5.9.11 of the same library refuses the first
# and still takes the second. PyPI's `jsonpatch` refuses both.
# Who meets it: people who write patches of pods (a `pod_patch` in a pipeline's spec): a misspelt name, or a forgotten slash, is no
# error but another object.
set -euo pipefail
OLD=v4.12.0 NEW=v5.9.11 PYTHON=1.33
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
document='{"spec":{"nodeName":"a"}}'
missing='[{"op":"replace","path":"/spec/nodename","value":"b"}]'
relative='[{"op":"add","path":"spec/nodeName","value":"b"}]'
program() { # MODULE VERSION
  mkdir "$2"
  cat >"$2/main.go" <<GO
package main

import (
	"fmt"
	"os"

	jsonpatch "$1"
)

func main() {
	patch, err := jsonpatch.DecodePatch([]byte(os.Args[2]))
	if err == nil {
		var out []byte
		if out, err = patch.Apply([]byte(os.Args[1])); err == nil {
			fmt.Println(string(out))
			return
		}
	}
	fmt.Println("error")
}
GO
  (cd "$2" && go mod init example.invalid/patch && go get "$1@$2" && go build -o ../"patch-$2" .) >/dev/null 2>&1
}
program github.com/evanphx/json-patch "$OLD"
program github.com/evanphx/json-patch/v5 "$NEW"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check "jsonpatch==$PYTHON"
cat >patch.py <<'PY'
import json, sys
import jsonpatch
try:
    print(json.dumps(jsonpatch.JsonPatch.from_string(sys.argv[2]).apply(json.loads(sys.argv[1]))))
except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException):
    print('error')
PY
wrong=0
seen() { # NAME EXPECTED COMMAND…
  local found
  found=$("${@:3}")
  echo "$1: $found"
  [ "$found" = "$2" ] || { echo "  changed: expected $2"; wrong=1; }
}
echo "replacing what is not there: $missing"
seen "  evanphx/json-patch $OLD" '{"spec":{"nodeName":"a","nodename":"b"}}' "./patch-$OLD" "$document" "$missing"
seen "  evanphx/json-patch $NEW" 'error' "./patch-$NEW" "$document" "$missing"
seen "  jsonpatch $PYTHON" 'error' python/bin/python patch.py "$document" "$missing"
echo "a path without its first slash: $relative"
seen "  evanphx/json-patch $OLD" '{"nodeName":"b","spec":{"nodeName":"a"}}' "./patch-$OLD" "$document" "$relative"
seen "  evanphx/json-patch $NEW" '{"spec":{"nodeName":"a"},"nodeName":"b"}' "./patch-$NEW" "$document" "$relative"
seen "  jsonpatch $PYTHON" 'error' python/bin/python patch.py "$document" "$relative"
exit $wrong
