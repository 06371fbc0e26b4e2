#!/usr/bin/env bash
# One would guess: `put_file_from_fileobj` and `put_file_from_filepath` in python-pachyderm's `with client.modify_file_client(commit) as files:` put what the file holds when they are called, as
# those of Python's `zipfile` and `tarfile` do; and a file is sent in parts of some MiB, whatever is in it.
# What happens: in 7.6.0 they note the object, or the path, and read it when the block ends. Of three batches through one `io.BytesIO`, the first file has the last batch, and the others are
# empty; of three through one temporary path, each has the last. There is no error. A file that was closed meanwhile is an RpcError "Exception iterating requests!", without the
# reason. And `put_file_from_filepath` sends a message of gRPC for each line: 20,000 for a log of 20,000 lines, for which `put_file_from_fileobj` needs one, and one of 21 MiB for a file
# of 21 MiB without a newline, where pachd takes 20 MiB at most.
# Who meets it: spouts in Python that collect a batch and put several files into one commit at once, which is how many small files are put fast. What helps: bytes
# (`put_file_from_bytes`), or a new object for each file; pachyderm-sdk 2.12.2 reads at once.
set -euo pipefail
PYTHON_PACHYDERM=7.6.0 PACHYDERM_SDK=2.12.2 PROTOBUF=3.20.3 GRPCIO=1.74.0 DATEUTIL=2.9.0.post0
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
for generation in 7 sdk; do python3 -m venv "$generation"; done
7/bin/pip install --quiet --disable-pip-version-check "python-pachyderm==$PYTHON_PACHYDERM" "protobuf==$PROTOBUF" "grpcio==$GRPCIO"
sdk/bin/pip install --quiet --disable-pip-version-check "pachyderm-sdk==$PACHYDERM_SDK" "grpcio==$GRPCIO" "python-dateutil==$DATEUTIL"
# Stands for pachd: it shows what each request to modify files would write, and how large the messages were.
cat >pachd.py <<'PY'
import concurrent.futures
import grpc

def serve(read, empty):
    """`read` gives a message's path and bytes, or None; `empty` is the answer."""
    def modify(requests, context):
        files, largest, count = {}, 0, 0
        try:
            for request in requests:
                part = read(request)
                if part:
                    path, data = part
                    files[path] = files.get(path, b'') + data
                    largest = max(largest, len(data))
                    count += bool(data)
        except grpc.RpcError:
            return empty
        if count > 3 or largest > 1000:
            print(f'    {count} messages with data, the largest of {largest} bytes')
        else:
            print('    ' + ', '.join(f'{path}: {data.decode()!r}' for path, data in files.items()))
        return empty
    class Pachd(grpc.GenericRpcHandler):
        def service(self, details):
            return grpc.stream_unary_rpc_method_handler(modify) if details.method.endswith('/ModifyFile') else None
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(2), handlers=[Pachd()], options=[('grpc.max_receive_message_length', -1)])
    port = server.add_insecure_port('127.0.0.1:0')
    server.start()
    return server, port
PY
cat >seven.py <<'PY'
import io, logging
import grpc
import python_pachyderm
from python_pachyderm.proto.v2.pfs import pfs_pb2
import pachd
logging.disable()

def read(request):
    message = pfs_pb2.ModifyFileRequest.FromString(request)
    return (message.add_file.path, message.add_file.raw.value) if message.HasField('add_file') else None

server, port = pachd.serve(read, b'')
client = python_pachyderm.Client(host='127.0.0.1', port=port, auth_token='none')
commit = ('orders', '0' * 12 + '4' + '0' * 19)
batches = ['one', 'two', 'three']
print('  one io.BytesIO for three files:')
with client.modify_file_client(commit) as files:
    batch = io.BytesIO()
    for number, text in enumerate(batches, 1):
        batch.seek(0)
        batch.truncate()
        batch.write(text.encode())
        batch.seek(0)
        files.put_file_from_fileobj(f'/{number}', batch)
print('  one path for three files:')
with client.modify_file_client(commit) as files:
    for number, text in enumerate(batches, 1):
        with open('batch', 'w') as batch:
            batch.write(text)
        files.put_file_from_filepath(f'/{number}', 'batch')
print('  bytes:')
with client.modify_file_client(commit) as files:
    for number, text in enumerate(batches, 1):
        files.put_file_from_bytes(f'/{number}', text.encode())
print('  a file that is closed behind its call:')
try:
    with client.modify_file_client(commit) as files:
        with open('batch', 'rb') as batch:
            files.put_file_from_fileobj('/1', batch)
except grpc.RpcError as error:
    print(f'    {error.code().name}: {error.details()}')
for name, content in ('a log of 20,000 lines', b'line\n' * 20_000), ('21 MiB without a newline', bytes(21 << 20)):
    with open('content', 'wb') as file:
        file.write(content)
    print(f'  {name}, by put_file_from_filepath, and by put_file_from_fileobj:')
    with client.modify_file_client(commit) as files:
        files.put_file_from_filepath('/1', 'content')
    with open('content', 'rb') as file, client.modify_file_client(commit) as files:
        files.put_file_from_fileobj('/1', file)
server.stop(None)
PY
cat >sdk.py <<'PY'
import io
from pachyderm_sdk import Client
from pachyderm_sdk.api import pfs
from betterproto.lib.google.protobuf import Empty
import pachd

def read(request):
    message = pfs.ModifyFileRequest().parse(request)
    return (message.add_file.path, message.add_file.raw or b'') if message.add_file.path else None

server, port = pachd.serve(read, bytes(Empty()))
client = Client(host='127.0.0.1', port=port, auth_token='none')
commit = pfs.Commit(repo=pfs.Repo(name='orders'), id='0' * 12 + '4' + '0' * 19)
batch = io.BytesIO()
print('  one io.BytesIO for three files:')
for number, text in enumerate(['one', 'two', 'three'], 1):
    batch.seek(0)
    batch.truncate()
    batch.write(text.encode())
    batch.seek(0)
    client.pfs.put_file_from_file(commit=commit, path=f'/{number}', file=batch)
server.stop(None)
PY
{
  echo "python-pachyderm $PYTHON_PACHYDERM"
  7/bin/python seven.py
  echo "pachyderm-sdk $PACHYDERM_SDK"
  sdk/bin/python sdk.py
} 2>log | tee seen
cat >expected <<TEXT
python-pachyderm $PYTHON_PACHYDERM
  one io.BytesIO for three files:
    /1: 'three', /2: '', /3: ''
  one path for three files:
    /1: 'three', /2: 'three', /3: 'three'
  bytes:
    /1: 'one', /2: 'two', /3: 'three'
  a file that is closed behind its call:
    UNKNOWN: Exception iterating requests!
  a log of 20,000 lines, by put_file_from_filepath, and by put_file_from_fileobj:
    20000 messages with data, the largest of 5 bytes
    1 messages with data, the largest of 100000 bytes
  21 MiB without a newline, by put_file_from_filepath, and by put_file_from_fileobj:
    1 messages with data, the largest of 22020096 bytes
    2 messages with data, the largest of 19922944 bytes
pachyderm-sdk $PACHYDERM_SDK
  one io.BytesIO for three files:
    /1: 'one'
    /2: 'two'
    /3: 'three'
TEXT
cmp -s seen expected || { cat log; echo 'changed: expected'; cat expected; exit 1; }
