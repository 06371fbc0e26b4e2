#!/usr/bin/env bash
# One would guess: a reader passes over the size of a directory's header, as ustar has it (no data follow; a size other than zero is
# the room that the directory may take), and goes on with the next entry.
# What happens: the npm package `tar-stream` ends there. Neither the entry's `end`, nor a further entry, nor `finish`, nor an error
# comes: Node runs out of work and exits with 0, and the rest of the archive is lost without a word. GNU tar, Python's tarfile
# and the npm package `tar` read on.
# Who meets it: programs on Node that unpack archives of older or embedded writers, which put a directory's own size there.
set -euo pipefail
TAR_PACKAGE=7.5.23 TAR_STREAM=3.2.2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init -y >/dev/null
npm install --silent "tar@$TAR_PACKAGE" "tar-stream@$TAR_STREAM"
python3 - <<'PY'
import io, tarfile
directory = tarfile.TarInfo('d')
directory.type = tarfile.DIRTYPE
directory.size = 4096
file = tarfile.TarInfo('d/file')
file.size = 1
with open('in.tar', 'wb') as out:
    out.write(directory.tobuf(tarfile.USTAR_FORMAT))
    out.write(file.tobuf(tarfile.USTAR_FORMAT) + b'1' + b'\0' * 511 + b'\0' * 1024)
PY
cat >stream.js <<'JS'
const x = require('tar-stream').extract()
x.on('entry', (h, s, next) => { console.log(h.name); s.on('end', next); s.resume() })
x.on('finish', () => console.log('finish'))
x.on('error', e => console.log('error: ' + e.message))
require('fs').createReadStream('in.tar').pipe(x)
JS
cat >tar.js <<'JS'
require('tar').t({ file: 'in.tar', onReadEntry: e => console.log(e.path) })
JS
seen() { # NAME EXPECTED COMMAND…
  local found
  found=$("${@:3}" | tr '\n' ' ')
  echo "$1: $found(exit 0)"
  [ "$found" = "$2" ] || { echo "  changed: expected $2"; return 1; }
}
seen "$(tar --version | head -1)" 'd/ d/file ' tar tf in.tar
seen "Python $(python3 -c 'import platform; print(platform.python_version())') tarfile" 'd d/file ' \
  python3 -c 'import tarfile; print(*tarfile.open("in.tar").getnames(), sep="\n")'
seen "npm tar $TAR_PACKAGE" 'd/ d/file ' node tar.js
seen "npm tar-stream $TAR_STREAM" 'd/ ' node stream.js
