#!/usr/bin/env bash
# One would guess: `redis-cli LPOP jobs` has an exit code other than 0 when the server answers with an error, and the error stands on standard error, as with curl, psql and every other
# client that scripts use: `job=$(redis-cli LPOP jobs) || exit` is enough.
# What happens: redis-cli 7.0.15 prints the text of the error to standard output, without its quotes and "(error)" as soon as that is no terminal, and exits with 0. Nothing tells it from a value: "NOAUTH
# Authentication required." is the job. `--csv` and `--json` write a line that begins with ERROR and error:, the latter is no JSON. With `-e` the error goes to standard error, and the exit code is 1. A list that
# is empty is an empty line and 0 in both.
# Who meets it: loops in a shell that hand on what they read, when the password was changed, while a server loads its file (LOADING), or a replica was made of it (READONLY): the sentence is what is
# stored, at each turn of the loop. What helps: `-e`.
set -euo pipefail
REDIS=5:7.0.15-1~deb12u10
dir=$(mktemp -d)
trap 'kill "${server:-}" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$dir"' EXIT
cd "$dir"
# The server's program is in redis-tools, under the name of redis-check-rdb.
apt-get -qq download "redis-tools=$REDIS" libjemalloc2=5.3.0-1 liblzf1=3.6-3 libatomic1=12.2.0-14+deb12u1 2>apt.log ||
  { cat apt.log; exit 2; }
for package in *.deb; do dpkg -x "$package" root; done
libraries=$(dirname "$(find root -name 'libjemalloc.so.2')")
ln -s root/usr/bin/redis-check-rdb redis-server
LD_LIBRARY_PATH=$libraries ./redis-server --unixsocket socket --port 0 --save '' --requirepass new >server.log 2>&1 &
server=$!
until [ -S socket ]; do
  kill -0 "$server" 2>/dev/null || { cat server.log; exit 2; }
  sleep 0.1
done
seen() { # PASSWORD ARGUMENTS
  local status=0
  LD_LIBRARY_PATH=$libraries REDISCLI_AUTH=$1 root/usr/bin/redis-cli -s socket "${@:2}" >out 2>error || status=$?
  echo "redis-cli ${*:2}: exit $status, output [$(cat out)], error [$(grep -v '^AUTH failed' error | tr -d '\n')]"
}
{
  echo 'without a password:'
  seen '' LPOP jobs
  echo 'with it, of a text:'
  seen new SET name Ada
  seen new LPOP name
  seen new --csv LPOP name
  seen new --json LPOP name
  seen new -e LPOP name
  echo 'of a list that is empty:'
  seen new -e LPOP jobs
} | tee seen
cat >expected <<'TEXT'
without a password:
redis-cli LPOP jobs: exit 0, output [NOAUTH Authentication required.], error []
with it, of a text:
redis-cli SET name Ada: exit 0, output [OK], error []
redis-cli LPOP name: exit 0, output [WRONGTYPE Operation against a key holding the wrong kind of value], error []
redis-cli --csv LPOP name: exit 0, output [ERROR,"WRONGTYPE Operation against a key holding the wrong kind of value"], error []
redis-cli --json LPOP name: exit 0, output [error:"WRONGTYPE Operation against a key holding the wrong kind of value"], error []
redis-cli -e LPOP name: exit 1, output [], error [WRONGTYPE Operation against a key holding the wrong kind of value]
of a list that is empty:
redis-cli -e LPOP jobs: exit 0, output [], error []
TEXT
cmp -s seen expected || { echo 'changed: expected'; cat expected; exit 1; }
