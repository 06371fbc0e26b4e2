#!/usr/bin/env bash
# One would guess: a receiver of webhooks that runs a command for each request, `webhook` of adnanh, answers 200 when the command ended well and 5xx when it failed, so
# that the sender sends again; and refuses a body of `application/json` that is none.
# What happens: 2.8.0 answers 200 before it runs the command, whatever becomes of it. Of a body that ends in its middle it has no values: the command is run with
# empty arguments, and the answer is 200. Of two JSON values it takes the first alone. A request that the rules of the hook turn down is a 200, too.
# Who meets it: whoever puts webhooks into a repo or a queue by it: a command that fails once loses that event, and no sender sends it again. What helps:
# `include-command-output-in-response`, with which a failure is a 500; `trigger-rule-mismatch-http-response-code`; and the raw body (`raw-request-body`) for the command.
set -euo pipefail
WEBHOOK=2.8.0-4+b6
dir=$(mktemp -d)
trap 'kill "${server:-}" 2>/dev/null || true; rm -rf "$dir"' EXIT
cd "$dir"
apt-get -qq download "webhook=$WEBHOOK" 2>apt.log || { cat apt.log; exit 2; }
dpkg -x ./*.deb root
cat >command.sh <<'SH'
#!/bin/sh
echo "ran for '$1'" >>ran
exit 3
SH
chmod +x command.sh
cat >hooks.json <<JSON
[
  {
    "id": "orders", "execute-command": "$dir/command.sh", "command-working-directory": "$dir",
    "pass-arguments-to-command": [{ "source": "payload", "name": "id" }],
    "trigger-rule": { "not": { "match": { "type": "value", "value": "9", "parameter": { "source": "payload", "name": "id" } } } }
  },
  {
    "id": "waits", "execute-command": "$dir/command.sh", "command-working-directory": "$dir", "include-command-output-in-response": true,
    "pass-arguments-to-command": [{ "source": "payload", "name": "id" }]
  }
]
JSON
# It has no option for "any port": one that was free a moment ago, and another one when it is not any more.
until [ -n "${server:-}" ]; do
  port=$(python3 -c 'import socket; print(socket.create_server(("127.0.0.1", 0)).getsockname()[1])')
  root/usr/bin/webhook -hooks hooks.json -ip 127.0.0.1 -port "$port" >server.log 2>&1 &
  server=$!
  until curl -s -o /dev/null "http://127.0.0.1:$port/"; do
    sleep 0.1
    kill -0 "$server" 2>/dev/null && continue
    grep -q 'in use' server.log || { cat server.log; exit 2; }
    server=
    break
  done
done
wrong=0
seen() { # EXPECTED HOOK BODY
  local found
  rm -f ran
  found=$(curl -s -o /dev/null -w '%{http_code}' -H 'Content-Type: application/json' -d "$3" "http://127.0.0.1:$port/hooks/$2")
  # The command is run behind the answer, and has two seconds where none is expected.
  if [[ $1 = *ran* ]]; then for _ in $(seq 200); do [ -s ran ] && break; sleep 0.1; done; else sleep 2; fi
  found+=", $(cat ran 2>/dev/null || echo 'did not run')"
  echo "$2 $3: $found"
  [ "$found" = "$1" ] || { echo "  changed: expected $1"; wrong=1; }
}
echo "webhook $WEBHOOK, whose command fails:"
seen "200, ran for '7'" orders '{"id":7}'
seen "200, ran for ''" orders '{"id":7,"items":[1,'
seen "200, ran for '7'" orders '{"id":7}{"id":8}'
seen "200, did not run" orders '{"id":9}'
seen "500, ran for '7'" waits '{"id":7}'
exit $wrong
