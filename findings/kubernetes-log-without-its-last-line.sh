#!/usr/bin/env bash
# One would guess: Kubernetes' library for Python follows a pod's log (`Watch().stream(core.read_namespaced_pod_log, …)`) to its last byte: what a container
# wrote last, without a newline, is its last line, as `kubectl logs -f` prints it.
# What happens: 34.1.0 hands out what was ended by a newline, and ends without the rest: an answer that is whole, of `one`, a newline and `two`, is the one line `one`. The
# same log by `read_namespaced_pod_log` alone has it. A line that is cut in two by the parts of an HTTP answer is one line, as it should be.
# Who meets it: whoever waits for a job and takes its result, or its error, from the last line of the log: `printf` in a shell, `process.stdout.write`, and runtimes that die while
# they write leave no newline. What helps: `read_namespaced_pod_log` once more behind the end.
set -euo pipefail
KUBERNETES=34.1.0
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check "kubernetes==$KUBERNETES"
cat >follow.py <<'PY'
import http.server, threading
from kubernetes import client, watch

class ApiServer(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def log_message(self, *arguments):
        pass

    def do_GET(self):
        self.send_response(200)
        self.send_header('Content-Type', 'text/plain')
        self.send_header('Transfer-Encoding', 'chunked')
        self.end_headers()
        for part in parts:
            self.wfile.write(b'%x\r\n%s\r\n' % (len(part), part))
        self.wfile.write(b'0\r\n\r\n')

server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), ApiServer)
threading.Thread(target=server.serve_forever, daemon=True).start()
configuration = client.Configuration()
configuration.host = f'http://127.0.0.1:{server.server_port}'
core = client.CoreV1Api(client.ApiClient(configuration))
for parts in [b'one\n', b'two\n'], [b'one\nt', b'wo\n'], [b'one\n', b'two'], [b'two']:
    lines = list(watch.Watch().stream(core.read_namespaced_pod_log, name='spout', namespace='default'))
    print(f'{parts}: followed {lines}, read {core.read_namespaced_pod_log(name="spout", namespace="default")!r}')
PY
echo "kubernetes $KUBERNETES"
python/bin/python follow.py | tee seen
cat >expected <<'TEXT'
[b'one\n', b'two\n']: followed ['one', 'two'], read 'one\ntwo\n'
[b'one\nt', b'wo\n']: followed ['one', 'two'], read 'one\ntwo\n'
[b'one\n', b'two']: followed ['one'], read 'one\ntwo'
[b'two']: followed [], read 'two'
TEXT
cmp -s seen expected || { echo 'changed: expected'; cat expected; exit 1; }
