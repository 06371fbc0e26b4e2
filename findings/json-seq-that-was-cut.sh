#!/usr/bin/env bash
# One would guess: RFC 7464 made JSON text sequences so that a text that was cut off can be told from a whole one, and so readers
# tell of it (section 2.3), also when it is a number whose last digits are missing (section 2.4 wants white space behind one).
# What happens: `jq --seq` 1.6 leaves out what was cut off at the end, number or object, without a word and with exit 0; the same bytes
# without `--seq` are an error. PyPI's `jsonseq` 1.0.0 takes the front of the number as the number.
# Who meets it: everybody who reads a sequence from a connection or a file that may end early: one loses the last text, the other
# has 12 where 1234 was meant.
set -euo pipefail
JQ=1.6-2.1+deb12u3 ONIGURUMA=6.9.8-1 JSONSEQ=1.0.0
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
apt-get download -qq "jq=$JQ" "libjq1=$JQ" "libonig5=$ONIGURUMA" 2>/dev/null
for package in *.deb; do dpkg -x "$package" debian; done
LD_LIBRARY_PATH=$(dirname "$(find "$dir/debian" -name 'libjq.so.1')")
export LD_LIBRARY_PATH
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check "jsonseq==$JSONSEQ"
printf '\036{"n":1}\n\036{"n":' >object
printf '\0361\n\03612' >number # of 1234
cat >read.py <<'PY'
import sys
from jsonseq.decode import JSONSeqDecoder
print(*JSONSeqDecoder().decode(open(sys.argv[1], newline='')))
PY
wrong=0
seen() { # EXPECTED-EXIT EXPECTED NAME COMMAND…
  local found status=0
  found=$("${@:4}" 2>error | tr -d '\036' | tr '\n' ' ') || status=$?
  echo "$3: ${found}exit $status, $(wc -l <error) lines of error"
  if [ "$found" != "$2" ] || [ "$status" != "$1" ] || [ -s error ]; then echo "  changed: expected $2exit $1"; wrong=1; fi
}
seen 0 '{"n":1} ' 'jq 1.6, object' debian/usr/bin/jq -c --seq . object
seen 0 '1 ' 'jq 1.6, number' debian/usr/bin/jq -c --seq . number
seen 0 '1 12 ' "jsonseq $JSONSEQ, number" python/bin/python read.py number
if tr -d '\036' <object | debian/usr/bin/jq -c . >/dev/null 2>&1; then
  echo '  changed: without --seq jq takes it, too'
  wrong=1
fi
exit $wrong
