# Put here what reads your source for ever. Each line that it prints becomes a message.
while true; do
    printf '{"time":"%s"}\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)"
    sleep "$SPOUT_EVERY"
done
