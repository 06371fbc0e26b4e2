#!/usr/bin/env bash
# One would guess: an archive that is cut inside the header of its second entry is an error for every reader.
# What happens: GNU tar, Python's tarfile and the npm package `tar` take it as complete, exit 0, without a word. bsdtar, Go and
# `tar-stream` notice it.
# Who meets it: everybody whose producer dies, or whose connection is cut, while a stream of tar archives is written. At the
# buffers of pipes (multiples of 4,096 bytes) a cut falls into a header or its end as easily as into data.
set -euo pipefail
TAR_PACKAGE=7.5.23 TAR_STREAM=3.2.2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init -y >/dev/null
npm install --silent "tar@$TAR_PACKAGE" "tar-stream@$TAR_STREAM"
printf 1 >a && printf 2 >b
tar --format=ustar -cf whole.tar a b
# The first entry takes 1,024 bytes; 100 bytes of the second one's header follow.
head -c 1124 whole.tar >cut.tar

cat >tar.js <<'JS'
require('tar').t({ file: 'cut.tar', onReadEntry: e => console.log('  ' + e.path) })
  .then(() => console.log('  no error'), e => { console.log('  ' + e.message); process.exit(1) })
JS
cat >stream.js <<'JS'
const x = require('tar-stream').extract()
x.on('entry', (h, s, next) => { console.log('  ' + h.name); s.on('end', next); s.resume() })
x.on('finish', () => console.log('  no error'))
x.on('error', e => { console.log('  ' + e.message); process.exit(1) })
require('fs').createReadStream('cut.tar').pipe(x)
JS
wrong=0
expect() { # EXPECTED-STATUS NAME COMMAND…
  local status=0 expected=$1
  echo "$2:"
  "${@:3}" || status=$?
  echo "  exit $status"
  [ "$((status != 0))" = "$expected" ] || { echo "  changed: expected $expected"; wrong=1; }
}
expect 0 "$(tar --version | head -1)" tar tf cut.tar
expect 0 "Python $(python3 -c 'import platform; print(platform.python_version())') tarfile" python3 -m tarfile -l cut.tar
expect 0 "npm tar $TAR_PACKAGE" node tar.js
expect 1 "npm tar-stream $TAR_STREAM" node stream.js
exit $wrong
