#!/usr/bin/env bash
# One would guess: `mosquitto_sub -F %J` puts a payload that is JSON into its line as it is, or at worst rounds integers beyond 2^53.
# What happens: in 2.0.11 with cJSON 1.7.15 numbers are read as doubles and printed with 15 digits when that is near enough: 5000000000000001,
# which a double holds, becomes 5e+15, 9007199254740991 (2^53 - 1, JavaScript's largest safe integer) 9.00719925474099e+15, and the nine
# decimals of 100000.12345678901 end earlier. 0012, which is no JSON, is taken as 12.
# Who meets it: whoever reads ids of 16 digits and more, times in nanoseconds, or amounts by %J. `%j` (the payload as a text) and `%p` keep them.
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
broker.publish({ topic: 'sensor', payload: process.argv[2], qos: 0, retain: true }, () => {
  server.listen(0, '127.0.0.1', () => console.log(server.address().port))
})
JS
wrong=0
seen() { # PAYLOAD EXPECTED
  local found
  node broker.js "$1" >port &
  broker=$!
  until [ -s port ]; do kill -0 "$broker"; sleep 0.1; done
  found=$(LD_LIBRARY_PATH=$libraries root/usr/bin/mosquitto_sub -h 127.0.0.1 -p "$(<port)" -t sensor -C 1 -W 20 -F %J 2>&1 |
    sed 's/.*"payload":\(.*\)}$/\1/')
  kill "$broker"
  wait "$broker" 2>/dev/null || true
  rm port
  echo "$1 is written as $found"
  [ "$found" = "$2" ] || { echo "  changed: expected $2"; wrong=1; }
}
echo "mosquitto_sub $MOSQUITTO, libcjson1 $CJSON, -F %J"
seen '{"id":4000000000000001}' '{"id":4000000000000001}'
seen '{"id":5000000000000001}' '{"id":5e+15}'
seen '{"id":9007199254740991}' '{"id":9.00719925474099e+15}'
seen '{"ns":1764482305276041533}' '{"ns":1.7644823052760415e+18}'
seen '{"amount":100000.12345678901}' '{"amount":100000.123456789}'
seen '0012' '12'
exit $wrong
