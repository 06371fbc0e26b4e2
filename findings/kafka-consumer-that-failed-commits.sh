#!/usr/bin/env bash
# One would guess: a consumer of a group that fails at a record and is closed on the way out (`finally: consumer.close()`) gets that record again when it is started
# again, with the settings that every client has at first: offsets are committed for what is done.
# What happens: closing commits the position, which is behind what was handed out. With kafka-python 3.0.12, confluent-kafka 2.16.1 and aiokafka 0.14.0 the record that
# failed never comes again. Java's KafkaConsumer 3.9.1 hands out a list: a program that fails at its third record never sees any of the ten again.
# Who meets it: consumers that end at an error and are restarted, as every spout in a pod is. Whoever does not close, or is killed, gets the records again. What
# helps: `enable.auto.commit=false`, or no group at all and a position that is kept with the data.
set -euo pipefail
KAFKA=3.9.1 KAFKA_PYTHON=3.0.12 CONFLUENT=2.16.1 AIOKAFKA=0.14.0
dir=$(mktemp -d)
trap 'kill -KILL "${broker:-}" 2>/dev/null || true; rm -rf "$dir"' EXIT
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
python3 -m venv v
v/bin/pip install --quiet --disable-pip-version-check "kafka-python==$KAFKA_PYTHON" "confluent-kafka==$CONFLUENT" "aiokafka==$AIOKAFKA"
read -r PORT CONTROLLER < <(python3 -c 'import socket
sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
print(*(one.getsockname()[1] for one in sockets))')
cat >server.properties <<PROPERTIES
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$CONTROLLER
listeners=PLAINTEXT://127.0.0.1:$PORT,CONTROLLER://127.0.0.1:$CONTROLLER
advertised.listeners=PLAINTEXT://127.0.0.1:$PORT
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
log.dirs=$dir/data
PROPERTIES
java -cp 'lib/*' kafka.tools.StorageTool format -t AAAAAAAAAAAAAAAAAAAAAA -c server.properties >broker.log 2>&1
java -Xmx512m -cp 'lib/*' kafka.Kafka server.properties >>broker.log 2>&1 &
broker=$!
cat >produce.py <<'PY'
import sys
from confluent_kafka import Producer
_, server, *numbers = sys.argv
producer = Producer({'bootstrap.servers': server})
for number in numbers:
    producer.produce('numbers', number)
sys.exit(producer.flush(120))
PY
produce() { # NUMBER…
  v/bin/python produce.py "127.0.0.1:$PORT" "$@" 2>produce.log || { cat produce.log broker.log; exit 2; }
}
# Each fails at its third record when told to, and otherwise ends at the eleventh of the topic, or when nothing has come for 20 seconds.
cat >kafka_python.py <<'PY'
import sys
from kafka import KafkaConsumer
_, server, fails = sys.argv
consumer = KafkaConsumer('numbers', bootstrap_servers=server, group_id='kafka-python', auto_offset_reset='earliest', consumer_timeout_ms=20000)
try:
    for count, record in enumerate(consumer, 1):
        print(record.value.decode(), flush=True)
        if count == 3 and fails == 'fails' or record.value == b'11':
            raise SystemExit
finally:
    consumer.close()
PY
cat >confluent.py <<'PY'
import sys
from confluent_kafka import Consumer
_, server, fails = sys.argv
consumer = Consumer({'bootstrap.servers': server, 'group.id': 'confluent', 'auto.offset.reset': 'earliest'})
consumer.subscribe(['numbers'])
count = 0
try:
    while (record := consumer.poll(20)) is not None:
        print(record.value().decode(), flush=True)
        count += 1
        if count == 3 and fails == 'fails' or record.value() == b'11':
            raise SystemExit
finally:
    consumer.close()
PY
cat >aio.py <<'PY'
import asyncio, sys
from aiokafka import AIOKafkaConsumer
_, server, fails = sys.argv

async def main():
    consumer = AIOKafkaConsumer('numbers', bootstrap_servers=server, group_id='aiokafka', auto_offset_reset='earliest')
    await consumer.start()
    count = 0
    try:
        while True:
            record = await asyncio.wait_for(consumer.getone(), 20)
            print(record.value.decode(), flush=True)
            count += 1
            if count == 3 and fails == 'fails' or record.value == b'11':
                return
    except asyncio.TimeoutError:
        pass
    finally:
        await consumer.stop()

asyncio.run(main())
PY
cat >Consumer.java <<'JAVA'
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.serialization.StringDeserializer;

public class Consumer {
    public static void main(String[] arguments) {
        Map<String, Object> settings = Map.of("bootstrap.servers", arguments[0], "group.id", "java", "auto.offset.reset", "earliest");
        var consumer = new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer());
        consumer.subscribe(List.of("numbers"));
        int count = 0;
        try {
            // The first call may come back without a record: the group is not formed yet.
            for (int empty = 0; empty < 4; ) {
                var records = consumer.poll(Duration.ofSeconds(5));
                if (records.isEmpty()) empty++;
                for (var record : records) {
                    System.out.println(record.value());
                    if (++count == 3 && arguments[1].equals("fails")) throw new IllegalStateException();
                    if (record.value().equals("11")) return;
                }
            }
        } catch (IllegalStateException expected) {
        } finally {
            consumer.close();
        }
    }
}
JAVA
consume() { # CLIENT fails|not
  case $1 in
    java) java -cp 'lib/*' Consumer.java "127.0.0.1:$PORT" "$2" 2>client.log | xargs ;;
    *) v/bin/python "$1.py" "127.0.0.1:$PORT" "$2" 2>client.log | xargs ;;
  esac
}
wrong=0
expect() { # WHAT EXPECTED FOUND
  echo "$1: $3"
  [ "$2" = "$3" ] || { echo "  changed: expected $2"; wrong=1; }
}
clients=("kafka_python/kafka-python $KAFKA_PYTHON/4 5 6 7 8 9 10 11" "confluent/confluent-kafka $CONFLUENT/4 5 6 7 8 9 10 11"
  "aio/aiokafka $AIOKAFKA/4 5 6 7 8 9 10 11" "java/Java $KAFKA/11")
produce {1..10}
for client in "${clients[@]}"; do
  IFS=/ read -r program name _ <<<"$client"
  expect "$name, which fails at its third record of ten" '1 2 3' "$(consume "$program" fails)"
done
# What is written now shows that a client that hands out nothing else does read.
produce 11
for client in "${clients[@]}"; do
  IFS=/ read -r program name again <<<"$client"
  expect "$name, started again when there is an eleventh" "$again" "$(consume "$program" not)"
done
exit $wrong
