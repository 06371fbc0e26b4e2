# Each line has its entry's id, and the lines of a commit are one file: its last line says where to go on, and can never
# disagree with the data.
repo="${PPS_PROJECT_NAME:-default}/${PPS_PIPELINE_NAME}__BRANCH__"
newest=$(mktemp)
# Of the commits that put has made the newest one: pachd puts commits of its own behind it, and those of 2.6 and 2.7 are empty.
commit=$(
    spoutctl tail "$repo" -e -n 20 --ok-only --format '{id}' \
        --stream "${PPS_PROJECT_NAME:-default}/$PPS_PIPELINE_NAME" | tail -n 1
) || [ "$?" -eq 1 ] # 1: there is none yet
[ -z "$commit" ] || spoutctl get "${repo%@*}@$commit:/messages.jsonl" >"$newest"
last=$(tail -n 1 "$newest" | jq -r .id)
rm "$newest"
last=${last:-0}

while true; do
    # The password is taken from REDISCLI_AUTH by redis-cli itself. After five silent seconds the answer is null.
    answer=$(redis-cli -e -h "$REDIS_HOST" -p "$REDIS_SERVER_PORT" --json \
        XREAD COUNT 1000 BLOCK 5000 STREAMS "$REDIS_STREAM" "$last")
    entries=$(jq -c '.[]?[] | {id: .[0], fields: .[1]}' <<<"$answer")
    if [ -n "$entries" ]; then
        printf '%s\n' "$entries"
        last=$(tail -n 1 <<<"$entries" | jq -r .id)
    fi
done
