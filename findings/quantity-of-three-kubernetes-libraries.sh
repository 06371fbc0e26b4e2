#!/usr/bin/env bash
# One would guess: an amount of memory or CPU means the same to the libraries of the Kubernetes project, so that a script in Python or JavaScript can check
# a manifest, or a pipeline's `resource_requests`, before a server sees it.
# What happens: Python's `kubernetes.utils.quantity` 34.1.0 takes `512K` as 512,000 and `1_000` as 1,000; Kubernetes' own parser (k8s.io/apimachinery 0.34.1)
# refuses both. JavaScript's `quantityToScalar` (@kubernetes/client-node 2.0.1) refuses `0.5Gi` and `1.5Mi`, which are right.
# Who meets it: checks in CI that pass what a cluster refuses, and metrics of pods that cannot be read. Pachyderm 2.12 drops an amount like `512K` without a word.
set -euo pipefail
PYTHON=34.1.0 NODE=2.0.1 GO=v0.34.1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
amounts=(512M 512K 1k 1E 1E3 100m 1Ki 0.5Gi 1.5Mi 1_000)
python3 -m venv v
v/bin/pip install --quiet --disable-pip-version-check "kubernetes==$PYTHON"
npm init -y >/dev/null
npm install --silent "@kubernetes/client-node@$NODE"
cat >go.mod <<'MOD'
module quantity

go 1.24
MOD
cat >main.go <<'GO'
package main

import (
	"fmt"
	"os"
	"strconv"

	"k8s.io/apimachinery/pkg/api/resource"
)

func main() {
	for _, amount := range os.Args[1:] {
		if quantity, err := resource.ParseQuantity(amount); err != nil {
			fmt.Println("refused")
		} else {
			fmt.Println(strconv.FormatFloat(quantity.AsApproximateFloat64(), 'f', -1, 64))
		}
	}
}
GO
{ go get "k8s.io/apimachinery@$GO" && go mod tidy; } >go.log 2>&1 || { cat go.log; exit 2; }
cat >quantity.py <<'PY'
import sys
from kubernetes.utils.quantity import parse_quantity
for amount in sys.argv[1:]:
    try:
        print(f'{parse_quantity(amount).normalize():f}')
    except ValueError:
        print('refused')
PY
cat >quantity.mjs <<'JS'
import { quantityToScalar } from './node_modules/@kubernetes/client-node/dist/util.js'
for (const amount of process.argv.slice(2)) {
  try {
    console.log(String(Number(quantityToScalar(amount))))
  } catch {
    console.log('refused')
  }
}
JS
echo "amount, apimachinery $GO, Python $PYTHON, JavaScript $NODE:"
paste -d ' ' <(printf '%s\n' "${amounts[@]}") <(go run . "${amounts[@]}") <(v/bin/python quantity.py "${amounts[@]}") <(node quantity.mjs "${amounts[@]}") | tee seen
cat >expected <<'TEXT'
512M 512000000 512000000 512000000
512K refused 512000 refused
1k 1000 1000 1000
1E 1000000000000000000 1000000000000000000 1000000000000000000
1E3 1000 1000 1000
100m 0.1 0.1 0.1
1Ki 1024 1024 1024
0.5Gi 536870912 536870912 refused
1.5Mi 1572864 1572864 refused
1_000 refused 1000 refused
TEXT
cmp -s seen expected || { echo 'changed: expected'; cat expected; exit 1; }
