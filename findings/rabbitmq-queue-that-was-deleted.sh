#!/usr/bin/env bash
# One would guess: when RabbitMQ tells a consumer that it is one no more (`basic.cancel`: its queue was deleted), its client
# raises an error, or consumes anew once the queue is there again, as after a connection that broke.
# What happens: pika 1.4.4 (`start_consuming`, and `for … in channel.consume(…)`) and Go's amqp091-go v1.16.0 (`for … := range deliveries`) end as if there was
# nothing more to do: no exception, no error, the connection is open, and the program exits with 0. Java's amqp-client 5.37.1 (`DefaultConsumer`) says nothing at all,
# and aio-pika 10.2.1 with `connect` logs a warning: both stay connected and never get a message again, also when the queue is back. npm's
# amqplib 2.3.1 calls the listener once more, with null for a message. aio-pika with `connect_robust` and npm's rabbitmq-client 5.0.8 consume anew.
# Who meets it: consumers of queues that a deployment deletes and declares anew, since its arguments changed. Messages pile up, and the consumer looks
# well, or like one that has finished. What helps: end with an error behind the loop, and in Java in `handleCancel`.
set -euo pipefail
RABBITMQ=3.10.8-1.1+deb12u1 ERLANG=1:25.2.3+dfsg-1+deb12u4
PIKA=1.4.4 AIO_PIKA=10.2.1 AMQPLIB=2.3.1 RABBITMQ_CLIENT=5.0.8 AMQP_CLIENT=5.37.1 SLF4J=1.7.36 AMQP091=v1.16.0
dir=$(mktemp -d)
trap 'kill "${consumer:-}" "${server:-}" "${epmd:-}" 2>/dev/null || true; wait 2>/dev/null || true; chmod -R u+w "$dir"; rm -rf "$dir"' EXIT
cd "$dir"
packages=("rabbitmq-server=$RABBITMQ" libsctp1=1.0.19+dfsg-2)
for part in base asn1 crypto eldap inets mnesia os-mon parsetools public-key runtime-tools ssl syntax-tools tools xmerl; do
  packages+=("erlang-$part=$ERLANG")
done
apt-get -qq download "${packages[@]}" 2>apt.log || { cat apt.log; exit 2; }
for package in *.deb; do dpkg -x "$package" root; done
sed -i "s|/usr/lib/erlang|$dir/root/usr/lib/erlang|" root/usr/lib/erlang/bin/erl
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check "pika==$PIKA" "aio-pika==$AIO_PIKA"
npm init -y >/dev/null
npm install --silent "amqplib@$AMQPLIB" "rabbitmq-client@$RABBITMQ_CLIENT"
for jar in "com.rabbitmq:amqp-client:$AMQP_CLIENT" "org.slf4j:slf4j-api:$SLF4J"; do
  mvn -q -B org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy "-Dartifact=$jar" -DoutputDirectory="$dir/jars" >mvn.log 2>&1 || { cat mvn.log; exit 2; }
done

free_port() { python3 -c 'import socket; print(socket.create_server(("127.0.0.1", 0)).getsockname()[1])'; }
erts=$(echo "$dir"/root/usr/lib/erlang/erts-*/bin)
export ERL_EPMD_ADDRESS=127.0.0.1 ERL_CRASH_DUMP_SECONDS=0
# Where nodes of Erlang find each other; a port may be taken again before it has it.
until [ -n "${epmd:-}" ] && "$erts/epmd" -names >/dev/null 2>&1; do
  if ! kill -0 "${epmd:-}" 2>/dev/null; then
    ERL_EPMD_PORT=$(free_port)
    export ERL_EPMD_PORT
    "$erts/epmd" >epmd.log 2>&1 &
    epmd=$!
  fi
  sleep 0.2
done
port=$(free_port)
libraries=$(dirname "$(find "$dir/root" -name 'libsctp.so.1')")
mkdir home
HOME=$dir/home PATH=$dir/root/usr/lib/erlang/bin:$erts:$PATH LD_LIBRARY_PATH=$libraries RUNNING_UNDER_SYSTEMD=true \
  RABBITMQ_NODENAME=one@localhost RABBITMQ_NODE_IP_ADDRESS=127.0.0.1 RABBITMQ_NODE_PORT=$port RABBITMQ_DIST_PORT=$(free_port) RABBITMQ_LOGS=- \
  RABBITMQ_CONF_ENV_FILE=$dir/none RABBITMQ_CONFIG_FILE=$dir/none RABBITMQ_ENABLED_PLUGINS_FILE=$dir/none RABBITMQ_MNESIA_BASE=$dir/data \
  "$(echo "$dir"/root/usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin)/rabbitmq-server" >server.log 2>&1 &
server=$!
until grep -qs "Server startup complete" server.log; do
  kill -0 "$server" 2>/dev/null || { cat server.log; exit 2; }
  sleep 0.2
done

cat >do.py <<'PY'
import sys
import pika
with pika.BlockingConnection(pika.ConnectionParameters('127.0.0.1', int(sys.argv[1]))) as connection:
    channel = connection.channel()
    for command in sys.argv[2:]:
        if command == 'delete':
            channel.queue_delete('orders')
        elif command == 'declare':
            channel.queue_declare('orders', durable=True)
        else:
            channel.basic_publish('', 'orders', command.encode())
PY
cat >pika_reads.py <<'PY'
import sys
import pika
channel = pika.BlockingConnection(pika.ConnectionParameters('127.0.0.1', int(sys.argv[2]))).channel()

def take(channel, method, properties, body):
    print(body.decode(), flush=True)
    channel.basic_ack(method.delivery_tag)

if sys.argv[1] == 'start_consuming':
    channel.basic_consume('orders', take)
    channel.start_consuming()
else:
    for method, properties, body in channel.consume('orders'):
        take(channel, method, properties, body)
PY
cat >aio.py <<'PY'
import asyncio
import sys
import aio_pika

async def main():
    connection = await getattr(aio_pika, sys.argv[1])(host='127.0.0.1', port=int(sys.argv[2]))
    queue = await (await connection.channel()).get_queue('orders')
    async with queue.iterator() as messages:
        async for message in messages:
            print(message.body.decode(), flush=True)
            await message.ack()

asyncio.run(main())
PY
cat >amqplib.mjs <<'JS'
import amqp from 'amqplib'
const channel = await (await amqp.connect(`amqp://127.0.0.1:${process.argv[2]}`)).createChannel()
await channel.consume('orders', message => {
  console.log(message === null ? 'null' : message.content.toString())
  if (message !== null) channel.ack(message)
})
JS
cat >client.mjs <<'JS'
import { Connection } from 'rabbitmq-client'
const connection = new Connection(`amqp://guest:guest@127.0.0.1:${process.argv[2]}`)
const consumer = connection.createConsumer({ queue: 'orders', queueOptions: { durable: true } }, async message => console.log(String(message.body)))
consumer.on('error', () => {})
JS
cat >Read.java <<'JAVA'
import com.rabbitmq.client.*;

public class Read {
    public static void main(String[] arguments) throws Exception {
        var factory = new ConnectionFactory();
        factory.setHost("127.0.0.1");
        factory.setPort(Integer.parseInt(arguments[0]));
        var channel = factory.newConnection().createChannel();
        channel.addShutdownListener(cause -> System.out.println("shut down"));
        channel.basicConsume("orders", true, new DefaultConsumer(channel) {
            @Override
            public void handleDelivery(String tag, Envelope envelope, AMQP.BasicProperties properties, byte[] body) {
                System.out.println(new String(body));
            }
        });
    }
}
JAVA
javac -cp 'jars/*' Read.java
mkdir go
cat >go/main.go <<'GO'
package main

import (
	"fmt"
	"os"

	amqp "github.com/rabbitmq/amqp091-go"
)

func main() {
	connection, err := amqp.Dial("amqp://127.0.0.1:" + os.Args[1])
	if err != nil {
		panic(err)
	}
	channel, err := connection.Channel()
	if err != nil {
		panic(err)
	}
	deliveries, err := channel.Consume("orders", "", true, false, false, false, nil)
	if err != nil {
		panic(err)
	}
	for delivery := range deliveries {
		fmt.Println(string(delivery.Body))
	}
	if connection.IsClosed() || channel.IsClosed() {
		panic("closed")
	}
}
GO
(cd go && go mod init example && go get "github.com/rabbitmq/amqp091-go@$AMQP091" && go build -o ../go-read .) >go.log 2>&1 || { cat go.log; exit 2; }
wrong=0
expect() { # NAME EXPECTED COMMAND…
  local found status=0 tries=600
  # Who would still do something has a minute for it; who is expected to stand still, ten seconds.
  case $2 in "first, stays" | "first null, stays") tries=100 ;; esac
  python/bin/python do.py "$port" declare first
  : >out
  "${@:3}" "$port" >out 2>error.log &
  consumer=$!
  until grep -q first out; do kill -0 "$consumer" 2>/dev/null || { cat error.log; exit 2; }; sleep 0.1; done
  python/bin/python do.py "$port" delete
  # Who declares the queue again by itself does it as here.
  python/bin/python do.py "$port" declare second
  while kill -0 "$consumer" 2>/dev/null && ! grep -q second out && [ "$((tries -= 1))" -gt 0 ]; do sleep 0.1; done
  if kill -0 "$consumer" 2>/dev/null; then
    found="$(xargs <out), stays"
    kill "$consumer"
    wait "$consumer" 2>/dev/null || true
  else
    wait "$consumer" || status=$?
    found="$(xargs <out), exit $status, $(wc -c <error.log) bytes of errors"
  fi
  consumer=
  python/bin/python do.py "$port" delete
  echo "$1: $found"
  [ "$found" = "$2" ] || { echo "  changed: expected $2"; wrong=1; }
}
echo "a queue of RabbitMQ $RABBITMQ with the message 'first' is deleted, and declared again with 'second'"
expect "pika $PIKA, start_consuming" 'first, exit 0, 0 bytes of errors' python/bin/python pika_reads.py start_consuming
expect "pika $PIKA, consume" 'first, exit 0, 0 bytes of errors' python/bin/python pika_reads.py consume
expect "amqp091-go $AMQP091" 'first, exit 0, 0 bytes of errors' ./go-read
expect "amqp-client $AMQP_CLIENT" 'first, stays' java -cp 'jars/*:.' Read
expect "aio-pika $AIO_PIKA, connect" 'first, stays' python/bin/python aio.py connect
expect "amqplib $AMQPLIB" 'first null, stays' node amqplib.mjs
expect "aio-pika $AIO_PIKA, connect_robust" 'first second, stays' python/bin/python aio.py connect_robust
expect "rabbitmq-client $RABBITMQ_CLIENT" 'first second, stays' node client.mjs
exit $wrong
