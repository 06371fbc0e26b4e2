#!/usr/bin/env bash
# One would guess: a library that unpacks a stream of zstd or of framed snappy tells of one that ends in its middle, as Python's `gzip.open` does, and
# `zstd -dc`: each block has its length in front, and a frame of zstd says which block is its last.
# What happens: PyPI's `zstandard` 0.25.0 hands out what there was and ends as after a whole frame, by `open`, `stream_reader`, `read_to_iter` and `copy_stream`, also
# where the frame says how long its contents are. Where nothing but the frame's checksum is missing, `open` by line and `copy_stream` leave out the last bytes, too. Its
# `decompress`, which takes all bytes at once, has an error. PyPI's `python-snappy` 0.7.3 (`stream_decompress`) does the same as `open`. PyPI's `pyzstd` 0.20.0,
# `backports.zstd` 1.8.0, `lz4` 4.4.5 and `cramjam` 2.14.0 have an error.
# Who meets it: readers in Python of logs, dumps and exports over a connection, or of files whose writer died. By lines, the last one is half of a line. What
# helps: another library, or the program `zstd` in front.
set -euo pipefail
ZSTANDARD=0.25.0 PYZSTD=0.20.0 BACKPORTS=1.8.0 LZ4=4.4.5 SNAPPY=0.7.3 CRAMJAM=2.14.0
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check "zstandard==$ZSTANDARD" "pyzstd==$PYZSTD" "backports.zstd==$BACKPORTS" "lz4==$LZ4" \
  "python-snappy==$SNAPPY" "cramjam==$CRAMJAM"
cat >read.py <<'PY'
import hashlib, io
import backports.zstd, cramjam, lz4.frame, pyzstd, snappy, zstandard

lines = b''.join(f'{i} {hashlib.sha256(b"%d" % i).hexdigest()}\n'.encode() for i in range(20000))

def show(name, read, stream):
    try:
        got = read(stream)
        assert lines.startswith(got)
        print(f'  {name}: no error,', 'all bytes' if got == lines else 'bytes missing')
    except Exception as error:
        print(f'  {name}:', type(error).__name__)

def copied(copy):
    def read(stream):
        out = io.BytesIO()
        copy(io.BytesIO(stream), out)
        return out.getvalue()
    return read

unpacker = zstandard.ZstdDecompressor
zstd = {
    'zstandard open': lambda stream: zstandard.open(io.BytesIO(stream)).read(),
    'zstandard open, by line': lambda stream: ''.join(zstandard.open(io.BytesIO(stream), 'rt')).encode(),
    'zstandard stream_reader': lambda stream: unpacker().stream_reader(io.BytesIO(stream)).read(),
    'zstandard read_to_iter': lambda stream: b''.join(unpacker().read_to_iter(io.BytesIO(stream))),
    'zstandard copy_stream': copied(lambda source, out: unpacker().copy_stream(source, out)),
    'zstandard decompress': lambda stream: unpacker().decompress(stream),
    'pyzstd open': lambda stream: pyzstd.open(io.BytesIO(stream)).read(),
    'backports.zstd open': lambda stream: backports.zstd.open(io.BytesIO(stream)).read(),
    'cramjam zstd': lambda stream: bytes(cramjam.zstd.decompress(stream)),
}
whole = zstandard.ZstdCompressor(write_checksum=True, write_content_size=True).compress(lines)
for cut, stream in [('whole', whole), ('half of it', whole[:len(whole) // 2]), ('without its checksum', whole[:-4])]:
    print(f'a frame of zstd, {cut}')
    for name, read in zstd.items():
        show(name, read, stream)
framed = io.BytesIO()
snappy.stream_compress(io.BytesIO(lines), framed)
framed = framed.getvalue()
print('half of a stream of framed snappy')
show('python-snappy stream_decompress', copied(snappy.stream_decompress), framed[:len(framed) // 2])
show('cramjam snappy', lambda stream: bytes(cramjam.snappy.decompress(stream)), framed[:len(framed) // 2])
print('half of a frame of lz4')
frame = lz4.frame.compress(lines)
show('lz4 open', lambda stream: lz4.frame.open(io.BytesIO(stream)).read(), frame[:len(frame) // 2])
PY
echo "zstandard $ZSTANDARD, pyzstd $PYZSTD, backports.zstd $BACKPORTS, cramjam $CRAMJAM, python-snappy $SNAPPY, lz4 $LZ4:"
python/bin/python read.py | tee seen
cat >expected <<'TEXT'
a frame of zstd, whole
  zstandard open: no error, all bytes
  zstandard open, by line: no error, all bytes
  zstandard stream_reader: no error, all bytes
  zstandard read_to_iter: no error, all bytes
  zstandard copy_stream: no error, all bytes
  zstandard decompress: no error, all bytes
  pyzstd open: no error, all bytes
  backports.zstd open: no error, all bytes
  cramjam zstd: no error, all bytes
a frame of zstd, half of it
  zstandard open: no error, bytes missing
  zstandard open, by line: no error, bytes missing
  zstandard stream_reader: no error, bytes missing
  zstandard read_to_iter: no error, bytes missing
  zstandard copy_stream: no error, bytes missing
  zstandard decompress: ZstdError
  pyzstd open: EOFError
  backports.zstd open: EOFError
  cramjam zstd: DecompressionError
a frame of zstd, without its checksum
  zstandard open: no error, all bytes
  zstandard open, by line: no error, bytes missing
  zstandard stream_reader: no error, all bytes
  zstandard read_to_iter: no error, all bytes
  zstandard copy_stream: no error, bytes missing
  zstandard decompress: ZstdError
  pyzstd open: EOFError
  backports.zstd open: EOFError
  cramjam zstd: DecompressionError
half of a stream of framed snappy
  python-snappy stream_decompress: no error, bytes missing
  cramjam snappy: DecompressionError
half of a frame of lz4
  lz4 open: EOFError
TEXT
cmp -s seen expected || { echo 'changed: expected'; cat expected; exit 1; }
