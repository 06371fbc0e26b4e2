#!/usr/bin/env bash
# One would guess: Node's `pg-logical-replication`, told to wait for its handler (`flowControl: { enabled: true }`, for which its documentation has "async handlers are fully supported"),
# acknowledges a change when the handler is done with it, so that a program that dies at its work gets the change again.
# What happens: 2.5.0 acknowledges it meanwhile, with the next status that it sends to PostgreSQL (each `acknowledge.timeoutSeconds`, 10 at first): the slot is moved behind the change whose
# handler is still at work, and PostgreSQL has no more of it. So it is with `acknowledge: { auto: false }`, too, where the handler calls `acknowledge` itself, and of which its documentation says that
# the status does not move the slot. Without any option the change is acknowledged at once. With `timeoutSeconds: 0` besides `auto: false` it waits.
# Who meets it: copies of a database whose handler writes to a network: each restart may lose the changes that were under way, and a handler that failed has lost its own.
set -euo pipefail
POSTGRESQL=15.18-0+deb12u1 PG_LOGICAL_REPLICATION=2.5.0
dir=$(mktemp -d)
trap 'kill -9 "${reader:-}" 2>/dev/null || true; kill -INT "${server:-}" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$dir"' EXIT
cd "$dir"
apt-get -qq download "postgresql-15=$POSTGRESQL" "postgresql-client-15=$POSTGRESQL" "libpq5=$POSTGRESQL" \
  libicu72=72.1-3+deb12u1 2>apt.log || { cat apt.log; exit 2; }
for package in *.deb; do dpkg -x "$package" root; done
LD_LIBRARY_PATH=$dir/$(dirname "$(find root -name 'libpq.so.5')")
export LD_LIBRARY_PATH
bin=$dir/root/usr/lib/postgresql/15/bin
# PostgreSQL does not run as root.
user=()
if [ "$(id -u)" = 0 ]; then
  user=(setpriv --reuid nobody --regid nogroup --clear-groups)
  chown nobody "$dir"
fi
npm init -y >/dev/null
npm install --silent "pg-logical-replication@$PG_LOGICAL_REPLICATION"
"${user[@]}" "$bin/initdb" -D "$dir/data" -A trust -U postgres --no-sync -E UTF8 --no-locale >initdb.log
"${user[@]}" "$bin/postgres" -D "$dir/data" -k "$dir" -c listen_addresses= -c wal_level=logical -c fsync=off 2>server.log &
server=$!
psql() { "$bin/psql" -X -q -At -v ON_ERROR_STOP=1 -h "$dir" -U postgres "$@" 2>>psql.log; }
until psql -c 'SELECT' >/dev/null; do
  kill -0 "$server" 2>/dev/null || { cat server.log; exit 2; }
  sleep 0.2
done
cat >read.js <<'JS'
const { LogicalReplicationService, TestDecodingPlugin } = require('pg-logical-replication');
const [directory, slot, options] = process.argv.slice(2);
const service = new LogicalReplicationService({ host: directory, user: 'postgres', database: 'postgres' }, JSON.parse(options));
service.on('error', (error) => { console.log(`error: ${error.message}`); process.exit(1); });
// It is at work on the first change for ever.
service.on('data', async (lsn, change) => {
  const text = JSON.stringify(change);
  if (!text.includes('orders')) return;
  console.log(text);
  await new Promise((resolve) => setTimeout(resolve, 1e9));
  await service.acknowledge(lsn);
});
service.subscribe(new TestDecodingPlugin({}), slot).catch((error) => { console.log(`error: ${error.message}`); process.exit(1); });
JS
psql -c 'CREATE TABLE orders (id int PRIMARY KEY)'
wrong=0
seen() { # EXPECTED OPTIONS
  local found
  true >told
  psql -c "SELECT pg_create_logical_replication_slot('copy', 'test_decoding')" >/dev/null
  psql -c 'INSERT INTO orders SELECT count(*) FROM orders'
  node read.js "$dir" copy "$2" >told 2>&1 &
  reader=$!
  until grep -q orders told; do kill -0 "$reader" 2>/dev/null || { cat told; exit 2; }; sleep 0.1; done
  # Several times as long as until the next status.
  sleep 8
  kill -9 "$reader"
  wait "$reader" 2>/dev/null || true
  until [ "$(psql -c "SELECT active FROM pg_replication_slots")" = f ]; do sleep 0.1; done
  found=$(psql -c "SELECT count(*) FROM pg_logical_slot_peek_changes('copy', NULL, NULL) WHERE data LIKE 'table%'")
  echo "  $2: the slot has $found of 1 change, whose handler was killed at its work"
  [ "$found" = "$1" ] || { echo "    changed: expected $1"; wrong=1; }
  psql -c "SELECT pg_drop_replication_slot('copy')" >/dev/null
}
echo "pg-logical-replication $PG_LOGICAL_REPLICATION, PostgreSQL $POSTGRESQL"
seen 0 '{}'
seen 0 '{ "flowControl": { "enabled": true }, "acknowledge": { "auto": true, "timeoutSeconds": 2 } }'
seen 0 '{ "flowControl": { "enabled": true }, "acknowledge": { "auto": false, "timeoutSeconds": 2 } }'
seen 1 '{ "flowControl": { "enabled": true }, "acknowledge": { "auto": false, "timeoutSeconds": 0 } }'
exit $wrong
