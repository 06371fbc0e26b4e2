#!/usr/bin/env bash
# One would guess: `mosquitto_sub -F %j` writes a message as a line of JSON with its whole payload, in which a NUL is \u0000; or it
# refuses what JSON has no text for, as `%J` does.
# What happens: in 2.0.11 the payload ends at its first NUL, and a byte that is no UTF-8 stands in the line as it is, so that the line is no
# JSON for strict readers. `payloadlen` has the true length; nothing else tells. `%p` and `%x` have all bytes.
# Who meets it: whoever reads topics of devices line by line: Modbus registers, CBOR, Sparkplug and packed counters all have NULs. What
# begins with one is an empty text.
set -euo pipefail
MOSQUITTO=2.0.11-1.2+deb12u2 CJSON=1.7.15-1+deb12u4 AEDES=0.51.3
dir=$(mktemp -d)
trap 'kill "${broker:-}" 2>/dev/null || true; rm -rf "$dir"' EXIT
cd "$dir"
apt-get -qq download "mosquitto-clients=$MOSQUITTO" "libmosquitto1=$MOSQUITTO" "libcjson1=$CJSON" 2>apt.log || { cat apt.log; exit 2; }
for package in *.deb; do dpkg -x "$package" root; done
libraries=$(dirname "$(find root -name 'libmosquitto.so.1')")
npm init -y >/dev/null
npm install --silent "aedes@$AEDES"
cat >broker.js <<'JS'
const broker = require('aedes')()
const server = require('net').createServer(broker.handle)
const payload = Buffer.from(process.argv[2], 'hex')
broker.publish({ topic: 'sensor', payload, qos: 0, retain: true }, () => {
  server.listen(0, '127.0.0.1', () => console.log(server.address().port))
})
JS
# The payload of one retained message that mosquitto_sub prints, as hexadecimal digits.
printed() { # PAYLOAD-IN-HEX FORMAT
  local port
  node broker.js "$1" >port &
  broker=$!
  until [ -s port ]; do kill -0 "$broker"; sleep 0.1; done
  port=$(<port)
  LD_LIBRARY_PATH=$libraries root/usr/bin/mosquitto_sub -h 127.0.0.1 -p "$port" -t sensor -C 1 -W 20 -F "$2" >line 2>&1 || true
  kill "$broker"
  wait "$broker" 2>/dev/null || true
  rm port
}
wrong=0
seen() { # EXPECTED FOUND WHAT
  echo "$3: $2"
  [ "$2" = "$1" ] || { echo "  changed: expected $1"; wrong=1; }
}
echo "mosquitto_sub $MOSQUITTO, libcjson1 $CJSON"
printed 6f6b0031302e35 %j
seen '{"payloadlen":7,"payload":"ok"}' "$(LC_ALL=C grep -aoE '"payloadlen":[0-9]+' line | sed 's/^/{/'),$(LC_ALL=C grep -aoE '"payload":.*' line)" \
  '"ok", NUL, "10.5" by %j'
printed 6f6b0031302e35 %x
seen 6f6b0031302e35 "$(cat line)" 'the same by %x'
printed c3bcff31 %j
seen '"payload":"\xc3\xbc\xff1"}' "$(LC_ALL=C grep -aoE '"payload":.*' line | python3 -c '
import sys
print("".join(chr(b) if b < 128 else f"\\x{b:02x}" for b in sys.stdin.buffer.read()), end="")')" 'u umlaut, the byte ff, "1" by %j'
printed c3bcff31 %J
seen 'Error: Message payload is not valid JSON on topic sensor.' "$(cat line)" 'the same by %J'
exit $wrong
