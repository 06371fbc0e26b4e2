#!/usr/bin/env bash
# One would guess: what `poll` of confluent-kafka for Python hands out when something went wrong has an `error()` and no `value()`: there was no record, and a program that
# forgets to ask for the error fails at the first use of the value.
# What happens: in 2.16.1 `value()` is librdkafka's sentence about the error, as bytes, and `topic()` and `partition()` are those of the subscription: a topic that is not
# there, and the end of a partition (`enable.partition.eof`), come as messages like any other.
# Who meets it: consumers that write `message.value()` to a file or a repo: a topic that is made an hour later, or whose name is misspelt, leaves a sentence of English
# among the records. What helps: `if message.error(): …` in front of each use, or DeserializingConsumer, which raises.
set -euo pipefail
CONFLUENT_KAFKA=2.16.1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check "confluent-kafka==$CONFLUENT_KAFKA"
# The broker is librdkafka's own, within the process.
cat >consume.py <<'PY'
from confluent_kafka import Consumer, Producer, TopicPartition
producer = Producer({'test.mock.num.brokers': 1, 'bootstrap.servers': 'none', 'log_level': 0})
address = next(iter(producer.list_topics(timeout=60).brokers.values()))
servers = f'{address.host}:{address.port}'
producer.produce('orders', b'{"id": 1}', partition=0)
assert producer.flush(60) == 0

def show(message):
    error = message.error()
    offset = message.offset()
    print(f'value {message.value()}, topic {message.topic()}, partition {message.partition()}, offset {offset}, error {error and error.name()}')

settings = {'bootstrap.servers': servers, 'group.id': 'copy', 'auto.offset.reset': 'earliest', 'enable.partition.eof': True, 'log_level': 0}
print('a partition, to its end:')
consumer = Consumer(settings)
consumer.assign([TopicPartition('orders', 0, 0)])
for _ in range(2):
    show(consumer.poll(60))
consumer.close()
print('a topic that is not there:')
consumer = Consumer(settings)
consumer.subscribe(['ordres'])
show(consumer.poll(60))
consumer.close()
PY
echo "confluent-kafka $CONFLUENT_KAFKA"
python/bin/python consume.py 2>log | tee seen || { cat log; exit 2; }
cat >expected <<'TEXT'
a partition, to its end:
value b'{"id": 1}', topic orders, partition 0, offset 0, error None
value b'Fetch from broker 1 reached end of partition at offset 1 (HighwaterMark 1)', topic orders, partition 0, offset 1, error _PARTITION_EOF
a topic that is not there:
value b'Subscribed topic not available: ordres: Broker: Unknown topic or partition', topic ordres, partition 0, offset None, error UNKNOWN_TOPIC_OR_PART
TEXT
cmp -s seen expected || { echo 'changed: expected'; cat expected; exit 1; }
