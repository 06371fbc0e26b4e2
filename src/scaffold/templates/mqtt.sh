login=()
[ -z "${MQTT_USERNAME:-}" ] || login=(-u "$MQTT_USERNAME" -P "${MQTT_PASSWORD:-}")

# With -c, a fixed -i and -q 1 the broker keeps what comes while nobody listens.
exec mosquitto_sub "${login[@]}" -h "$MQTT_HOST" -p "$MQTT_BROKER_PORT" -i "$MQTT_CLIENT_ID" -c -q 1 \
    -t "$MQTT_TOPIC" -F '%j'
