#!/usr/bin/env python3
"""How long after its last byte an archive that comes at a rate is acknowledged.

    benches/at-a-rate.py --pachd http://127.0.0.1:1658 --mib 96 --rate 8 NEW OLD ...

Each NEW, OLD is a spoutctl; they take turns. With `--pachctl PACHCTL`, `pachctl put file -f - --untar` takes its turn, too. The
archive is one of files of 4 MiB that nothing compresses. Repos named `spoutctl-rate-…` are made, and stay.
"""

import argparse
import io
import os
import statistics
import subprocess
import tarfile
import time
import uuid

PIECE = 64 << 10
FILE = 4 << 20


def archive(mib):
    """The bytes of an archive of so many MiB of files."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for number in range(mib * (1 << 20) // FILE):
            info = tarfile.TarInfo(f"file-{number:04}")
            info.size = FILE
            tar.addfile(info, io.BytesIO(os.urandom(FILE)))
    return memoryview(out.getvalue())


def wait_for_last_byte(command, env, data, rate):
    """Seconds from the last byte written to the end of the command."""
    child = subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    begun = time.monotonic()
    for at in range(0, len(data), PIECE):
        due = begun + at / (rate * 1e6)
        time.sleep(max(0, due - time.monotonic()))
        child.stdin.write(data[at : at + PIECE])
    child.stdin.close()
    last = time.monotonic()
    if child.wait() != 0:
        raise SystemExit(f"{command[0]} ended with {child.returncode}")
    return time.monotonic() - last


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("spoutctl", nargs="+", help="a spoutctl to be measured")
    parser.add_argument("--pachd", required=True, help="the address of a pachd, or of spoutctl serve")
    parser.add_argument("--pachctl", help="a pachctl that is to take its turn, too")
    parser.add_argument("--mib", type=int, default=96, help="MiB of files")
    parser.add_argument("--rate", type=float, default=8, help="MB a second")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each")
    args = parser.parse_args()

    data = archive(args.mib)
    env = {**os.environ, "PACHD_ADDRESS": args.pachd}
    waits = {}
    for _ in range(args.rounds):
        repo = f"spoutctl-rate-{uuid.uuid4().hex}"
        for binary in args.spoutctl:
            command = [binary, "put", repo, "--create-repo", "--quiet"]
            waits.setdefault(binary, []).append(wait_for_last_byte(command, env, data, args.rate))
        if args.pachctl:
            command = [args.pachctl, "put", "file", f"{repo}@master", "-f", "-", "--untar"]
            waits.setdefault(args.pachctl, []).append(wait_for_last_byte(command, env, data, args.rate))
    print(f"{args.mib} MiB at {args.rate} MB/s, last byte to acknowledgement, median of {args.rounds}:")
    for binary, seconds in waits.items():
        print(f"  {statistics.median(seconds):7.2f} s  ({min(seconds):.2f} to {max(seconds):.2f})  {binary}")


if __name__ == "__main__":
    main()
