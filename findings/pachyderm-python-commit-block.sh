#!/usr/bin/env bash
# One would guess: an exception inside Pachyderm's Python block for one commit (`with … as commit:`) leaves no commit behind, or one with an error, as
# a block of a database's transaction does: FinishCommit has a field for the error, and a tar stream that is not ended is no archive.
# What happens: `SpoutManager.commit()` of python-pachyderm 6.3.3 ends the archive on the way out: what was put before the exception is a whole
# archive, and so a commit; a file whose source gave fewer bytes than was said has zeros for all of them. `Client.pfs.commit()` of pachyderm-sdk 2.12.2
# calls FinishCommit without an error.
# Who meets it: spouts whose source breaks off in the middle of a batch. The half of it is published, jobs run on it, and when the spout is
# started again the batch comes a second time.
set -euo pipefail
PYTHON_PACHYDERM=6.3.3 PACHYDERM_SDK=2.12.2 PROTOBUF=3.20.3 GRPCIO=1.74.0 DATEUTIL=2.9.0.post0
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
for generation in 1 2; do python3 -m venv "v$generation"; done
v1/bin/pip install --quiet --disable-pip-version-check "python-pachyderm==$PYTHON_PACHYDERM" "protobuf==$PROTOBUF" "grpcio==$GRPCIO"
v2/bin/pip install --quiet --disable-pip-version-check "pachyderm-sdk==$PACHYDERM_SDK" "grpcio==$GRPCIO" "python-dateutil==$DATEUTIL"
cat >spout.py <<'PY'
import io, os, tarfile
from python_pachyderm import SpoutManager

def commit(block):
    os.makedirs('pfs', exist_ok=True)
    open('pfs/out', 'wb').close()
    spout = SpoutManager(pfs_directory='pfs')
    try:
        with spout.commit() as commit:
            block(commit)
    except OSError as error:
        print(f'  raised: {error}')
    spout.close()
    with tarfile.open('pfs/out') as archive:
        for entry in archive:
            print(f'  in the archive: {entry.name}: {archive.extractfile(entry).read()}')
    # Two zero blocks, and padding: nothing tells that it was not meant to end here.
    print('  ends as a whole archive:', open('pfs/out', 'rb').read().endswith(bytes(1024)))

def breaks_off(commit):
    commit.put_file_from_bytes('1', b'one')
    raise OSError('the source broke off')

commit(breaks_off)
commit(lambda commit: commit.put_file_from_fileobj('1', 6, io.BytesIO(b'one')))
PY
cat >sdk.py <<'PY'
import concurrent.futures, grpc
from pachyderm_sdk import Client
from pachyderm_sdk.api import pfs
from betterproto.lib.google.protobuf import Empty

calls = []

class Pachd(grpc.GenericRpcHandler):
    def service(self, details):
        name = details.method.rsplit('/', 1)[1]
        def start(request, context):
            calls.append(name)
            return bytes(pfs.Commit(repo=pfs.Repo(name='orders'), id='0' * 12 + '4' + '0' * 19))
        def modify(requests, context):
            calls.append(f'{name} {sum(1 for _ in requests)} parts')
            return bytes(Empty())
        def finish(request, context):
            calls.append(f'{name} error={pfs.FinishCommitRequest().parse(request).error!r}')
            return bytes(Empty())
        return {
            'StartCommit': grpc.unary_unary_rpc_method_handler(start),
            'ModifyFile': grpc.stream_unary_rpc_method_handler(modify),
            'FinishCommit': grpc.unary_unary_rpc_method_handler(finish),
        }.get(name)

server = grpc.server(concurrent.futures.ThreadPoolExecutor(2), handlers=[Pachd()])
port = server.add_insecure_port('127.0.0.1:0')
server.start()
client = Client(host='127.0.0.1', port=port, auth_token='none')
try:
    with client.pfs.commit(branch=pfs.Branch.from_uri('orders@master')) as commit:
        commit.put_file_from_bytes('/1', b'one')
        raise OSError('the source broke off')
except OSError as error:
    print(f'  raised: {error}')
print('  calls:', ', '.join(calls))
server.stop(None)
PY
echo "python-pachyderm $PYTHON_PACHYDERM, then pachyderm-sdk $PACHYDERM_SDK"
v1/bin/python spout.py | tee seen
v2/bin/python sdk.py | tee -a seen
cat >expected <<'TEXT'
  raised: the source broke off
  in the archive: 1: b'one'
  ends as a whole archive: True
  raised: unexpected end of data
  in the archive: 1: b'\x00\x00\x00\x00\x00\x00'
  ends as a whole archive: True
  raised: the source broke off
  calls: StartCommit, ModifyFile 4 parts, FinishCommit error=''
TEXT
cmp -s seen expected || { echo 'changed: expected'; cat expected; exit 1; }
