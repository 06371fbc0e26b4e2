#!/usr/bin/env bash
# One would guess: a reader of kafka-go with `IsolationLevel: kafka.ReadCommitted`, which by its documentation leaves out every record of a
# transaction that was not committed, shows what other clients of Kafka show then.
# What happens: v0.4.51 shows the records of aborted transactions among the others, and the ends of transactions, too, as messages with a key
# of four bytes and a value of six: it asks the broker to stop before transactions that are open, and leaves out nothing of what comes.
# librdkafka (confluent-kafka 2.16.1) and kafka-python 3.0.12 show what is committed alone.
# Who meets it: Go spouts that read a topic of a transactional producer, Kafka Streams for one: what was rolled back is in the repo, and
# whoever parses the messages meets six bytes that nobody has sent.
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
		Brokers: []string{os.Args[1]}, Topic: "orders", IsolationLevel: kafka.ReadCommitted,
	})
	for {
		message, err := reader.ReadMessage(context.Background())
		if err != nil {
			panic(err)
		}
		fmt.Printf("%d:%q ", message.Offset, message.Value)
		if string(message.Value) == "last" {
			return
		}
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
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
log.dirs=$dir/data
PROPERTIES
java -cp 'lib/*' kafka.tools.StorageTool format -t AAAAAAAAAAAAAAAAAAAAAA -c server.properties >broker.log 2>&1 || { cat broker.log; exit 2; }
java -Xmx256m -cp 'lib/*' kafka.Kafka server.properties >>broker.log 2>&1 &
broker=$!
cat >write.py <<'PY'
import sys
from confluent_kafka import Producer
producer = Producer({'bootstrap.servers': sys.argv[1], 'transactional.id': 'one'}, logger=None)
producer.init_transactions(120)
for value, ends in [('first', producer.commit_transaction), ('never', producer.abort_transaction), ('last', producer.commit_transaction)]:
    producer.begin_transaction()
    producer.produce('orders', value.encode(), partition=0)
    producer.flush()
    ends()
PY
python/bin/python write.py "$address" 2>write.log || { cat write.log broker.log; exit 2; }
cat >confluent.py <<'PY'
import sys
from confluent_kafka import Consumer, TopicPartition
consumer = Consumer({'bootstrap.servers': sys.argv[1], 'group.id': 'one', 'isolation.level': 'read_committed'})
consumer.assign([TopicPartition('orders', 0, 0)])
value = None
while value != b'last':
    message = consumer.poll()
    if message.error() is None:
        value = message.value()
        print(f'{message.offset()}:"{value.decode()}"', end=' ')
PY
cat >plain.py <<'PY'
import sys
from kafka import KafkaConsumer, TopicPartition
consumer = KafkaConsumer(bootstrap_servers=sys.argv[1], isolation_level='read_committed')
consumer.assign([TopicPartition('orders', 0)])
consumer.seek_to_beginning()
for message in consumer:
    print(f'{message.offset}:"{message.value.decode()}"', end=' ')
    if message.value == b'last':
        break
PY
wrong=0
seen() { # NAME EXPECTED COMMAND…
  local found
  found=$("${@:3}" 2>>read.log)
  echo "$1: $found"
  [ "$found" = "$2" ] || { echo "  changed: expected $2"; wrong=1; }
}
echo 'one transaction is committed, one aborted, one committed'
seen "confluent-kafka $CONFLUENT" '0:"first" 4:"last" ' python/bin/python confluent.py "$address"
seen "kafka-python $KAFKA_PYTHON" '0:"first" 4:"last" ' python/bin/python plain.py "$address"
seen "kafka-go $KAFKA_GO" '0:"first" 1:"\x00\x00\x00\x00\x00\x00" 2:"never" 3:"\x00\x00\x00\x00\x00\x00" 4:"last" ' ./kafka-go "$address"
exit "$wrong"
