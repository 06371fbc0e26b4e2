work=$(mktemp -d)

cat >"$work/receive" <<'END'
#!/bin/bash
# A request: its body, which has to be JSON, becomes one line. The answer is 200 when it is written, and 500 when not.
set -euo pipefail
[ -s "$BODY" ]
jq empty "$BODY"
exec 9>"$0.lock"
flock 9
# A line end in JSON is white space between two values: within a string it is written as \n.
{
    tr -d '\r\n' <"$BODY"
    echo
} >"$MESSAGES"
END
chmod +x "$work/receive"

cat >"$work/hooks.json" <<END
[
  {
    "id": "messages",
    "execute-command": "$work/receive",
    "http-methods": ["POST"],
    "include-command-output-in-response": true,
    "pass-file-to-command": [{"source": "raw-request-body", "envname": "BODY"}],
    "trigger-rule": {
      "match": {
        "type": "payload-hmac-sha256",
        "secret": "{{ getenv "WEBHOOK_SECRET" | js }}",
        "parameter": {"source": "header", "name": "X-Hub-Signature-256"}
      }
    },
    "trigger-rule-mismatch-http-response-code": 403
  }
]
END

# What the program answers with is not the stream of messages, so each request writes to that itself.
export MESSAGES="/proc/$$/fd/1"
exec webhook -template -hooks "$work/hooks.json" -port "$WEBHOOK_LISTEN"
