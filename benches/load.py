#!/usr/bin/env python3
"""Much of everything: how long spoutctl takes, how much memory, and what it says at a bound.

    benches/load.py target/release/spoutctl entries archives history repos clients message

Each prints a row of a Markdown table. --scale 0.1 does a tenth of it. What is measured works in a temporary directory below
TMPDIR, which is removed; entries need room for the archive's own index only, messages twice their size. Linux, no packages.
"""

import argparse
import http.client
import http.server
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

REPO = {"name": "events", "type": "user", "project": {"name": "default"}}
BLOCK = 512


def mib(size):
    return f"{size / (1 << 20):,.0f} MiB"


class Run:
    """A command that gets its input from a function, and what it took."""

    def __init__(self, command, produce=None, env=None):
        begun = time.monotonic()
        with tempfile.TemporaryFile() as said:
            child = subprocess.Popen(
                command,
                stdin=subprocess.PIPE if produce else subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=said,
                env={**os.environ, **(env or {})},
            )
            if produce:
                try:
                    produce(child.stdin)
                    child.stdin.close()
                except BrokenPipeError:
                    pass
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
            said.seek(0)
            self.said = said.read().decode(errors="replace").strip()
        self.seconds = time.monotonic() - begun
        self.memory = usage.ru_maxrss << 10
        self.computed = usage.ru_utime + usage.ru_stime
        self.code = child.returncode

    def last(self):
        lines = [line for line in self.said.splitlines() if not line.startswith("  ")]
        return lines[-1] if lines else ""

    def row(self, what, more=""):
        told = more or self.last()
        row(what, f"{self.seconds:,.1f} s", f"{self.computed:,.1f} s", mib(self.memory), f"exit {self.code}: {told}")


def row(*cells):
    print("| " + " | ".join(str(cell).replace("|", "/") for cell in cells) + " |", flush=True)


class Server:
    """`spoutctl serve` on a directory, which ends with the block that uses it."""

    def __init__(self, spoutctl, directory):
        command = [spoutctl, "serve", directory, "--listen", "127.0.0.1:0"]
        self.child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.url = self.child.stdout.readline().strip()
        self.address = self.url.removeprefix("http://")

    def memory(self):
        with open(f"/proc/{self.child.pid}/status", encoding="utf-8") as status:
            return next(int(line.split()[1]) << 10 for line in status if line.startswith("VmHWM"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.terminate()
        self.child.wait()


def header(name, size):
    head = bytearray(BLOCK)
    fields = [(0, name.encode()), (100, b"0000644\0"), (108, b"0000000\0"), (116, b"0000000\0")]
    fields += [(124, b"%011o\0" % size), (136, b"00000000000\0"), (148, b" " * 8), (156, b"0"), (257, b"ustar\00000")]
    for at, text in fields:
        head[at : at + len(text)] = text
    head[148:156] = b"%06o\0 " % sum(head)
    return bytes(head)


END = bytes(2 * BLOCK)


def entries(spoutctl, directory, number):
    """One archive of so many empty files."""

    def produce(pipe):
        for at in range(0, number, 1000):
            pipe.write(b"".join(header(f"{at // 100_000:04}/{n:09}", 0) for n in range(at, min(at + 1000, number))))
        pipe.write(END)

    pachd = f"local:{directory}/store"
    Run([spoutctl, "put", "events", "--create-repo", "--pachd", pachd], produce).row(f"an archive of {number:,} files")
    Run([spoutctl, "get", "events", "--tar", "--pachd", pachd]).row(f"`get --tar` of {number:,} files", "all of them")


def archives(spoutctl, directory, number):
    """A stream of so many archives of one file, as many a commit as arrive."""

    def produce(pipe):
        for at in range(0, number, 100):
            pipe.write(b"".join(header(f"{n % 1000:03}", 0) + END for n in range(at, min(at + 100, number))))

    command = [spoutctl, "put", "events", "--create-repo", "--batch", "adaptive", "--pachd", f"local:{directory}/store"]
    Run(command, produce).row(f"a stream of {number:,} archives")


class History(http.server.BaseHTTPRequestHandler):
    """A gateway with one branch of so many commits, each the child of the next number."""

    protocol_version = "HTTP/1.1"
    commits = 0

    @staticmethod
    def commit(number):
        branch = {"name": "master", "repo": REPO}
        return {"repo": REPO, "branch": branch, "id": f"{number:012x}4{0:03x}8{0:015x}"}

    def handle_one_request(self):
        try:
            super().handle_one_request()
        except BrokenPipeError:
            # Who asks may have had enough.
            self.close_connection = True

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["content-length"])) or b"{}")
        call = self.path.rsplit("/", 1)[-1]
        self.send_response(200)
        self.send_header("content-type", "application/json")
        if call != "ListCommit":
            branch = {"branch": self.commit(0)["branch"], "head": self.commit(0)}
            answers = {"InspectBranch": branch, "GetVersion": {"major": 2, "minor": 12, "micro": 2}}
            answer = json.dumps(answers.get(call, {})).encode()
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)
            return
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        first = int(request.get("to", {}).get("id", "")[:12] or "0", 16)
        times = {name: "2026-01-01T00:00:00Z" for name in ("started", "finishing", "finished")}
        for at in range(first, self.commits, 500):
            lines = []
            for number in range(at, min(at + 500, self.commits)):
                info = {"commit": self.commit(number), "origin": {"kind": "USER"}, "description": "", **times}
                if number + 1 < self.commits:
                    info["parentCommit"] = self.commit(number + 1)
                lines.append(json.dumps({"result": info}))
            text = ("\n".join(lines) + "\n").encode()
            self.wfile.write(b"%x\r\n%s\r\n" % (len(text), text))
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *_):
        pass


def history(spoutctl, directory, number):
    """`tail` of a branch of so many commits, from the earliest one."""
    History.commits = number
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), History)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}"
    out = os.path.join(directory, "told")
    shell = f'exec "$0" tail events -e --from earliest --json --pachd "$1" > "$2"'
    run = Run(["sh", "-c", shell, spoutctl, url, out])
    with open(out, "rb") as told:
        lines = sum(1 for _ in told)
    run.row(f"`tail` of {number:,} commits", f"{lines:,} told; {run.last()}")
    server.shutdown()


def repos(spoutctl, directory, number):
    """A server with so many repos: making them, listing them, and a put into the last one."""
    with Server(spoutctl, f"{directory}/store") as server:
        begun = time.monotonic()
        connection = http.client.HTTPConnection(server.address)

        def call(name, request):
            connection.request("POST", f"/api/pfs_v2.API/{name}", json.dumps(request), {"host": server.address})
            answer = connection.getresponse()
            body = answer.read()
            if answer.status != 200:
                raise SystemExit(f"{name}: {answer.status} {body[:200]}")
            return body

        for at in range(number):
            call("CreateRepo", {"repo": {**REPO, "name": f"repo-{at:06}"}})
        made = time.monotonic() - begun
        begun = time.monotonic()
        listed = call("ListRepo", {"type": "user"}).count(b'"created"')
        took = time.monotonic() - begun
        told = f"{listed:,} listed in {took * 1000:,.0f} ms"
        row(f"`serve` with {number:,} repos", f"{made:,.1f} s", "", mib(server.memory()), told)
        command = [spoutctl, "put", f"repo-{number - 1:06}", "--pachd", server.url]
        Run(command, lambda pipe: pipe.write(header("f", 0) + END)).row(f"`put` into one of {number:,} repos")


def clients(spoutctl, directory, number, seconds=60):
    """So many clients of one server, each with a connection of its own that asks, waits a second, and asks again."""
    with Server(spoutctl, f"{directory}/store") as server:
        subprocess.run([spoutctl, "put", "events", "--create-repo", "--pachd", server.url], input=header("f", 0) + END,
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        host, port = server.address.split(":")
        body = json.dumps({"branch": {"repo": REPO, "name": "master"}}).encode()
        ask = (f"POST /api/pfs_v2.API/InspectBranch HTTP/1.1\r\nhost: {server.address}\r\n"
               f"content-length: {len(body)}\r\n\r\n").encode() + body
        until = time.monotonic() + seconds
        took, again, failed = [], [0], [0]

        def client(at):
            time.sleep(at / number)
            connection = None
            while time.monotonic() < until:
                begun = time.monotonic()
                try:
                    if connection is None:
                        connection = socket.create_connection((host, int(port)), timeout=30)
                    connection.sendall(ask)
                    answer = connection.recv(65536)
                except TimeoutError:
                    failed[0] += 1
                    connection = None
                    continue
                except OSError:
                    answer = b""
                if answer.startswith(b"HTTP/1.1 200"):
                    took.append(time.monotonic() - begun)
                elif answer:
                    failed[0] += 1
                else:
                    # It had to make room for others while it was idle: what any client does is asking anew.
                    again[0] += 1
                    connection = None
                    time.sleep(0.1)
                    continue
                time.sleep(max(0, begun + 1 - time.monotonic()))

        threading.stack_size(256 << 10)
        threads = [threading.Thread(target=client, args=(at,), daemon=True) for at in range(number)]
        for thread in threads:
            thread.start()
        slowest = 0
        while time.monotonic() < until:
            begun = time.monotonic()
            health = http.client.HTTPConnection(host, int(port), timeout=30)
            try:
                health.request("GET", "/healthz")
                answered = health.getresponse().status == 200
            except TimeoutError:
                answered = False
            failed[0] += not answered
            slowest = max(slowest, time.monotonic() - begun)
            time.sleep(0.5)
        for thread in threads:
            thread.join()
        took.sort()
        p50, p99 = (took[int(len(took) * part)] * 1000 if took else float("nan") for part in (0.5, 0.99))
        told = (f"{len(took):,} answers, {failed[0]} failed, {again[0]:,} connections anew; "
                f"p50 {p50:,.0f} ms, p99 {p99:,.0f} ms; slowest `/healthz` {slowest * 1000:,.0f} ms")
        row(f"`serve` with {number:,} clients", f"{seconds:,.0f} s", "", mib(server.memory()), told)


def message(spoutctl, directory, number):
    """One message of so many bytes, and the same where no more than the default is taken."""
    piece = b"x" * (1 << 20)

    def produce(pipe):
        for _ in range(number >> 20):
            pipe.write(piece)
        pipe.write(b"\n")

    command = [spoutctl, "put", "events", "--create-repo", "--pachd", f"local:{directory}/store", "--messages", "lines",
               "--each", "message-{seq}", "--spool", f"{directory}/spool", "--spool-limit", "4GiB"]
    Run(command, produce).row(f"a message of {mib(number)}, without more")
    Run([*command, "--max-message", str(number + 1)], produce).row(f"a message of {mib(number)}, with `--max-message`")


SIZES = {
    entries: 10_000_000,
    archives: 1_000_000,
    history: 1_000_000,
    repos: 1_000,
    clients: 1_000,
    message: 1 << 30,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("spoutctl", help="the program that is measured")
    parser.add_argument("what", nargs="+", choices=[what.__name__ for what in SIZES], help="one after the other")
    parser.add_argument("--scale", type=float, default=1, help="so much of each")
    args = parser.parse_args()
    spoutctl = os.path.abspath(args.spoutctl)
    row("what", "time", "computed", "memory", "said")
    row("---", "---", "---", "---", "---")
    for what, size in SIZES.items():
        if what.__name__ not in args.what:
            continue
        directory = tempfile.mkdtemp(prefix="spoutctl-load-")
        try:
            what(spoutctl, directory, max(1, int(size * args.scale)))
        finally:
            shutil.rmtree(directory)


if __name__ == "__main__":
    sys.exit(main())
