# Each line has its offset, and the lines of a commit are one file: its last line says where to go on, and can never
# disagree with the data.
repo="${PPS_PROJECT_NAME:-default}/${PPS_PIPELINE_NAME}__BRANCH__"
newest=$(mktemp)
# Of the commits that put has made the newest one: pachd puts commits of its own behind it, and those of 2.6 and 2.7 are empty.
commit=$(
    spoutctl tail "$repo" -e -n 20 --ok-only --format '{id}' \
        --stream "${PPS_PROJECT_NAME:-default}/$PPS_PIPELINE_NAME" | tail -n 1
) || [ "$?" -eq 1 ] # 1: there is none yet
[ -z "$commit" ] || spoutctl get "${repo%@*}@$commit:/messages.jsonl" >"$newest"
last=$(tail -n 1 "$newest" | jq .offset)
rm "$newest"
from=beginning
[ -z "$last" ] || from=$((last + 1))

# When the topic has thrown away what comes next, it goes on with the oldest message that is left, not with the newest.
exec kcat -C -q -u -J -X auto.offset.reset=earliest \
    -b "$KAFKA_BROKERS" -t "$KAFKA_TOPIC" -p "$KAFKA_PARTITION" -o "$from"
