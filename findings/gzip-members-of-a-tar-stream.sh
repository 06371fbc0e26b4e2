#!/usr/bin/env bash
# One would guess: Python's `tarfile`, told that a stream is gzip (`r|gz`, `r|*`), reads what `tar xzf` reads: all members of the gzip file (RFC 1952,
# section 2.2), each held to its checksum.
# What happens: Python 3.11.7 stops at the end of the first member, and where that is the end of an entry it hands out the entries before as
# the whole archive, without a word. No checksum is looked at, nor is one missed: an archive with one byte changed is read with that byte, and one
# whose last 8 bytes are gone as a whole one. `r:gz`, which seeks, has all members, and checks each but the last, in front of whose checksum it
# stops: of an archive in one member it checks nothing. GNU tar has all entries and refuses the others.
# Who meets it: jobs that read archives from a pipe or a socket. What writes a member for each entry or each flush (layers of images in the eStargz
# form, loggers, `cat a.gz b.gz`) loses all but the first; what was changed on the way arrives changed.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
printf '%s\n' 'price,12' >first.csv
printf '%s\n' 'price,34' >second.csv
tar --format=ustar -b 1 -cf plain.tar first.csv second.csv
# Header and data of the first file are two blocks of 512 bytes: a member ends behind them.
{ head -c 1024 plain.tar | gzip; tail -c +1025 plain.tar | gzip; } >members.tgz
python3 - <<'PY'
import gzip
plain = open('plain.tar', 'rb').read()
whole = gzip.compress(plain, 0)  # stored, not compressed, so that one byte is one byte
open('changed.tgz', 'wb').write(whole.replace(b'price,34', b'price,94'))
first, second = gzip.compress(plain[:1024], 0), gzip.compress(plain[1024:], 0)
open('first-changed.tgz', 'wb').write(first.replace(b'price,12', b'price,92') + second)
open('second-changed.tgz', 'wb').write(first + second.replace(b'price,34', b'price,94'))
open('cut.tgz', 'wb').write(gzip.compress(plain)[:-8])
PY
cat >read.py <<'PY'
import sys
import tarfile
with tarfile.open(fileobj=sys.stdin.buffer, mode=sys.argv[1]) as archive:
    print(*(archive.extractfile(entry).read().decode().strip() for entry in archive))
PY
wrong=0
expect() { # NAME EXPECTED-STATUS EXPECTED COMMAND…
  local status=0 found
  found=$("${@:4}" 2>/dev/null | xargs) || status=$?
  echo "$1: $found, exit $status"
  [ "$status $found" = "$2 $3" ] || { echo "  changed: expected $3, exit $2"; wrong=1; }
}
read_by() { python3 read.py "$1" <"$2"; }
version="Python $(python3 -c 'import platform; print(platform.python_version())')"
for mode in 'r|gz' 'r|*'; do
  expect "$version, $mode, two members" 0 'price,12' read_by "$mode" members.tgz
  expect "$version, $mode, one byte changed" 0 'price,12 price,94' read_by "$mode" changed.tgz
  expect "$version, $mode, the last 8 bytes gone" 0 'price,12 price,34' read_by "$mode" cut.tgz
done
expect "$version, r:gz, two members" 0 'price,12 price,34' read_by r:gz members.tgz
expect "$version, r:gz, one byte changed" 0 'price,12 price,94' read_by r:gz changed.tgz
expect "$version, r:gz, one byte changed in the first of two members" 1 '' read_by r:gz first-changed.tgz
expect "$version, r:gz, one byte changed in the second" 0 'price,12 price,94' read_by r:gz second-changed.tgz
gnu=$(tar --version | head -1)
expect "$gnu, two members" 0 'price,12 price,34' tar xzOf members.tgz
expect "$gnu, one byte changed" 2 'price,12 price,94' tar xzOf changed.tgz
expect "$gnu, one byte changed in the first of two members" 2 'price,92' tar xzOf first-changed.tgz
expect "$gnu, the last 8 bytes gone" 2 'price,12 price,34' tar xzOf cut.tgz
exit $wrong
