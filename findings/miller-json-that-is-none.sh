#!/usr/bin/env bash
# One would guess: `mlr --icsv --ojsonl cat` writes JSON: a field that Miller takes for a number is a number of JSON, and every other one a text.
# What happens: Miller 6.6.0 writes what it takes for a number as it stood, without quotes. 0xff, 0b101, 0o17, .5, -.5 and 5. are numbers to Miller and none in JSON, so that Python's `json`
# and Node's `JSON.parse` refuse the line. 00123, +5, 1_000 and NaN are texts. With `-S` all of them are.
# Who meets it: whoever makes messages of a CSV file by it: addresses of registers, colours, flags, prices without a zero in front. It works until the first such field. What helps: `-S`, and
# numbers are made of texts behind it.
set -euo pipefail
MILLER=6.6.0-2+b3
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
apt-get -qq download "miller=$MILLER" 2>apt.log || { cat apt.log; exit 2; }
dpkg -x miller_*.deb root
seen() { # FIELD OPTIONS
  local line
  line=$(printf 'v\n%s\n' "$1" | root/usr/bin/mlr --icsv --ojsonl "${@:2}" cat)
  echo "$line${2:+ with $2}$(python3 -c 'import json, sys; json.loads(sys.argv[1])' "$line" 2>error || echo ', no JSON for Python')$(
    node -e 'JSON.parse(process.argv[1])' "$line" 2>>error || echo ', nor for Node')"
}
{
  for field in 0xff 0b101 0o17 .5 -.5 5. 00123 +5 1_000 NaN; do seen "$field"; done
  for field in 0xff .5; do seen "$field" -S; done
} | tee found
cat >expected <<'TEXT'
{"v": 0xff}, no JSON for Python, nor for Node
{"v": 0b101}, no JSON for Python, nor for Node
{"v": 0o17}, no JSON for Python, nor for Node
{"v": .5}, no JSON for Python, nor for Node
{"v": -.5}, no JSON for Python, nor for Node
{"v": 5.}, no JSON for Python, nor for Node
{"v": "00123"}
{"v": "+5"}
{"v": "1_000"}
{"v": "NaN"}
{"v": "0xff"} with -S
{"v": ".5"} with -S
TEXT
cmp -s found expected || { echo 'changed: expected'; cat expected; exit 1; }
