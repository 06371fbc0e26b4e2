#!/bin/sh
# Puts the same archives into the same pachd, in turns, with two programs, and prints what each took and the ratios.
#
#   benches/beside-pachctl.sh SPOUTCTL PACHCTL [ROUNDS]
#
# PACHD_ADDRESS names the pachd, grpc://HOST:PORT. New random bytes for every run, because pachd stores equal chunks once.
# Making the repo and waiting for the finished commit are part of each run. Needs GNU time (TIME names it) and GNU tar.
set -eu
spoutctl=${1:?SPOUTCTL PACHCTL [ROUNDS]} pachctl=${2:?PACHCTL} rounds=${3:-3}
: "${PACHD_ADDRESS:?grpc://HOST:PORT of a pachd}"
time=${TIME:-/usr/bin/time}
work=$(mktemp -d)
repo=bench-$$
export PACH_CONFIG="$work/config.json"
printf '{"user_id":"bench","v2":{"active_context":"b","contexts":{"b":{"pachd_address":"%s"}},"metrics":false}}' \
    "$PACHD_ADDRESS" >"$PACH_CONFIG"
gone() { "$pachctl" delete repo "$repo" --force >/dev/null 2>&1 || true; }
trap 'gone; rm -rf "$work"' EXIT

large() { head -c "${MIB:-256}M" /dev/urandom >"$work/in/large"; }
small() { (cd "$work/in" && head -c "${FILES:-10000}K" /dev/urandom | split -b 1K -a 5 - f); }
# One program, one archive: wall and CPU seconds of all its processes, and KiB of the largest.
measured() {
    rm -rf "$work/in" && mkdir "$work/in" && "$2"
    # Names without `./`, which pachctl passes on and pachd refuses.
    (cd "$work/in" && ls | tar -cf "$work/in.tar" -T -)
    gone
    case $1 in
    spoutctl) "$time" -f '%e %U %S %M' -o "$work/t" "$spoutctl" put -q "$repo" --create-repo --pachd "$PACHD_ADDRESS" \
        "$work/in.tar" >/dev/null ;;
    pachctl) "$time" -f '%e %U %S %M' -o "$work/t" sh -c \
        '"$0" create repo "$1" && "$0" put file --untar "$1@master:/" -f "$2" && "$0" wait commit "$1@master"' \
        "$pachctl" "$repo" "$work/in.tar" >/dev/null 2>"$work/err" || { cat "$work/err" >&2; exit 1; } ;;
    esac
    awk -v who="$1" -v what="$2" '{ print what, who, $1, $2 + $3, $4 }' "$work/t" >>"$work/all"
}

round=0
while [ "$round" -lt "$rounds" ]; do
    for what in large small; do
        measured pachctl "$what"
        measured spoutctl "$what"
    done
    round=$((round + 1))
done
awk '
    { k = $1 " " $2
      if (!(k in wall) || $3 < wall[k]) wall[k] = $3
      if (!(k in cpu) || $4 < cpu[k]) cpu[k] = $4
      if (!(k in mem) || $5 < mem[k]) mem[k] = $5 }
    END {
        for (i = split("large small", what); i > 0; i--) {
            s = what[i] " spoutctl"; p = what[i] " pachctl"
            printf "%s: wall %.2f s beside %.2f s (%.2f), CPU %.2f s beside %.2f s (%.2f), memory %.0f MB beside %.0f MB (%.2f)\n", \
                what[i], wall[s], wall[p], wall[s] / wall[p], cpu[s], cpu[p], cpu[s] / cpu[p], \
                mem[s] / 1024, mem[p] / 1024, mem[s] / mem[p]
        }
    }' "$work/all"
