if [ -n "${MQTT_USERNAME:-}" ]; then
    # In a file, because everybody on the node can read a command line.
    export XDG_CONFIG_HOME="${TMPDIR:-/tmp}/spout"
    (
        umask 077
        mkdir -p "$XDG_CONFIG_HOME"
        printf -- '-u %s\n-P %s\n' "$MQTT_USERNAME" "${MQTT_PASSWORD:-}" >"$XDG_CONFIG_HOME/mosquitto_sub"
    )
fi

# With -c, a fixed -i and -q 1 the broker keeps what comes while nobody listens.
exec mosquitto_sub -h "$MQTT_HOST" -p "$MQTT_BROKER_PORT" -i "$MQTT_CLIENT_ID" -c -q 1 \
    -t "$MQTT_TOPIC" -F '%j'
