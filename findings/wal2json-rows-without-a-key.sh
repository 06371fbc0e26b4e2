#!/usr/bin/env bash
# One would guess: wal2json writes every change that PostgreSQL's log has, with the values of the row; at worst it refuses a table for which
# it cannot say which row was meant.
# What happens: in 2.5 an update of a table without a primary key is left out, though its new row is in the log (PostgreSQL's own
# test_decoding prints it), and so is each delete; format 1 leaves out TRUNCATE as well. The consumer gets an empty list of
# changes, or nothing, and moves on; the only word is a WARNING in the server's log. NaN is written as null, like a column that has no value.
# Who meets it: copies of a database that are made of its changes (CDC): tables of events and of associations often have no key, and the copy keeps
# their old rows for ever.
set -euo pipefail
POSTGRESQL=15.18-0+deb12u1 WAL2JSON=2.5-1+b1
dir=$(mktemp -d)
trap 'kill -INT "${server:-}" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$dir"' EXIT
cd "$dir"
apt-get -qq download "postgresql-15=$POSTGRESQL" "postgresql-client-15=$POSTGRESQL" "libpq5=$POSTGRESQL" \
  "postgresql-15-wal2json=$WAL2JSON" libicu72=72.1-3+deb12u1 2>apt.log || { cat apt.log; exit 2; }
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
CREATE TABLE visits (page text, seconds float8);
SELECT pg_create_logical_replication_slot('wal2json', 'wal2json'), pg_create_logical_replication_slot('test', 'test_decoding');
INSERT INTO visits VALUES ('a', 1), ('b', 'NaN');
UPDATE visits SET seconds = 2 WHERE page = 'a';
DELETE FROM visits WHERE page = 'b';
TRUNCATE visits;
SQL
changes() { # SLOT OPTIONS
  psql -c "SELECT data FROM pg_logical_slot_peek_changes('$1', NULL, NULL${2:+, $2})"
}
{
  echo 'wal2json, format 1:'
  changes wal2json | sed 's/"schema":"public",//g; s/"columntypes":[^]]*],//g'
  echo 'wal2json, format 2, without begin and commit:'
  changes wal2json "'format-version', '2'" | grep -v '"action":"[BC]"' | sed 's/"schema":"public",//; s/"type":"[^"]*",//g'
  echo 'test_decoding, without begin and commit:'
  changes test | grep -Ev '^(BEGIN|COMMIT)'
  echo 'the log of the server:'
  grep -oE 'WARNING:  no tuple identifier.*' server.log | sort -u
} >seen
echo "PostgreSQL $POSTGRESQL, wal2json $WAL2JSON"
cat seen
cat >expected <<'TEXT'
wal2json, format 1:
{"change":[{"kind":"insert","table":"visits","columnnames":["page","seconds"],"columnvalues":["a",1]},{"kind":"insert","table":"visits","columnnames":["page","seconds"],"columnvalues":["b",null]}]}
{"change":[]}
{"change":[]}
{"change":[]}
wal2json, format 2, without begin and commit:
{"action":"I","table":"visits","columns":[{"name":"page","value":"a"},{"name":"seconds","value":1}]}
{"action":"I","table":"visits","columns":[{"name":"page","value":"b"},{"name":"seconds","value":null}]}
{"action":"T","table":"visits"}
test_decoding, without begin and commit:
table public.visits: INSERT: page[text]:'a' seconds[double precision]:1
table public.visits: INSERT: page[text]:'b' seconds[double precision]:NaN
table public.visits: UPDATE: page[text]:'a' seconds[double precision]:2
table public.visits: DELETE: (no-tuple-data)
table public.visits: TRUNCATE: (no-flags)
the log of the server:
WARNING:  no tuple identifier for DELETE in table "public"."visits"
WARNING:  no tuple identifier for UPDATE in table "public"."visits"
TEXT
cmp -s seen expected || { echo 'changed: expected'; cat expected; exit 1; }
