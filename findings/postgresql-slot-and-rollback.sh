#!/usr/bin/env bash
# One would guess: what a transaction reads from a replication slot of PostgreSQL by SQL (`pg_logical_slot_get_changes`, which reads and consumes) it
# reads again when it is rolled back, as with every other thing that it did; and `pg_recvlogical -f -` confirms what its reader has taken.
# What happens: in 15.18 the slot moves on when the function returns, and ROLLBACK brings nothing back. `pg_recvlogical -f - | consumer`
# confirms what it wrote into the pipe: the slot is at the end when the consumer has read its first row, and whoever starts both again
# sees none of the rest.
# Who meets it: consumers of changes that read and write in one transaction "so that both are done, or neither", and pipes. What helps:
# `pg_logical_slot_peek_changes`, which leaves all rows in the slot, and `pg_replication_slot_advance` when the rows are safe.
set -euo pipefail
POSTGRESQL=15.18-0+deb12u1
dir=$(mktemp -d)
trap 'kill ${reader:-} 2>/dev/null || true; kill -INT "${server:-}" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$dir"' EXIT
cd "$dir"
apt-get -qq download "postgresql-15=$POSTGRESQL" "postgresql-client-15=$POSTGRESQL" "libpq5=$POSTGRESQL" libicu72=72.1-3+deb12u1 \
  2>apt.log || { cat apt.log; exit 2; }
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
"${user[@]}" "$bin/initdb" -D "$dir/data" -A trust -U postgres --no-sync -E UTF8 --no-locale >initdb.log
"${user[@]}" "$bin/postgres" -D "$dir/data" -k "$dir" -c listen_addresses= -c wal_level=logical -c fsync=off 2>server.log &
server=$!
psql() { "$bin/psql" -X -q -At -v ON_ERROR_STOP=1 -h "$dir" -U postgres "$@" 2>>psql.log; }
until psql -c 'SELECT' >/dev/null; do
  kill -0 "$server" 2>/dev/null || { cat server.log; exit 2; }
  sleep 0.2
done
psql >/dev/null <<'SQL'
CREATE TABLE orders (id int PRIMARY KEY);
SELECT pg_create_logical_replication_slot('transaction', 'test_decoding'), pg_create_logical_replication_slot('pipe', 'test_decoding'),
  pg_create_logical_replication_slot('peeked', 'test_decoding');
INSERT INTO orders SELECT generate_series(1, 1000);
SQL
wrong=0
expect() { # NAME EXPECTED FOUND
  echo "$1: $3"
  [ "$2" = "$3" ] || { echo "  changed: expected $2"; wrong=1; }
}
waiting() { psql -c "SELECT count(*) FROM pg_logical_slot_peek_changes('$1', NULL, NULL) WHERE data LIKE 'table public.orders: INSERT:%'"; }
echo "PostgreSQL ${POSTGRESQL%-*}, a transaction of 1,000 rows"
expect 'rows that wait in the slot' 1000 "$(waiting transaction)"
read_in_vain=$(
  psql <<'SQL'
BEGIN;
SELECT count(*) FROM pg_logical_slot_get_changes('transaction', NULL, NULL) WHERE data LIKE 'table public.orders: INSERT:%';
ROLLBACK;
SQL
)
expect 'rows that are read in a transaction, which is rolled back' 1000 "$read_in_vain"
expect 'rows that wait in the slot behind it' 0 "$(waiting transaction)"

peeked=$(psql -c "SELECT count(*) FROM pg_logical_slot_peek_changes('peeked', NULL, NULL) WHERE data LIKE 'table public.orders: INSERT:%'")
expect 'rows that are peeked at' 1000 "$peeked"
expect 'rows that wait behind that' 1000 "$(waiting peeked)"
psql -c "SELECT pg_replication_slot_advance('peeked', (SELECT max(lsn) FROM pg_logical_slot_peek_changes('peeked', NULL, NULL)))" >/dev/null
expect 'rows that wait behind pg_replication_slot_advance' 0 "$(waiting peeked)"

expect 'rows that wait in the other slot' 1000 "$(waiting pipe)"
mkfifo pipe
# shellcheck disable=SC2094 # `pipe` is a FIFO, and the name of a slot
"$bin/pg_recvlogical" -h "$dir" -U postgres -d postgres --slot pipe --start -f - --status-interval 1 >pipe 2>recvlogical.log &
reader=$!
exec 3<pipe
read -r _ <&3
read -r first <&3
expect 'the first row that a consumer takes from pg_recvlogical' 'table public.orders: INSERT: id[integer]:1' "$first"
# The consumer does nothing more; that the server is told what was confirmed may take until the next status.
for _ in $(seq 300); do
  confirmed=$(psql -c "SELECT confirmed_flush_lsn >= pg_current_wal_lsn() FROM pg_replication_slots WHERE slot_name = 'pipe'")
  [ "$confirmed" = f ] || break
  sleep 0.1
done
exec 3<&-
kill "$reader" 2>/dev/null || true
wait "$reader" || true
reader=
expect 'rows that wait in the slot when it is gone' 0 "$(waiting pipe)"
exit $wrong
