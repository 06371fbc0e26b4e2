#!/usr/bin/env bash
# One would guess: `auto.offset.reset` is for a group that has no stored offset; a program that keeps its position itself, gives it by `seek` or `assign`, and comes back
# when the record there was deleted (`retention.ms`, or DeleteRecords), gets an error.
# What happens: as its documentation says, it decides for an offset that is out of range, too, and is `latest` unless told otherwise. kafka-python 3.0.12, aiokafka 0.14.0
# and librdkafka (confluent-kafka 2.16.1), told to read from offset 2 of a topic that has 5 to 9, go to the end: 5 to 9 are there, and are never read. No exception is
# raised; librdkafka writes a warning to stderr, the other two a line at INFO, which few programs show. kafka-go v0.4.51 and franz-go v1.22.3 continue at 5; sarama
# v1.61.1 has an error.
# Who meets it: spouts that were away for longer than the topic keeps its records: they lose all that is left of them, too. What helps: `auto.offset.reset=earliest`, or
# librdkafka's `error`; and a look at the first offset that comes.
set -euo pipefail
KAFKA=3.9.1 KAFKA_PYTHON=3.0.12 CONFLUENT=2.16.1 AIOKAFKA=0.14.0 SARAMA=v1.61.1 KAFKA_GO=v0.4.51 FRANZ_GO=v1.22.3
dir=$(mktemp -d)
readers=()
trap 'kill -KILL "${broker:-}" "${readers[@]}" 2>/dev/null || true; wait 2>/dev/null || true; chmod -R u+w "$dir"; rm -rf "$dir"' EXIT
cd "$dir"
cat >pom.xml <<POM
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>example</groupId><artifactId>example</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>$KAFKA</version></dependency>
  </dependencies>
</project>
POM
mvn -q -B dependency:copy-dependencies -DoutputDirectory="$dir/lib" >maven.log 2>&1 || { cat maven.log; exit 2; }
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check "kafka-python==$KAFKA_PYTHON" "confluent-kafka==$CONFLUENT" "aiokafka==$AIOKAFKA"
mkdir reader
cat >reader/main.go <<'GO'
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/IBM/sarama"
	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kgo"
)

func show(value []byte) {
	fmt.Printf("%s ", value)
	if string(value) == "last" {
		os.Exit(0)
	}
}

func check(err error) {
	if err != nil {
		fmt.Printf("error")
		os.Exit(0)
	}
}

func main() {
	client, address := os.Args[1], os.Args[2]
	switch client {
	case "sarama":
		consumer, err := sarama.NewConsumer([]string{address}, nil)
		check(err)
		partition, err := consumer.ConsumePartition("orders", 0, 2)
		check(err)
		for message := range partition.Messages() {
			show(message.Value)
		}
	case "kafka-go":
		reader := kafka.NewReader(kafka.ReaderConfig{Brokers: []string{address}, Topic: "orders"})
		check(reader.SetOffset(2))
		for {
			message, err := reader.ReadMessage(context.Background())
			check(err)
			show(message.Value)
		}
	case "franz-go":
		from := map[string]map[int32]kgo.Offset{"orders": {0: kgo.NewOffset().At(2)}}
		consumer, err := kgo.NewClient(kgo.SeedBrokers(address), kgo.ConsumePartitions(from))
		check(err)
		for {
			fetches := consumer.PollFetches(context.Background())
			check(fetches.Err())
			fetches.EachRecord(func(record *kgo.Record) { show(record.Value) })
		}
	}
}
GO
(cd reader && go mod init example && go get "github.com/IBM/sarama@$SARAMA" "github.com/segmentio/kafka-go@$KAFKA_GO" "github.com/twmb/franz-go/pkg/kgo@$FRANZ_GO" &&
  go build -o ../go-reader .) >go.log 2>&1 || { cat go.log; exit 2; }
read -r port controller < <(python3 -c '
import socket
both = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
print(*(one.getsockname()[1] for one in both))')
address=127.0.0.1:$port
cat >server.properties <<PROPERTIES
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$controller
listeners=PLAINTEXT://$address,CONTROLLER://127.0.0.1:$controller
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
offsets.topic.replication.factor=1
log.dirs=$dir/data
PROPERTIES
java -cp 'lib/*' kafka.tools.StorageTool format -t AAAAAAAAAAAAAAAAAAAAAA -c server.properties >broker.log 2>&1 || { cat broker.log; exit 2; }
java -Xmx256m -cp 'lib/*' kafka.Kafka server.properties >>broker.log 2>&1 &
broker=$!
cat >write.py <<'PY'
import sys
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient
server, *values = sys.argv[1:]
producer = Producer({'bootstrap.servers': server})
for value in values or map(str, range(10)):
    producer.produce('orders', value, partition=0)
assert producer.flush(120) == 0
if not values:
    admin = AdminClient({'bootstrap.servers': server})
    for deleted in admin.delete_records([TopicPartition('orders', 0, 5)]).values():
        assert deleted.result().low_watermark == 5
PY
write() { python/bin/python write.py "$address" "$@" 2>write.log || { cat write.log broker.log; exit 2; }; }
cat >read.py <<'PY'
import asyncio, logging, os, sys
client, server, *reset = sys.argv[1:]
logging.basicConfig(level=logging.INFO)

def show(value):
    print(value.decode(), end=' ', flush=True)
    if value == b'last':
        os._exit(0)

if client == 'kafka-python':
    from kafka import KafkaConsumer, TopicPartition
    consumer = KafkaConsumer(bootstrap_servers=server, **({'auto_offset_reset': reset[0]} if reset else {}))
    consumer.assign([TopicPartition('orders', 0)])
    consumer.seek(TopicPartition('orders', 0), 2)
    for record in consumer:
        show(record.value)
elif client == 'confluent-kafka':
    from confluent_kafka import Consumer, TopicPartition
    consumer = Consumer({'bootstrap.servers': server, 'group.id': 'one', **({'auto.offset.reset': reset[0]} if reset else {})})
    consumer.assign([TopicPartition('orders', 0, 2)])
    while True:
        if message := consumer.poll():
            if message.error():
                print('error', end='', flush=True)
                os._exit(0)
            show(message.value())
else:
    from aiokafka import AIOKafkaConsumer, TopicPartition
    async def main():
        consumer = AIOKafkaConsumer(bootstrap_servers=server, **({'auto_offset_reset': reset[0]} if reset else {}))
        await consumer.start()
        consumer.assign([TopicPartition('orders', 0)])
        consumer.seek(TopicPartition('orders', 0), 2)
        async for record in consumer:
            show(record.value)
    asyncio.run(main())
PY
write
names=() expected=()
start() { # NAME EXPECTED COMMAND…
  "${@:3}" >"out-${#names[@]}" 2>"log-${#names[@]}" &
  readers+=("$!")
  names+=("$1") expected+=("$2")
}
start "kafka-python $KAFKA_PYTHON" 'last, a line at INFO' python/bin/python read.py kafka-python "$address"
start "aiokafka $AIOKAFKA" 'last, a line at INFO' python/bin/python read.py aiokafka "$address"
start "confluent-kafka $CONFLUENT" 'last, a warning' python/bin/python read.py confluent-kafka "$address"
start "kafka-python $KAFKA_PYTHON, earliest" '5 6 7 8 9 last, a line at INFO' python/bin/python read.py kafka-python "$address" earliest
start "aiokafka $AIOKAFKA, earliest" '5 6 7 8 9 last, a line at INFO' python/bin/python read.py aiokafka "$address" earliest
start "confluent-kafka $CONFLUENT, earliest" '5 6 7 8 9 last, a warning' python/bin/python read.py confluent-kafka "$address" earliest
start "confluent-kafka $CONFLUENT, error" 'error' python/bin/python read.py confluent-kafka "$address" error
start "kafka-go $KAFKA_GO" '5 6 7 8 9 last' ./go-reader kafka-go "$address"
start "franz-go $FRANZ_GO" '5 6 7 8 9 last' ./go-reader franz-go "$address"
start "sarama $SARAMA" 'error' ./go-reader sarama "$address"
# Whoever has gone to the end meets a record that is written behind that.
rounds=0
while kill -0 "${readers[@]}" 2>/dev/null; do
  [ $((rounds += 1)) -le 120 ] || { echo 'changed: expected every reader to have the last record or an error'; tail -n 5 out-* log-*; exit 1; }
  write last
  sleep 1
done
for number in "${!readers[@]}"; do
  wait "${readers[number]}" || { echo "${names[number]} has ended with an error"; cat "log-$number"; exit 1; }
done
readers=()
wrong=0
echo 'a topic of which the records 0 to 4 were deleted, read from offset 2:'
for number in "${!names[@]}"; do
  found=$(xargs <"out-$number")
  case $(grep -m 1 'out of range' "log-$number") in
    %4*) found+=', a warning' ;;
    INFO*) found+=', a line at INFO' ;;
  esac
  echo "  ${names[number]}: $found"
  [ "$found" = "${expected[number]}" ] || { echo "    changed: expected ${expected[number]}"; wrong=1; }
done
exit $wrong
