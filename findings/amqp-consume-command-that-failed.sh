#!/usr/bin/env bash
# One would guess: `amqp-consume -q orders COMMAND`, which runs a command for each message of RabbitMQ and acknowledges it when the command ended well, gives back a message whose command
# failed, so that it comes again, here or to another consumer; or it ends, with the command's failure.
# What happens: 0.11.0 does neither. The message stays with it, neither acknowledged (its manual has this) nor given back, for as long as its connection lasts: nobody else gets it. With
# `-p 1` (one message at a time) nothing comes any more at all behind the first failure. With `-c 3` its exit code is 0 when one of three commands failed. There is no
# word of it. `amqp-publish` beside it has exit code 0 for a queue that does not exist, and the message is gone.
# Who meets it: whoever makes a consumer of a shell script. A message whose command failed once comes again when the connection ends. What helps: a
# command that tries again by itself.
set -euo pipefail
RABBITMQ=3.10.8-1.1+deb12u1 ERLANG=1:25.2.3+dfsg-1+deb12u4 AMQP_TOOLS=0.11.0-1+deb12u3
dir=$(mktemp -d)
trap 'kill "${consumer:-}" "${server:-}" "${epmd:-}" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$dir"' EXIT
cd "$dir"
packages=("rabbitmq-server=$RABBITMQ" libsctp1=1.0.19+dfsg-2 "amqp-tools=$AMQP_TOOLS" "librabbitmq4=$AMQP_TOOLS" libpopt0=1.19+dfsg-1)
for part in base asn1 crypto eldap inets mnesia os-mon parsetools public-key runtime-tools ssl syntax-tools tools xmerl; do
  packages+=("erlang-$part=$ERLANG")
done
apt-get -qq download "${packages[@]}" 2>apt.log || { cat apt.log; exit 2; }
for package in *.deb; do dpkg -x "$package" root; done
sed -i "s|/usr/lib/erlang|$dir/root/usr/lib/erlang|" root/usr/lib/erlang/bin/erl

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

export LD_LIBRARY_PATH=$libraries
amqp() { "root/usr/bin/amqp-$1" "--url=amqp://guest:guest@127.0.0.1:$port" "${@:2}"; }
get() { amqp get -q orders || echo "nothing (exit $?)"; }
cat >command.sh <<'SH'
#!/bin/sh
message=$(cat)
echo "$message" >>handled
[ "$message" != 1 ]
SH
chmod +x command.sh
consume() { # OPTIONS…: in the background, until its first message was handled
  rm -f handled
  "root/usr/bin/amqp-consume" "--url=amqp://guest:guest@127.0.0.1:$port" -q orders "$@" ./command.sh >consume.log 2>&1 &
  consumer=$!
  until [ -s handled ]; do kill -0 "$consumer"; sleep 0.1; done
}
publish() {
  local message
  for message; do amqp publish -r orders -b "$message"; done
}
amqp declare-queue -q orders >/dev/null
{
  publish 1 2 3
  consume -c 3
  status=0
  wait "$consumer" || status=$?
  echo "with -c 3: handled $(xargs <handled), exit $status, said '$(cat consume.log)'; then the queue has $(get)"
  publish 1 2
  consume
  until [ "$(wc -l <handled)" = 2 ]; do sleep 0.1; done
  sleep 10
  echo "10 s later: handled $(xargs <handled); beside it the queue has $(get)"
  kill "$consumer"
  wait "$consumer" 2>/dev/null || true
  echo "when it was killed the queue has $(get)"
  publish 1 2
  consume -p 1
  sleep 10
  echo "with -p 1, 10 s later: handled $(xargs <handled)"
  kill -0 "$consumer"
  kill "$consumer"
  wait "$consumer" 2>/dev/null || true
  status=0
  amqp publish -r ordres -b 4 || status=$?
  echo "amqp-publish to a queue that does not exist: exit $status"
} | tee seen
cat >expected <<'TEXT'
with -c 3: handled 1 2 3, exit 0, said ''; then the queue has 1
10 s later: handled 1 2; beside it the queue has nothing (exit 2)
when it was killed the queue has 1
with -p 1, 10 s later: handled 1
amqp-publish to a queue that does not exist: exit 0
TEXT
cmp -s seen expected || { echo 'changed: expected'; cat expected; exit 1; }
