#!/bin/sh
# Many small archives in batches, beside a `pachctl put file` each, into the same `serve` over gRPC.
#
#   benches/batches-beside-pachctl.sh SPOUTCTL [PACHCTL] [ARCHIVES]
#
# Both sides get the same archives of one file of 1 KiB and wait for the finished commits. pachctl is given a tenth of them, and
# its time is told for one archive, since it takes as long for each. Without pachctl it says so and measures nothing.
set -eu
spoutctl=${1:?SPOUTCTL [PACHCTL] [ARCHIVES]} pachctl=${2:-pachctl} archives=${3:-10000}
command -v "$pachctl" >/dev/null || {
    echo "skipped: $pachctl is not here" >&2
    exit 0
}
work=$(mktemp -d)
trap 'kill "$server" 2>/dev/null || true; rm -rf "$work"' EXIT
server=
"$spoutctl" serve "$work/store" --listen 127.0.0.1:0 >"$work/said" 2>&1 &
server=$!
until address=$(grep -o '127\.0\.0\.1:[0-9][0-9]*' "$work/said" | head -n 1) && [ -n "$address" ]; do sleep 0.1; done
export PACH_CONFIG="$work/config.json"
printf '{"user_id":"bench","v2":{"active_context":"b","contexts":{"b":{"pachd_address":"grpc://%s"}},"metrics":false}}' \
    "$address" >"$PACH_CONFIG"
mkdir "$work/in"
n=0
while [ "$n" -lt "$archives" ]; do
    head -c 1024 /dev/urandom >"$work/in/f$n"
    tar -C "$work/in" -cf "$work/in/$n.tar" "f$n"
    rm "$work/in/f$n"
    n=$((n + 1))
done
now() { date +%s.%N; }

begun=$(now)
find "$work/in" -name '*.tar' -exec cat {} + |
    "$spoutctl" put batched --create-repo --batch-count 1000 --pachd "grpc://$address" -q >"$work/commits"
ours=$(now)
"$pachctl" create repo each >/dev/null
some=$((archives / 10 > 0 ? archives / 10 : 1))
between=$(now)
n=0
while [ "$n" -lt "$some" ]; do
    "$pachctl" put file --untar each@master:/ -f "$work/in/$n.tar" >/dev/null 2>&1
    n=$((n + 1))
done
"$pachctl" wait commit each@master >/dev/null
ended=$(now)
awk -v a="$begun" -v b="$ours" -v c="$between" -v d="$ended" -v all="$archives" -v some="$some" -v commits="$(wc -l <"$work/commits")" \
    'BEGIN { ours = (b - a) / all * 1000; theirs = (d - c) / some * 1000
             printf "%d archives in %d commits: %.3f ms each beside %.1f ms each (%.5f)\n", all, commits, ours, theirs, ours / theirs }'
