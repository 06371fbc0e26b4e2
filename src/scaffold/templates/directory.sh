# Each file that is complete, closed after writing or moved in, becomes one archive, and so one commit.
repo="${PPS_PROJECT_NAME:-default}/${PPS_PIPELINE_NAME}__BRANCH__"
SPOUT_DIRECTORY=${SPOUT_DIRECTORY%/}

# A name as `put --escape-paths` writes it.
escaped() {
    local LC_ALL=C name=$1 out='' char
    while [ -n "$name" ]; do
        char=${name:0:1}
        name=${name:1}
        case $char in
            [*?[{}!\(\)@+^%] | ']' | [!\ -~]) printf -v char '%%%02X' "'$char" ;;
        esac
        out+=$char
    done
    printf '%s' "$out"
}

# What was sent, as it was then: it may not be committed yet when the next event tells of it.
declare -A sent=()

send() {
    case "${1##*/}" in .*) return 0 ;; esac # not complete yet, by custom
    [ -f "$SPOUT_DIRECTORY/$1" ] || return 0
    local state
    state=$(stat -c '%i %s %y' -- "$SPOUT_DIRECTORY/$1" 2>/dev/null) || return 0 # gone meanwhile
    [ "${sent["$1"]:-}" != "$state" ] || return 0
    # What the repo has already, byte for byte, is not sent again.
    local codes=(0 0)
    spoutctl get --quiet "$repo:/$(escaped "$1")" 2>/dev/null | cmp -s - "$SPOUT_DIRECTORY/$1" || codes=("${PIPESTATUS[@]}")
    [ "${codes[*]}" != "0 0" ] || return 0
    # 1: it has no such file; 2: a directory is in its place, and `put` will say so. Whenever it cannot be asked, this
    # begins again, so that nothing is sent twice.
    if [ "${codes[0]}" -gt 2 ]; then
        echo "cannot tell whether $repo has $1: spoutctl get has ended with ${codes[0]}" >&2
        exit "${codes[0]}"
    fi
    # 1: it was written to meanwhile, so it will be sent again.
    tar cf - -C "$SPOUT_DIRECTORY" -- "$1" || [ "$?" -eq 1 ]
    sent["$1"]=$state
}

send_all_below() {
    while IFS= read -r path; do
        send "${path#"$SPOUT_DIRECTORY"/}"
    done < <(find "$1" -type f | sort)
}

mkdir -p "$SPOUT_DIRECTORY"
# Watching begins first, so that nothing is missed between the files that are there and those that come.
exec 3< <(exec inotifywait -m -r -e close_write -e moved_to -e delete_self -e move_self -e unmount \
    --format '%w%f' "$SPOUT_DIRECTORY" 2>&1)
watcher=$!
trap 'kill "$watcher" 2>/dev/null || true' EXIT
while IFS= read -r line <&3; do
    [ "$line" != "Watches established." ] || break
done
send_all_below "$SPOUT_DIRECTORY"
# When the kernel's queue of events is full it drops those that follow, and inotifywait does not say so. Not all events
# are printed: the making of a file fills the queue as well. So behind that many lines all is looked at again, as soon as
# it is quiet, or after a minute when it never is.
many=$(($(cat /proc/sys/fs/inotify/max_queued_events) / 4))
lines=0
begun=
while true; do
    # At the end of the time it has the beginning of a line, if any.
    if IFS= read -r -t 1 rest <&3; then
        path=$begun$rest
        begun=
        # About the directory itself: it is gone, and inotifywait would wait for ever.
        [ "$path" != "$SPOUT_DIRECTORY/" ] || exit 1
        if [ -d "$path" ]; then send_all_below "$path"; else send "${path#"$SPOUT_DIRECTORY"/}"; fi
        [ "$lines" -gt 0 ] || since=$SECONDS
        lines=$((lines + 1))
        if [ "$lines" -lt "$many" ] || [ "$((SECONDS - since))" -lt 60 ]; then continue; fi
    elif [ "$?" -le 128 ]; then
        exit 1 # nobody watches any more
    else
        begun=$begun$rest
    fi
    if [ "$lines" -ge "$many" ]; then send_all_below "$SPOUT_DIRECTORY"; fi
    # As many as are kept in memory; by then the older ones are committed, and the repo is asked.
    if [ "$lines" -eq 0 ] && [ "${#sent[@]}" -gt 10000 ]; then sent=(); fi
    lines=0
done
