#!/usr/bin/env bash
# One would guess: a query that makes one JSON of many rows gives JSON, or an error.
# What happens: MariaDB 10.11 cuts JSON_ARRAYAGG at `group_concat_max_len`, 1 MiB as it comes, in the middle of a value, and puts the brackets and the rest of the record behind it:
# `…,"item 81513","item 81514""], "total": 100000}` is no JSON. The program `mariadb` ends with exit code 0 and prints nothing on standard error: it is a warning (1260), shown by
# `--show-warnings` alone. In an INSERT the same is an error (the strict mode is on), and JSON_OBJECTAGG has no such limit.
# Who meets it: exports and outboxes that put a list of rows into a record (an order with its lines), as soon as one of them is large. What helps: `SET SESSION group_concat_max_len = 1073741824`,
# or JSON_VALID around the record.
set -euo pipefail
MARIADB=1:10.11.19-0+deb12u1
dir=$(mktemp -d)
trap 'kill "${server:-}" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$dir"' EXIT
cd "$dir"
apt-get -qq download "mariadb-server-core=$MARIADB" "mariadb-server=$MARIADB" "mariadb-client-core=$MARIADB" \
  liburing2=2.3-3 libaio1=0.3.113-4 libnuma1=2.0.16-1 2>apt.log || { cat apt.log; exit 2; }
for package in *.deb; do dpkg -x "$package" root; done
LD_LIBRARY_PATH=$(find "$dir/root" -name 'liburing.so.2' -printf '%h\n')
export LD_LIBRARY_PATH
mkdir data
options=(--no-defaults "--user=$(id -un)" "--basedir=$dir/root/usr" "--datadir=$dir/data" "--tmpdir=$dir/data" "--lc-messages-dir=$dir/root/usr/share/mysql")
PATH=$dir/root/usr/bin:$dir/root/usr/sbin:$PATH mariadb-install-db "${options[@]}" --auth-root-authentication-method=normal --skip-test-db >install.log 2>&1 ||
  { cat install.log; exit 2; }
root/usr/sbin/mariadbd "${options[@]}" "--socket=$dir/data/socket" --skip-networking >server.log 2>&1 &
server=$!
until [ -S data/socket ]; do
  kill -0 "$server" || { cat server.log; exit 2; }
  sleep 0.2
done
ask() { # SQL
  root/usr/bin/mariadb --no-defaults --user=root "--socket=$dir/data/socket" --batch --raw --skip-column-names -e "$1" mysql
}
shown() { # NAME SQL
  local code=0
  ask "$2" >record 2>told || code=$?
  echo "$1: exit code $code, $(wc -c <record) bytes$(python3 -c '
import json
try:
    json.load(open("record"))
    print(", JSON", end="")
except json.JSONDecodeError:
    print(", no JSON", end="")'), $(grep -o 'ERROR.*' told || echo 'no error')"
}
rows='FROM seq_1_to_100000'
item="CONCAT('item ', seq)"
record="SELECT JSON_OBJECT('id', 7, 'items', JSON_ARRAYAGG($item), 'total', COUNT(*)) $rows"
{
  echo "MariaDB $(ask 'SELECT VERSION()'), a record with a list of 100,000 rows:"
  shown JSON_ARRAYAGG "$record"
  echo "  it ends in $(tail -c 46 record)"
  shown 'JSON_ARRAYAGG behind SET SESSION group_concat_max_len' "SET SESSION group_concat_max_len = 1073741824; $record"
  shown JSON_OBJECTAGG "SELECT JSON_OBJECTAGG(seq, 'item') $rows"
  ask 'CREATE TABLE outbox (record LONGTEXT)'
  shown 'INSERT of the same' "INSERT INTO outbox $record"
} | tee seen
cat >expected <<'TEXT'
MariaDB 10.11.19-MariaDB-0+deb12u1, a record with a list of 100,000 rows:
JSON_ARRAYAGG: exit code 0, 1048616 bytes, no JSON, no error
  it ends in "item 81513","item 81514""], "total": 100000}
JSON_ARRAYAGG behind SET SESSION group_concat_max_len: exit code 0, 1288934 bytes, JSON, no error
JSON_OBJECTAGG: exit code 0, 1588896 bytes, JSON, no error
INSERT of the same: exit code 1, 0 bytes, no JSON, ERROR 1260 (HY000) at line 1: Row 81515 was cut by JSON_ARRAYAGG()
TEXT
cmp -s seen expected || { echo 'changed: expected'; cat expected; exit 1; }
