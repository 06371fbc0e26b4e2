#!/usr/bin/env python3
"""Kills `put --from kafka://…` and its broker at random while a producer writes, then compares what is committed with the topic.

    benches/kafka-kills.py SPOUTCTL KAFKA_JARS [MESSAGES] [KILLS] [SEED]

SPOUTCTL is one that was built with Kafka, KAFKA_JARS the directory that tests/kafka.xml fills (CONTRIBUTING.md). MESSAGES
(1,000,000) are spread over 8 partitions; `put` is killed KILLS times (200), and with each tenth of them the broker (SIGKILL). Of each
partition the commits have to hold the records of the topic: all, once, in their order.
"""

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from pathlib import Path

from kafka_broker import Broker

# -E: kcat does not end when the broker is away. Whoever writes a record again, since the answer was lost with the broker, does not
# write a second one.
PRODUCER = ["-E", "-X", "enable.idempotence=true", "-X", "message.timeout.ms=900000"]


def produce(broker, messages, seconds, failed):
    """Writes for about as long as the kills take; what went wrong is in `failed`."""
    kcat = ["kcat", "-P", "-t", "orders", "-K", ":", "-b", broker.address, *PRODUCER]
    try:
        with subprocess.Popen(kcat, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as producer:
            begin = time.monotonic()
            for number in range(messages):
                producer.stdin.write(b"%d:order %d\n" % (number, number))
                if number % 1_000 == 0:
                    time.sleep(max(0, begin + seconds * number / messages - time.monotonic()))
    except BrokenPipeError:
        pass
    if producer.returncode != 0:
        failed.append(f"the producer ended with {producer.returncode}")


def topic(broker):
    """What the topic has of each partition, in order."""
    kcat = ["kcat", "-C", "-e", "-u", "-q", "-t", "orders", "-b", broker.address, "-f", "%p %s\n"]
    records = defaultdict(list)
    for line in subprocess.run(kcat, check=True, capture_output=True).stdout.decode().splitlines():
        partition, value = line.split(" ", 1)
        records[int(partition)].append(value)
    return records


def committed(spoutctl, env):
    """The same of all commits, in the order of the branch."""
    tail = [spoutctl, "tail", "orders", "--json", "--from", "beginning", "-e", "--ok-only"]
    commits = subprocess.run(tail, env=env, check=True, capture_output=True).stdout.splitlines()
    records = defaultdict(list)
    for commit in map(json.loads, commits):
        get = [spoutctl, "get", f"orders@{commit['commit']}:/r.jsonl"]
        for line in subprocess.run(get, env=env, check=True, capture_output=True).stdout.splitlines():
            record = json.loads(line)
            records[record["partition"]].append(record["value"])
    return records, len(commits)


def main():
    if len(sys.argv) < 3:
        raise SystemExit(__doc__)
    spoutctl, jars = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    messages, kills, seed = [int(text) for text in sys.argv[3:6]] + [1_000_000, 200, 1][len(sys.argv[3:6]):]
    chance = random.Random(seed)
    work = Path(tempfile.mkdtemp(prefix="kafka-kills-"))
    broker = Broker(jars, work)
    env = {**os.environ, "PACHD_ADDRESS": f"local:{work}/store", "TMPDIR": str(work)}
    put = [spoutctl, "put", "orders", "--create-repo", "--from", f"kafka://{broker.address}/orders"]
    put += ["--envelope", "json", "--into", "r.jsonl", "--batch-count", "5000", "--batch-period", "1s"]
    begin = time.monotonic()
    try:
        failed = []
        producer = threading.Thread(target=produce, args=(broker, messages, kills * 2, failed))
        producer.start()
        for number in range(1, kills + 1):
            with open(work / "said", "w") as said:
                child = subprocess.Popen(put, env=env, stdout=subprocess.DEVNULL, stderr=said)
            time.sleep(chance.uniform(0.1, 4))
            assert child.poll() is None, f"put {number} has ended: {(work / 'said').read_text()}"
            if number % 10 == 0:
                broker.kill()
                time.sleep(chance.uniform(0, 1))
                broker.start()
                time.sleep(chance.uniform(0, 1))
                assert child.poll() is None, f"put {number} has ended: {(work / 'said').read_text()}"
            child.kill()
            child.wait()
        producer.join()
        assert not failed, failed[0]
        subprocess.run([*put, "--until-end"], env=env, check=True, stdout=subprocess.DEVNULL)
        (found, commits), expected = committed(spoutctl, env), topic(broker)
        count = sum(map(len, expected.values()))
        assert count == messages, f"the topic has {count} of {messages}"
        for partition, records in expected.items():
            assert found[partition] == records, f"partition {partition} is not what was written"
        seconds = round(time.monotonic() - begin)
        print(f"{kills} kills of put, {kills // 10} of the broker, in {seconds} s, seed {seed}: {count} records of "
              f"{len(expected)} partitions in {commits} commits, each once and in order")
    finally:
        broker.kill()
        shutil.rmtree(work, ignore_errors=True)


main()
