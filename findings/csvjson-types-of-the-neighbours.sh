#!/usr/bin/env bash
# One would guess: the JSON of a row is the same whichever rows are converted with it, and a number in it is the number that was in the CSV.
# What happens: `csvjson` of PyPI's `csvkit` 2.2.0 guesses the type of a column from all rows of its input: 1 and 0 are true and false until a 2 comes, and 00123 is 123.0 until there is an A456.
# Each integer becomes a double, so that 9007199254740993 ends in 2, with exit code 0. "yes" is true, "n/a" is null, and 1:30 is "0:01:30". So it is with `--stream`, too.
# Who meets it: pipes that make messages of exports, batch by batch: a consumer gets booleans from one and numbers from the next, and ids that nobody has. What helps: `csvjson --no-inference`
# (`-I`) with `--blanks`, which leaves each value a text.
set -euo pipefail
CSVKIT=2.2.0 AGATE=1.14.2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check "csvkit==$CSVKIT" "agate==$AGATE"
row='9007199254740993,1,00123,yes,n/a,1:30'
other='5,2,A456,later,4,now'
{ echo id,count,code,paid,rest,time; echo "$row"; } >alone.csv
{ cat alone.csv; echo "$other"; } >together.csv
echo "csvkit $CSVKIT, the row $row"
for way in '' --stream '--no-inference --blanks'; do
  for input in alone together; do
    # shellcheck disable=SC2086 # several options
    echo "$input${way:+, $way}: $(python/bin/csvjson $way "$input.csv" | python3 -c '
import json, sys
text = sys.stdin.read()
found = json.JSONDecoder().raw_decode(text)[0]
print(*map(json.dumps, (found[0] if isinstance(found, list) else found).values()))')"
  done
done | tee seen
cat >expected <<'TEXT'
alone: 9007199254740992.0 true 123.0 true null "0:01:30"
together: 9007199254740992.0 1.0 "00123" "yes" null "1:30"
alone, --stream: 9007199254740992.0 true 123.0 true null "0:01:30"
together, --stream: 9007199254740992.0 1.0 "00123" "yes" null "1:30"
alone, --no-inference --blanks: "9007199254740993" "1" "00123" "yes" "n/a" "1:30"
together, --no-inference --blanks: "9007199254740993" "1" "00123" "yes" "n/a" "1:30"
TEXT
cmp -s seen expected || { echo 'changed: expected'; cat expected; exit 1; }
