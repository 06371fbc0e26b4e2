#!/usr/bin/env python3
"""Archives that are larger than memory and disk, on a pipe, into a gateway that discards them.

    benches/passing.py SPOUTCTL --mib 20480 --tmp-mib 100 -- --hold-limit 0
    benches/passing.py SPOUTCTL --mib 2048 --cuts 20

What follows `--` are options of `put`. With --tmp-mib the temporary directory is a file system of that size, which takes `unshare`
of util-linux and the right to make one: root, or user namespaces. With --cuts the gateway resets the connection of an upload so
often, at random places, the same ones for the same --seed.

It prints seconds, the peak of memory, and how many times as many bytes the gateway got as the archive's files have.
"""

import argparse
import json
import os
import random
import socket
import struct
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
import uuid

FILE = 1 << 30
PIECE = 1 << 20
TIME = "2026-11-22T16:26:10.250264Z"


class Cut(Exception):
    """The connection was reset on purpose."""


class Gateway:
    """Answers what `put` asks as pachd 2.12 does, and keeps nothing."""

    def __init__(self, places):
        self.places = sorted(places, reverse=True)
        self.uploaded = 0
        self.cuts = 0
        self.description = ""
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self.accept, daemon=True).start()

    def url(self):
        return "http://127.0.0.1:%d" % self.listener.getsockname()[1]

    def accept(self):
        while True:
            connection, _ = self.listener.accept()
            threading.Thread(target=self.talk, args=(connection,), daemon=True).start()

    def talk(self, connection):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            with connection, connection.makefile("rb", PIECE) as incoming:
                while request := incoming.readline():
                    self.call(connection, incoming, request.split()[1].decode().rsplit("/", 1)[-1])
        except (Cut, OSError):
            pass

    def call(self, connection, incoming, name):
        length, chunked = 0, False
        while (line := incoming.readline().strip().lower()) != b"":
            if line.startswith(b"content-length:"):
                length = int(line.split(b":")[1])
            chunked |= line.startswith(b"transfer-encoding:") and b"chunked" in line
        body = bytearray()

        def take(count):
            buffer = memoryview(bytearray(min(count, PIECE)))
            while count > 0:
                came = incoming.readinto(buffer[: min(count, PIECE)])
                if not came:
                    raise ConnectionError("the body ended early")
                count -= came
                if name == "CreateFileSet":
                    self.discard(connection, came)
                else:
                    body.extend(buffer[:came])

        if chunked:
            while (size := int(incoming.readline(), 16)) > 0:
                take(size)
                incoming.readline()
            incoming.readline()
        else:
            take(length)
        status, answer = self.answer(name, json.loads(body) if body else {})
        text = json.dumps(answer).encode()
        head = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {len(text)}\r\n\r\n"
        connection.sendall(head.encode() + text)

    def discard(self, connection, count):
        with self.lock:
            self.uploaded += count
            if not self.places or self.uploaded < self.places[-1]:
                return
            self.places.pop()
            self.cuts += 1
        # Closed with unread bytes and without waiting: the other side sees a reset.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise Cut

    def answer(self, name, asked):
        def missing(message):
            return "404 Not Found", {"code": 5, "message": message, "details": []}

        commit = uuid.uuid4().hex
        match name:
            case "InspectRepo":
                return "200 OK", {"repo": asked["repo"], "created": TIME, "sizeBytesUpperBound": "0"}
            case "InspectBranch":
                return missing('branch "master" not found in repo default/bench')
            case "InspectPipeline":
                return missing('pipeline "default/bench" not found')
            case "ListCommit":
                status, error = missing('branch "master" not found in repo default/bench')
                return status, {"error": error}
            case "CreateFileSet" | "ComposeFileSet":
                return "200 OK", {"fileSetId": f"{commit}.{commit}{commit}"}
            case "StartCommit":
                return "200 OK", {"repo": asked["branch"]["repo"], "id": commit, "branch": None}
            case "FinishCommit":
                self.description = asked.get("description", "")
                return "200 OK", {}
            case "InspectCommit":
                times = {"started": TIME, "finishing": TIME, "finished": TIME}
                sizes = {"sizeBytesUpperBound": "0", "details": {"sizeBytes": "0"}}
                return "200 OK", {
                    "commit": asked["commit"], "description": self.description, "error": "", **times, **sizes,
                }
        return "200 OK", {}


def feed(pipe, size):
    """Writes an archive of files of 1 GiB of noise, the last one smaller."""
    noise = [memoryview(os.urandom(PIECE)) for _ in range(8)]
    number = 0
    while size > 0:
        info = tarfile.TarInfo(f"file-{number:04}")
        info.size = min(size, FILE)
        pipe.write(info.tobuf(tarfile.USTAR_FORMAT))
        for piece in range(info.size // PIECE):
            pipe.write(noise[piece % len(noise)])
        size -= info.size
        number += 1
    pipe.write(bytes(1024))
    pipe.close()


def peak(pid):
    """The peak of its memory so far, in MB."""
    try:
        with open(f"/proc/{pid}/status") as status:
            found = [line for line in status if line.startswith("VmHWM:")]
    except OSError:
        return 0
    return int(found[0].split()[1]) * 1024 / 1e6 if found else 0


def command(args, directory):
    put = [args.spoutctl, "put", "bench", "--create-repo", "--tmp-dir", directory, *args.options]
    if args.tmp_mib is None:
        return put
    mount = f'mount -t tmpfs -o size={args.tmp_mib}M tmpfs "$0" && exec "$@"'
    own = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--mount"]
    return [*own, "sh", "-c", mount, directory, *put]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("spoutctl", help="the spoutctl to be measured")
    parser.add_argument("--mib", type=int, default=2048, help="MiB of files")
    parser.add_argument("--tmp-mib", type=int, help="MiB that the temporary directory has")
    parser.add_argument("--cuts", type=int, default=0, help="how often the connection is reset")
    parser.add_argument("--seed", type=int, default=1, help="of the places")
    end = sys.argv.index("--") if "--" in sys.argv else len(sys.argv)
    args = parser.parse_args(sys.argv[1:end])
    args.options = sys.argv[end + 1 :]

    size = args.mib * PIECE
    on_the_wire = size * 4 // 3
    places = random.Random(args.seed)
    gateway = Gateway([places.randrange(on_the_wire) for _ in range(args.cuts)])
    with tempfile.TemporaryDirectory() as directory:
        env = {"PATH": os.environ.get("PATH", ""), "PACHD_ADDRESS": gateway.url()}
        begun = time.monotonic()
        child = subprocess.Popen(command(args, directory), env=env, stdin=subprocess.PIPE)
        feeder = threading.Thread(target=feed, args=(child.stdin, size), daemon=True)
        feeder.start()
        most = 0
        while child.poll() is None:
            # It is told that of the program that becomes it, and keeps growing.
            most = max(most, peak(child.pid))
            time.sleep(0.05)
        took = time.monotonic() - begun
    if child.returncode != 0:
        sys.exit(f"{args.spoutctl} ended with {child.returncode} after {took:.0f} s and {most:.0f} MB of memory")
    times = gateway.uploaded / on_the_wire
    print(f"{args.mib} MiB in {took:.1f} s, {most:.0f} MB of memory, {gateway.cuts} cuts, {times:.3f} times the bytes sent")


if __name__ == "__main__":
    main()
