# Each line has its key, and the lines of a commit are one file: its last line says where to go on, and can never
# disagree with the data.
repo="${PPS_PROJECT_NAME:-default}/${PPS_PIPELINE_NAME}__BRANCH__"
newest=$(mktemp)
# Of the commits that put has made the newest one: pachd puts commits of its own behind it, and those of 2.6 and 2.7 are empty.
commit=$(
    spoutctl tail "$repo" -e -n 20 --ok-only --format '{id}' \
        --stream "${PPS_PROJECT_NAME:-default}/$PPS_PIPELINE_NAME" | tail -n 1
) || [ "$?" -eq 1 ] # 1: there is none yet
[ -z "$commit" ] || spoutctl get "${repo%@*}@$commit:/messages.jsonl" >"$newest"
last=$(tail -n 1 "$newest" | jq -r .key)
rm "$newest"
last=${last:-$SPOUT_AFTER}

while true; do
    rows=$(
        psql -XAtq -v ON_ERROR_STOP=1 -v table="$SPOUT_TABLE" -v key="$SPOUT_KEY" -v last="$last" <<'SQL'
SELECT jsonb_build_object('key', r.:"key"::text, 'row', to_jsonb(r))
  FROM (SELECT * FROM :table WHERE :"key" > :'last' ORDER BY :"key" LIMIT 10000) AS r
 ORDER BY r.:"key";
SQL
    )
    if [ -n "$rows" ]; then
        printf '%s\n' "$rows"
        last=$(tail -n 1 <<<"$rows" | jq -r .key)
    else
        sleep "$SPOUT_EVERY"
    fi
done
