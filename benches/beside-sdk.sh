#!/bin/sh
# Puts 1,000 files of 1 KiB into one commit of the same pachd, in turns, with spoutctl and with the Python SDK, and prints what each
# took and the ratio.
#
#   benches/beside-sdk.sh SPOUTCTL PYTHON [ROUNDS]
#
# PACHD_ADDRESS names the pachd, grpc://HOST:PORT. PYTHON has pachyderm-sdk. New random bytes for every run, because pachd stores
# equal chunks once. Making the repo and waiting for the finished commit are part of each run; starting Python is not.
set -eu
spoutctl=${1:?SPOUTCTL PYTHON [ROUNDS]} python=${2:?PYTHON} rounds=${3:-3}
: "${PACHD_ADDRESS:?grpc://HOST:PORT of a pachd}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
here=$(dirname "$0")

round=0
while [ "$round" -lt "$rounds" ]; do
    "$python" "$here/beside-sdk.py" "$spoutctl" "$PACHD_ADDRESS" "$work" "$$-$round"
    round=$((round + 1))
done | awk '
    { for (i = 1; i <= 2; i++) if (NR == 1 || $i < best[i]) best[i] = $i }
    END { printf "1,000 files of 1 KiB: spoutctl %.2f s beside %.2f s of the SDK (%.3f)\n", best[1], best[2], best[1] / best[2] }'
