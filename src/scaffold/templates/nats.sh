# The address and the credentials are taken from NATS_URL, NATS_CREDS, NATS_USER, NATS_PASSWORD by nats itself.
exec nats sub --raw --queue "$NATS_QUEUE" "$NATS_SUBJECT"
