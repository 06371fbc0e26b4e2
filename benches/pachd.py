#!/usr/bin/env python3
"""spoutctl beside pachctl, both through gRPC into one pachd: wall time, CPU time and memory, and their ratios.

    benches/pachd.py SPOUTCTL PACHCTL grpc://HOST:PORT [ROUNDS]

Give the release build. New random bytes for every run, because pachd stores equal chunks once; the programs take turns and the
best of their runs counts. Both times end when the commit is finished, so that pachctl is followed by a `wait commit`.
"""

import os
import secrets
import subprocess
import sys
import tarfile
import tempfile
import time

MIB = 1 << 20


def random_file(path: str, size: int) -> None:
    with open(path, "wb") as file:
        for _ in range(size // MIB):
            file.write(secrets.token_bytes(MIB))


def small_files(directory: str, count: int) -> None:
    os.makedirs(directory)
    for number in range(count):
        with open(os.path.join(directory, f"{number:05}"), "wb") as file:
            file.write(secrets.token_bytes(1024))


def measured(*commands: list) -> tuple:
    """Seconds of the clock and of the processor, and the largest memory in MB, of commands one after the other."""
    begun, cpu, memory = time.monotonic(), 0.0, 0
    for command in commands:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        if status != 0:
            sys.exit(f"{command} failed")
        cpu += usage.ru_utime + usage.ru_stime
        memory = max(memory, usage.ru_maxrss)
    return time.monotonic() - begun, cpu, memory / 1024


def main(spoutctl: str, pachctl: str, address: str, rounds: int) -> None:
    with tempfile.TemporaryDirectory() as directory:
        config = os.path.join(directory, "config.json")
        os.environ["PACH_CONFIG"] = config
        context = f'{{"pachd_address": "{address}", "source": 2}}'
        subprocess.run([pachctl, "config", "set", "context", "bench", "--overwrite"], input=context, text=True, check=True)
        subprocess.run([pachctl, "config", "set", "active-context", "bench"], check=True)
        for title, many in [("one file of 256 MiB", False), ("10,000 files of 1 KiB", True)]:
            print(f"\n{title}")
            best = {}
            for turn in range(rounds):
                for program in ["pachctl", "spoutctl"]:
                    repo = f"bench-{secrets.token_hex(4)}"
                    subprocess.run([pachctl, "create", "repo", repo], check=True)
                    data = os.path.join(directory, f"{program}-{turn}-{many}")
                    small_files(data, 10_000) if many else random_file(data, 256 * MIB)
                    archive = data + ".tar"
                    with tarfile.open(archive, "w") as tar:
                        tar.add(data, "data")
                    if program == "spoutctl":
                        run = [[spoutctl, "put", repo, "--pachd", address, archive]]
                    else:
                        # As a tar where that is its faster way.
                        what = ["--untar", f"{repo}@master:/", "-f", archive] if many else [f"{repo}@master:/data", "-f", data]
                        run = [[pachctl, "put", "file", *what], [pachctl, "wait", "commit", f"{repo}@master"]]
                    figures = measured(*run)
                    best[program] = [min(pair) for pair in zip(best.get(program, figures), figures)]
                    subprocess.run([pachctl, "delete", "repo", repo], check=True, stdout=subprocess.DEVNULL)
                    subprocess.run(["rm", "-rf", data, archive], check=True)
            print(f"{'':12} {'wall s':>8} {'CPU s':>8} {'MB':>6}")
            for program, (wall, cpu, memory) in best.items():
                print(f"{program:12} {wall:8.2f} {cpu:8.2f} {memory:6.0f}")
            ratios = [ours / theirs for ours, theirs in zip(best["spoutctl"], best["pachctl"])]
            print(f"{'ratio':12} {ratios[0]:8.2f} {ratios[1]:8.2f} {ratios[2]:6.2f}")


if __name__ == "__main__":
    if len(sys.argv) not in (4, 5):
        sys.exit(__doc__)
    main(*sys.argv[1:4], int(sys.argv[4]) if len(sys.argv) == 5 else 3)
