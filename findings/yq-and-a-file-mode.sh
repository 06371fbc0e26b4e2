#!/usr/bin/env bash
# One would guess: `yq -o json` (the one in Go) and `yq .` (the one in Python) make the JSON of a manifest that Kubernetes makes of it: `defaultMode: 0644`, as its
# documentation has it, is 420 there, and a number of JSON stays the number that it was.
# What happens: mikefarah's yq v4.54.3 and PyPI's `yq` 4.4.5 both write 644, which is 1204 in octal; Kubernetes' library (sigs.k8s.io/yaml 1.6.0) and PyYAML 6.0.4
# read 420. mikefarah's `.defaultMode += 1` makes 645 of it. From JSON to JSON it rounds ids beyond 2^53, which from
# YAML it keeps: 9007199254740993 ends in 2, in `yq -p json` of a file that nobody changed otherwise. Python's yq rounds as its jq does: 1.6 does.
# Who meets it: whoever turns specs and manifests into JSON for pachctl, kubectl or an API on the way: 0644 is refused by Kubernetes, which takes 0777 at most, but 0444
# becomes 0674 without a word; and whoever edits JSON by yq. What helps: 420 in the file.
set -euo pipefail
YQ=v4.54.3 PYTHON_YQ=4.4.5 PYYAML=6.0.4 JQ=1.6-2.1+deb12u3 SIGS_YAML=v1.6.0
dir=$(mktemp -d)
trap 'chmod -R u+w "$dir"; rm -rf "$dir"' EXIT
cd "$dir"
apt-get -qq download "jq=$JQ" "libjq1=$JQ" libonig5=6.9.8-1 2>apt.log || { cat apt.log; exit 2; }
for package in *.deb; do dpkg -x "$package" root; done
LD_LIBRARY_PATH=$dir/$(dirname "$(find root -name 'libjq.so.1')")
export LD_LIBRARY_PATH
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check "yq==$PYTHON_YQ" "PyYAML==$PYYAML"
GOBIN=$dir go install "github.com/mikefarah/yq/v4@$YQ" >go.log 2>&1 || { cat go.log; exit 2; }
mkdir kubernetes
cat >kubernetes/main.go <<'GO'
package main

import (
	"fmt"
	"os"

	"sigs.k8s.io/yaml"
)

func main() {
	text, err := os.ReadFile(os.Args[1])
	if err != nil {
		panic(err)
	}
	json, err := yaml.YAMLToJSON(text)
	if err != nil {
		panic(err)
	}
	fmt.Println(string(json))
}
GO
(cd kubernetes && go mod init example && go get "sigs.k8s.io/yaml@$SIGS_YAML" && go build -o ../to-json .) >go.log 2>&1 || { cat go.log; exit 2; }
cat >volume.yaml <<'YAML'
defaultMode: 0644
id: 9007199254740993
YAML
echo '{"id":9007199254740993}' >order.json
wrong=0
seen() { # NAME EXPECTED COMMAND…
  local found
  found=$("${@:3}")
  echo "$1: $found"
  [ "$found" = "$2" ] || { echo "  changed: expected $2"; wrong=1; }
}
cat volume.yaml
seen "sigs.k8s.io/yaml $SIGS_YAML" '{"defaultMode":420,"id":9007199254740993}' ./to-json volume.yaml
seen "PyYAML $PYYAML" '{"defaultMode": 420, "id": 9007199254740993}' \
  python/bin/python -c 'import json, yaml; print(json.dumps(yaml.safe_load(open("volume.yaml"))))'
seen "mikefarah's yq $YQ -o json" '{"defaultMode":644,"id":9007199254740993}' ./yq -o json -I 0 . volume.yaml
seen "mikefarah's yq $YQ, .defaultMode += 1" '645' ./yq '.defaultMode += 1 | .defaultMode' volume.yaml
seen "Python's yq $PYTHON_YQ with jq $JQ" '{"defaultMode":644,"id":9007199254740992}' env PATH="$dir/root/usr/bin:$PATH" python/bin/yq -c . volume.yaml
cat order.json
seen "jq $JQ" '{"id":9007199254740992}' root/usr/bin/jq -c . order.json
seen "mikefarah's yq $YQ -p json -o json" '{"id":9007199254740992}' ./yq -p json -o json -I 0 . order.json
exit $wrong
