#!/usr/bin/env python3
"""`put --from kafka://…` beside kcat into a file, and beside kcat into a `put`, in turns.

    benches/beside-kcat.py SPOUTCTL KAFKA_JARS [MESSAGES] [ROUNDS]

SPOUTCTL is one that was built with Kafka, KAFKA_JARS the directory that tests/kafka.xml fills (CONTRIBUTING.md). A broker of its own
has a topic of 8 partitions with MESSAGES (1,000,000) of 200 bytes; each way reads all of them, ROUNDS (3) times, a commit each 10,000.
Prints the seconds of each run, those of the processor that its processes took (the broker's are not among them), and the memory of the
largest of them as JSON, a line each; what is committed is counted.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from kafka_broker import Broker

EACH = 10_000


def fill(broker, messages):
    """With keys, so that all partitions get some."""
    kcat = ["kcat", "-P", "-t", "orders", "-K", ":", "-b", broker.address]
    with subprocess.Popen(kcat, stdin=subprocess.PIPE) as producer:
        for number in range(messages):
            producer.stdin.write(b"%d:%0200d\n" % (number, number))
    assert producer.returncode == 0


def run(script, directory):
    """Seconds, those of the processor, and MiB of a shell's script; the memory is that of its largest process."""
    begin = time.monotonic()
    process = subprocess.Popen(["sh", "-ec", script], cwd=directory, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"it ended with {process.returncode}: {script}")
    return time.monotonic() - begin, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def lines_of(spoutctl, directory):
    """All that is committed, by the files of all commits."""
    tail = [spoutctl, "tail", "orders", "--json", "--from", "beginning", "-e"]
    env = {**os.environ, "PACHD_ADDRESS": f"local:{directory}/store"}
    commits = subprocess.run(tail, env=env, check=True, capture_output=True).stdout.splitlines()
    count = 0
    for commit in map(json.loads, commits):
        file = f"orders@{commit['commit']}:/orders.txt"
        count += subprocess.run([spoutctl, "get", file], env=env, check=True, capture_output=True).stdout.count(b"\n")
    return count


def main():
    if len(sys.argv) < 3:
        raise SystemExit(__doc__)
    spoutctl, jars = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    messages = int(sys.argv[3]) if len(sys.argv) > 3 else 1_000_000
    rounds = int(sys.argv[4]) if len(sys.argv) > 4 else 3
    work = Path(tempfile.mkdtemp(prefix="beside-kcat-"))
    broker = Broker(jars, work)
    try:
        fill(broker, messages)
        kcat = f"kcat -C -e -u -q -t orders -b {broker.address}"
        options = f"--create-repo --batch-count {EACH} --batch-bytes 1G --batch-period 1h --into orders.txt"
        put = f"PACHD_ADDRESS=local:$PWD/store {spoutctl} put orders {options}"
        ways = {
            "kcat > file": f"{kcat} > orders.txt",
            "kcat | put --messages lines": f"{kcat} | {put} --messages lines",
            "put --from kafka": f"{put} --from kafka://{broker.address}/orders --until-end",
        }
        for number in range(rounds):
            for way, script in ways.items():
                directory = work / "run"
                directory.mkdir()
                seconds, processor, memory = run(script, directory)
                found = messages
                if (directory / "store").exists():
                    found = lines_of(spoutctl, directory)
                line = {"round": number + 1, "way": way, "seconds": round(seconds, 2), "processor": round(processor, 2)}
                line |= {"MiB": round(memory), "messages": found}
                print(json.dumps(line), flush=True)
                assert found == messages, f"{found} of {messages}"
                shutil.rmtree(directory)
    finally:
        broker.kill()
        shutil.rmtree(work, ignore_errors=True)


main()
