#!/usr/bin/env bash
# One would guess: a reader of Kafka tells a record without a value, the tombstone by which a compacted topic forgets a key, from one whose
# value is empty; so do the formats of Kafka itself, with a length of -1 and of 0.
# What happens: to a reader of kafka-go v0.4.51 both are `nil`. librdkafka (confluent-kafka 2.16.1) and kafka-python 3.0.12 tell them apart.
# Who meets it: Go spouts that mirror a compacted topic: whoever deletes a file when the value is nil deletes what is there and empty, and
# whoever writes an empty file then never deletes one.
set -euo pipefail
KAFKA=3.9.1 KAFKA_GO=v0.4.51 CONFLUENT=2.16.1 KAFKA_PYTHON=3.0.12
dir=$(mktemp -d)
trap 'kill -KILL "${broker:-}" 2>/dev/null || true; wait 2>/dev/null || true; chmod -R u+w "$dir"; rm -rf "$dir"' EXIT
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
python/bin/pip install --quiet --disable-pip-version-check "confluent-kafka==$CONFLUENT" "kafka-python==$KAFKA_PYTHON"
mkdir reader
cat >reader/main.go <<'GO'
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/segmentio/kafka-go"
)

func main() {
	reader := kafka.NewReader(kafka.ReaderConfig{
		Brokers: []string{os.Args[1]}, Topic: "orders",
	})
	for {
		message, err := reader.ReadMessage(context.Background())
		if err != nil {
			panic(err)
		}
		if string(message.Value) == "last" {
			return
		}
		fmt.Printf("%s:%t ", message.Key, message.Value == nil)
	}
}
GO
(cd reader && go mod init example && go get "github.com/segmentio/kafka-go@$KAFKA_GO" && go build -o ../kafka-go .) >go.log 2>&1 ||
  { cat go.log; exit 2; }
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
from confluent_kafka import Producer
producer = Producer({'bootstrap.servers': sys.argv[1]}, logger=None)
for key, value in [('empty', b''), ('tombstone', None), ('', b'last')]:
    producer.produce('orders', value, key, partition=0)
assert producer.flush(120) == 0
PY
python/bin/python write.py "$address" 2>write.log || { cat write.log broker.log; exit 2; }
cat >confluent.py <<'PY'
import sys
from confluent_kafka import Consumer, TopicPartition
consumer = Consumer({'bootstrap.servers': sys.argv[1], 'group.id': 'one'})
consumer.assign([TopicPartition('orders', 0, 0)])
value = None
while value != b'last':
    message = consumer.poll()
    if message.error() is None:
        value = message.value()
        if value != b'last':
            print(f'{message.key().decode()}:{str(value is None).lower()}', end=' ')
PY
cat >plain.py <<'PY'
import sys
from kafka import KafkaConsumer, TopicPartition
consumer = KafkaConsumer(bootstrap_servers=sys.argv[1])
consumer.assign([TopicPartition('orders', 0)])
consumer.seek_to_beginning()
for message in consumer:
    if message.value == b'last':
        break
    print(f'{message.key.decode()}:{str(message.value is None).lower()}', end=' ')
PY
wrong=0
seen() { # NAME EXPECTED COMMAND…
  local found
  found=$("${@:3}" 2>>read.log)
  echo "$1: $found"
  [ "$found" = "$2" ] || { echo "  changed: expected $2"; wrong=1; }
}
echo 'whether there is no value, of a record whose value is empty and of a tombstone'
seen "confluent-kafka $CONFLUENT" 'empty:false tombstone:true ' python/bin/python confluent.py "$address"
seen "kafka-python $KAFKA_PYTHON" 'empty:false tombstone:true ' python/bin/python plain.py "$address"
seen "kafka-go $KAFKA_GO" 'empty:true tombstone:true ' ./kafka-go "$address"
exit "$wrong"
