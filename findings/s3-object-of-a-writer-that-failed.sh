#!/usr/bin/env bash
# One would guess: an exception inside `with fs.open("bucket/key", "wb") as file:` leaves no object of S3 behind: nothing is there before the upload is completed, which is one
# request at its end, and S3 has another one that drops what was sent (AbortMultipartUpload).
# What happens: s3fs 2026.9.0 (fsspec) and pyarrow 26.0.1 (`S3FileSystem.open_output_stream`) complete the object on the way out: what was written before the exception is a whole object, be
# it 10 bytes or 60 MiB, in place of the one that was there. smart_open 9.0.2 drops it, and so does boto3's `upload_fileobj` with a source that raises.
# Who meets it: producers in Python whose source breaks off, in front of a bucket or of anything else that speaks S3: readers take half of a file for all of it. What
# helps: fsspec's `with fs.transaction:` around it; with pyarrow, a key that nobody reads, and a copy at the end.
set -euo pipefail
S3FS=2026.9.0 PYARROW=26.0.1 SMART_OPEN=9.0.2 BOTO3=1.43.117 MOTO=5.2.5
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
for part in s3fs boto; do python3 -m venv "$part"; done
s3fs/bin/pip install --quiet --disable-pip-version-check "s3fs==$S3FS" "pyarrow==$PYARROW"
boto/bin/pip install --quiet --disable-pip-version-check "smart_open[s3]==$SMART_OPEN" "boto3==$BOTO3" "moto[server]==$MOTO"
cat >server.py <<'PY'
import logging, os, subprocess, sys
import boto3
from moto.server import ThreadedMotoServer
logging.getLogger('werkzeug').disabled = True
server = ThreadedMotoServer(ip_address='127.0.0.1', port=0, verbose=False)
server.start()
address = 'http://{}:{}'.format(*server.get_host_and_port())
s3 = boto3.client('s3', endpoint_url=address)
s3.create_bucket(Bucket='orders')
for interpreter, way in [line.split() for line in sys.argv[1:]]:
    for size in 10, 60 << 20:
        s3.put_object(Bucket='orders', Key='day', Body=b'old')
        raised = subprocess.run([interpreter, 'write.py', address, way, str(size)], capture_output=True, text=True)
        if 'the source broke off' not in raised.stdout:
            sys.exit(raised.stdout + raised.stderr)
        body = s3.get_object(Bucket='orders', Key='day')['Body'].read()
        left = 'the old object' if body == b'old' else f'an object of {len(body)} bytes'
        print(f'{way}, an exception behind {size} bytes: {left}', flush=True)
server.stop()
PY
cat >write.py <<'PY'
import contextlib, io, sys
address, way, size = sys.argv[1], sys.argv[2], int(sys.argv[3])

def opened():
    if way == 'smart_open':
        import boto3, smart_open
        return smart_open.open('s3://orders/day', 'wb', transport_params={'client': boto3.client('s3', endpoint_url=address)})
    if way == 'pyarrow':
        from pyarrow.fs import S3FileSystem
        return S3FileSystem(endpoint_override=address.removeprefix('http://'), scheme='http').open_output_stream('orders/day')
    import s3fs
    files = s3fs.S3FileSystem(endpoint_url=address)
    stack = contextlib.ExitStack()
    if way == 's3fs,transaction':
        stack.enter_context(files.transaction)
    file = stack.enter_context(files.open('orders/day', 'wb'))

    class Opened:
        def __enter__(self):
            return file
        def __exit__(self, *error):
            return stack.__exit__(*error)
    return Opened()

class Source(io.RawIOBase):
    left = size
    def readable(self):
        return True
    def read(self, count=-1):
        if not self.left:
            raise OSError('the source broke off')
        count = min(self.left, count if count > 0 else 1 << 20)
        self.left -= count
        return b'x' * count

try:
    if way == 'upload_fileobj':
        import boto3
        boto3.client('s3', endpoint_url=address).upload_fileobj(Source(), 'orders', 'day')
    else:
        with opened() as file:
            source = Source()
            while True:
                file.write(source.read(1 << 20))
except OSError as error:
    print(error)
PY
export AWS_ACCESS_KEY_ID=any AWS_SECRET_ACCESS_KEY=any AWS_DEFAULT_REGION=us-east-1 AWS_EC2_METADATA_DISABLED=true
boto/bin/python server.py 's3fs/bin/python s3fs' 's3fs/bin/python s3fs,transaction' 's3fs/bin/python pyarrow' 'boto/bin/python smart_open' \
  'boto/bin/python upload_fileobj' 2>server.log | grep -v '^Starting' | tee seen || cat server.log
cat >expected <<'TEXT'
s3fs, an exception behind 10 bytes: an object of 10 bytes
s3fs, an exception behind 62914560 bytes: an object of 62914560 bytes
s3fs,transaction, an exception behind 10 bytes: the old object
s3fs,transaction, an exception behind 62914560 bytes: the old object
pyarrow, an exception behind 10 bytes: an object of 10 bytes
pyarrow, an exception behind 62914560 bytes: an object of 62914560 bytes
smart_open, an exception behind 10 bytes: the old object
smart_open, an exception behind 62914560 bytes: the old object
upload_fileobj, an exception behind 10 bytes: the old object
upload_fileobj, an exception behind 62914560 bytes: the old object
TEXT
cmp -s seen expected || { echo 'changed: expected'; cat expected; exit 1; }
