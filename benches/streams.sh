#!/usr/bin/env bash
# What `spoutctl run` takes for many streams at work: memory, threads and descriptors of the one process.
#
#   benches/streams.sh [SPOUTCTL [STREAMS]]     target/release/spoutctl and 200 without
#
# Each stream is a command that prints a line every second, which becomes a commit of its own repo on `spoutctl serve`.
# The figures are taken SECONDS_AFTER (20) seconds after every stream has committed. Linux, with jq and ss.
set -euo pipefail
spoutctl=$(realpath "${1:-target/release/spoutctl}")
streams=${2:-200}
directory=$(mktemp -d)
cd "$directory"
trap 'kill $(jobs -p) 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$directory"' EXIT
"$spoutctl" serve ./store --listen 127.0.0.1:0 >addresses 2>serve.log &
server=$!
until [ "$(wc -l <addresses)" -ge 2 ]; do
  kill -0 "$server" 2>/dev/null || { cat serve.log >&2; exit 1; }
  sleep 0.1
done
PACHD_ADDRESS=$(grep '^grpc:' addresses)
export PACHD_ADDRESS
{
  printf '[defaults]\ncreate-repo = true\nmessages = "lines"\ninto = "log"\nappend = true\nbatch = "adaptive"\n'
  printf 'command = ["sh", "-c", "while echo line; do sleep 1; done"]\n'
  for ((n = 0; n < streams; n++)); do printf '[streams.s%d]\ndestination = "r%d"\n' "$n" "$n"; done
} >streams.toml
"$spoutctl" run streams.toml --json >said 2>errors &
run=$!
figures() { awk '/^(VmHWM|VmRSS|RssAnon|Threads):/ { printf "%s %s  ", $1, $2 } END { print "" }' "/proc/$run/status"; }
# Every stream has committed, and goes on.
until [ "$(jq -r 'select(.type == "commit") | .stream' said | sort -u | wc -l)" -ge "$streams" ]; do
  kill -0 "$run" 2>/dev/null || { cat errors >&2; exit 1; }
  sleep 1
done
sleep "${SECONDS_AFTER:-20}"
printf '%s streams (kB): ' "$streams"
figures
printf 'descriptors: %s, connections: %s, commits: %s, errors: %s\n' "$(find "/proc/$run/fd" | wc -l)" \
  "$(ss -tnp state established 2>/dev/null | grep -c "pid=$run," || true)" "$(jq -r 'select(.type == "commit") | 1' said | wc -l)" "$(wc -l <errors)"
kill -TERM "$run"
wait "$run" || printf 'drained, exit code %s\n' "$?"
