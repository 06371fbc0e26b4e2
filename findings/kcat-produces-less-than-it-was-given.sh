#!/usr/bin/env bash
# One would guess: `kcat -P` makes a message of each line of its input, an empty one of an empty line, and one of each file that it is given; where one is missing it fails.
# What happens: 1.7.1 leaves out empty lines and empty files, without a word. Of three files of which one is not there it sends the others, says so, and has exit code 0. With `-K :` a line
# without a colon has no key, and one that ends at the colon an empty value, which is no tombstone (that takes `-Z`). Numbers of lines and of offsets part at the first
# empty line.
# Who meets it: whoever puts texts or files into a topic and takes the exit code for an answer, or an offset for the number of a line. What helps: a key of its own for each
# line (`-K`): with one, an empty text is sent.
set -euo pipefail
KCAT=1.7.1-2 CONFLUENT_KAFKA=2.16.1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
apt-get -qq download "kcat=$KCAT" libyajl2=2.1.0-3+deb12u2 librdkafka1=2.0.2-1 2>apt.log || { cat apt.log; exit 2; }
for package in *.deb; do dpkg -x "$package" root; done
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check "confluent-kafka==$CONFLUENT_KAFKA"
printf 'first file' >1.txt
true >2.txt
printf 'third file' >3.txt
# The broker is librdkafka's own, within the process.
cat >produce.py <<'PY'
import os, subprocess, sys
from confluent_kafka import Consumer, Producer, TopicPartition
producer = Producer({'test.mock.num.brokers': 1, 'bootstrap.servers': 'none', 'log_level': 0})
address = next(iter(producer.list_topics(timeout=60).brokers.values()))
servers = f'{address.host}:{address.port}'
environment = {**os.environ, 'LD_LIBRARY_PATH': sys.argv[1]}

def produced(topic, text, *options):
    producer.produce(topic, b'in front', partition=0)
    assert producer.flush(60) == 0
    kcat = subprocess.run(['root/usr/bin/kcat', '-P', '-b', servers, '-t', topic, '-p', '0', *options], input=text, capture_output=True, env=environment)
    said = '; '.join(line for line in kcat.stderr.decode().splitlines())
    given = ' '.join([*options, *([repr(text)] if text else [])])
    print(f'kcat -P {given}: exit {kcat.returncode}, said {said!r}')
    consumer = Consumer({'bootstrap.servers': servers, 'group.id': 'copy', 'enable.partition.eof': True, 'log_level': 0})
    consumer.assign([TopicPartition(topic, 0, 1)])
    while not (message := consumer.poll(60)).error():
        key = f'key {message.key()}, ' if options and options[0] == '-K' else ''
        print(f'  {message.offset()}: {key}{message.value()}')
    consumer.close()

produced('lines', b'one\n\nthree\n')
produced('keys', b'k1:one\nno key\nk3:\n:four\n', '-K', ':')
produced('files', b'', '1.txt', '2.txt', '3.txt')
produced('missing', b'', '1.txt', 'missing.txt', '3.txt')
PY
python/bin/python produce.py "$(dirname "$(find "$dir/root" -name 'librdkafka.so.1')")" 2>log | tee seen || { cat log; exit 2; }
cat >expected <<'TEXT'
kcat -P b'one\n\nthree\n': exit 0, said ''
  1: b'one'
  2: b'three'
kcat -P -K : b'k1:one\nno key\nk3:\n:four\n': exit 0, said ''
  1: key b'k1', b'one'
  2: key None, b'no key'
  3: key b'k3', b''
  4: key b'', b'four'
kcat -P 1.txt 2.txt 3.txt: exit 0, said ''
  1: b'first file'
  2: b'third file'
kcat -P 1.txt missing.txt 3.txt: exit 0, said '% Failed to open missing.txt: No such file or directory; % Failed to produce from 1/3 files'
  1: b'first file'
  2: b'third file'
TEXT
cmp -s seen expected || { echo 'changed: expected'; cat expected; exit 1; }
