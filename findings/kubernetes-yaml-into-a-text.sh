#!/usr/bin/env bash
# One would guess: Kubernetes' YAML library for Go refuses a number or a truth value where the Go type wants a text, as kubectl does for a
# value of an environment variable or an annotation without quotes; or it takes the text as it was written.
# What happens: `sigs.k8s.io/yaml` 1.6.0, told the type, makes a text of what it read: 0012 is "10", yes is "true", 1.10 is "1.1", 1_000 is "1000", and
# fractions keep eight digits: 1234567.89 is "1.2345679e+06". UnmarshalStrict does the same. In two steps (YAMLToJSON, then encoding/json), which is kubectl's
# way, each is an error.
# Who meets it: operators, controllers and tests in Go that read manifests or settings into Kubernetes' types: what kubectl refused works in
# their hands, with another version, order number or amount than the file has.
set -euo pipefail
YAML=v1.6.0
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
cat >main.go <<'GO'
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"sigs.k8s.io/yaml"
)

type variable struct {
	Value string `json:"value"`
}

func show(value variable, err error) string {
	if err != nil {
		return "refused"
	}
	return fmt.Sprintf("%q", value.Value)
}

func main() {
	for _, text := range os.Args[1:] {
		file := []byte("value: " + text + "\n")
		var typed, strict, steps variable
		err := yaml.Unmarshal(file, &typed)
		one := show(typed, err)
		err = yaml.UnmarshalStrict(file, &strict)
		two := show(strict, err)
		document, err := yaml.YAMLToJSON(file)
		if err == nil {
			err = json.Unmarshal(document, &steps)
		}
		fmt.Printf("%s: Unmarshal %s, UnmarshalStrict %s, in two steps %s\n", text, one, two, show(steps, err))
	}
}
GO
go mod init example.invalid/texts >/dev/null 2>&1
go get "sigs.k8s.io/yaml@$YAML" >/dev/null 2>&1
echo "sigs.k8s.io/yaml $YAML"
go run . abc '"0012"' 0012 yes 1.10 1_000 1234567.89 12:30 | tee seen
cat >expected <<'TEXT'
abc: Unmarshal "abc", UnmarshalStrict "abc", in two steps "abc"
"0012": Unmarshal "0012", UnmarshalStrict "0012", in two steps "0012"
0012: Unmarshal "10", UnmarshalStrict "10", in two steps refused
yes: Unmarshal "true", UnmarshalStrict "true", in two steps refused
1.10: Unmarshal "1.1", UnmarshalStrict "1.1", in two steps refused
1_000: Unmarshal "1000", UnmarshalStrict "1000", in two steps refused
1234567.89: Unmarshal "1.2345679e+06", UnmarshalStrict "1.2345679e+06", in two steps refused
12:30: Unmarshal "12:30", UnmarshalStrict "12:30", in two steps "12:30"
TEXT
cmp -s seen expected || { echo 'changed: expected'; cat expected; exit 1; }
