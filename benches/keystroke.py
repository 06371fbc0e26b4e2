#!/usr/bin/env python3
"""How long `spoutctl lsp` takes to answer after a keystroke in a long spec.

    benches/keystroke.py SPOUTCTL [--lines 10000] [--keys 60]

The spec is JSON, then YAML. Each key is a change and a completion at once, as editors send them; what is measured goes from there
to the completion and to the diagnostics. The processor's time counts on a machine that does something else, too.
"""

import argparse
import json
import os
import statistics
import subprocess
import time

HEADS = {
    "json": ['{"pipeline": {"name": "sp"}, "spout": {}, "transform": {"image": "alpine:3", "cmd": ["/app/run"], "env": {'],
    "yaml": ["pipeline: {name: sp}", "spout: {}", "transform:", "  image: alpine:3", "  cmd: [/app/run]", "  env:"],
}


def spec(kind, lines):
    """The lines of a spec with many variables."""
    head = HEADS[kind]
    tail = ["}}}"] if kind == "json" else []
    count = lines - len(head) - len(tail)
    if kind == "json":
        variables = [f'  "V{at}": "value of {at}"' + ("," if at < count - 1 else "") for at in range(count)]
    else:
        variables = [f'    V{at}: "value of {at}"' for at in range(count)]
    return head + variables + tail


class Server:
    """The program and its stdio."""

    def __init__(self, program):
        self.process = subprocess.Popen([program, "lsp"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.request("initialize", {"processId": None, "rootUri": None, "capabilities": {}}, 0)
        self.until(lambda message: message.get("id") == 0)
        self.notify("initialized", {})

    def send(self, message):
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.process.stdin.flush()

    def request(self, method, params, number):
        self.send({"id": number, "method": method, "params": params})

    def notify(self, method, params):
        self.send({"method": method, "params": params})

    def until(self, wanted):
        """Reads up to the first message that is wanted."""
        while True:
            length = 0
            while (line := self.process.stdout.readline()) != b"\r\n":
                name, _, value = line.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
            message = json.loads(self.process.stdout.read(length))
            if wanted(message):
                return message

    def processor(self):
        """Seconds of the processor that it has had."""
        with open(f"/proc/{self.process.pid}/stat", encoding="utf-8") as stat:
            fields = stat.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(program, kind, lines, keys):
    server = Server(program)
    uri = f"file:///tmp/spec.{kind}"
    text = spec(kind, lines)
    document = {"uri": uri, "languageId": kind, "version": 1, "text": "\n".join(text) + "\n"}
    server.notify("textDocument/didOpen", {"textDocument": document})
    is_told = lambda message: message.get("method") == "textDocument/publishDiagnostics"
    server.until(is_told)
    before = server.processor()
    waits = {"completion": [], "diagnostics": []}
    for key in range(1, keys + 1):
        line = lines // 2 + key
        place = {"line": line, "character": text[line].rindex('"')}
        change = {"range": {"start": place, "end": place}, "text": "x"}
        begun = time.perf_counter()
        server.notify(
            "textDocument/didChange", {"textDocument": {"uri": uri, "version": key + 1}, "contentChanges": [change]}
        )
        server.request("textDocument/completion", {"textDocument": {"uri": uri}, "position": place}, key)
        missing = set(waits)
        while missing:
            message = server.until(lambda message: is_told(message) or message.get("id") == key)
            name = "diagnostics" if is_told(message) else "completion"
            waits[name].append((time.perf_counter() - begun) * 1e3)
            missing.discard(name)
    for name, wait in waits.items():
        worst = sorted(wait)[int(len(wait) * 0.95)]
        print(f"{kind}, {lines} lines: {name} after {statistics.median(wait):.1f} ms, 19 of 20 within {worst:.1f} ms")
    print(f"{kind}, {lines} lines: {(server.processor() - before) / keys * 1e3:.1f} ms of the processor a key")
    server.process.stdin.close()
    server.process.kill()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("spoutctl")
    parser.add_argument("--lines", type=int, default=10_000)
    parser.add_argument("--keys", type=int, default=60)
    arguments = parser.parse_args()
    for kind in HEADS:
        measure(arguments.spoutctl, kind, arguments.lines, arguments.keys)


if __name__ == "__main__":
    main()
