#!/usr/bin/env bash
# One would guess: what `zstd -dc` unpacks, a library unpacks: a file of several frames, one behind the other, as `cat a.zst b.zst`, a log that is
# appended to, and `pzstd` of one large file write it. RFC 8878 (section 3) has the
# contents of all frames, one behind the other, as those of the whole.
# What happens: PyPI's `zstandard` 0.25.0 has all of them in `open` and `stream_reader`, but only the first, without a word, in `decompress`
# and `read_to_iter`. The crate `ruzstd` 0.8.3 (`StreamingDecoder`) has the first alone. npm's `fzstd` 0.1.1 has all.
# Who meets it: readers of rotated logs and of what parallel compressors wrote. It works for small files, which have one frame.
set -euo pipefail
ZSTANDARD=0.25.0 RUZSTD=0.8.3 FZSTD=0.1.1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check "zstandard==$ZSTANDARD"
npm init -y >/dev/null
npm install --silent "fzstd@$FZSTD"
mkdir -p reader/src
cat >reader/Cargo.toml <<TOML
[package]
name = "reader"
version = "0.0.0"
edition = "2021"
[dependencies]
ruzstd = "=$RUZSTD"
[workspace]
TOML
cat >reader/src/main.rs <<'RS'
use std::io::Read;

fn main() {
    let file = std::fs::File::open("two.zst").unwrap();
    let mut text = String::new();
    ruzstd::decoding::StreamingDecoder::new(file).unwrap().read_to_string(&mut text).unwrap();
    println!("{}", text.trim_end().replace('\n', " "));
}
RS
cat >write.py <<'PY'
import zstandard
with open('two.zst', 'wb') as file:
    for text in (b'one\n', b'two\n'):
        file.write(zstandard.ZstdCompressor().compress(text))
PY
cat >read.py <<'PY'
import sys, zstandard
two = zstandard.ZstdDecompressor()
with open('two.zst', 'rb') as file:
    text = {
        'open': lambda: zstandard.open(file).read(),
        'stream_reader': lambda: two.stream_reader(file).read(),
        'decompress': lambda: two.decompress(file.read()),
        'read_to_iter': lambda: b''.join(two.read_to_iter(file)),
    }[sys.argv[1]]()
print(*text.decode().split())
PY
cat >read.mjs <<'JS'
import { decompress } from 'fzstd'
import { readFileSync } from 'node:fs'
console.log(Buffer.from(decompress(readFileSync('two.zst'))).toString().trim().split('\n').join(' '))
JS
python/bin/python write.py
wrong=0
seen() { # NAME EXPECTED COMMAND…
  local found
  found=$("${@:3}")
  echo "$1: $found"
  [ "$found" = "$2" ] || { echo "  changed: expected $2"; wrong=1; }
}
for way in open stream_reader; do seen "zstandard $ZSTANDARD, $way" 'one two' python/bin/python read.py $way; done
for way in decompress read_to_iter; do seen "zstandard $ZSTANDARD, $way" one python/bin/python read.py $way; done
CARGO_TARGET_DIR=$dir/target cargo build --quiet --manifest-path reader/Cargo.toml 2>cargo.log || { cat cargo.log; exit 2; }
seen "ruzstd $RUZSTD" one target/debug/reader
seen "fzstd $FZSTD" 'one two' node read.mjs
exit $wrong
