#!/usr/bin/env bash
# One would guess: "the rows behind the last one that I had" (`WHERE id > ?`, ORDER BY id) is every new row of a table whose key is INTEGER PRIMARY KEY: keys that the database gives grow,
# as those of a sequence of PostgreSQL do, and a row keeps its `rowid` for as long as it is there.
# What happens: SQLite 3.40.1 gives the largest id that is in the table, plus one. When the newest row is deleted, the next one has its id again, and whoever polls never sees it; so it is with a table that is
# emptied: it begins with 1. `AUTOINCREMENT` does what one would guess. And VACUUM numbers the rows of a table without such a key anew: a position of 4 is behind its end then, and the next two rows are passed over.
# Who meets it: outboxes and queues in a file of SQLite, whose entries are deleted when they are done, read by a position: exactly the entries that come behind an empty queue are missing. What
# helps: AUTOINCREMENT.
set -euo pipefail
SQLITE=3.40.1-2+deb12u2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
apt-get -qq download "sqlite3=$SQLITE" "libsqlite3-0=$SQLITE" libreadline8=8.2-1.3 2>apt.log || { cat apt.log; exit 2; }
for package in *.deb; do dpkg -x "$package" root; done
LD_LIBRARY_PATH=$(find "$dir/root" -name '*.so.*' -printf '%h\n' | sort -u | paste -sd:)
export LD_LIBRARY_PATH
sql() { root/usr/bin/sqlite3 -bail file.db "$1"; }
rows() { sql "$1" | xargs; }
{
  for key in 'INTEGER PRIMARY KEY' 'INTEGER PRIMARY KEY AUTOINCREMENT'; do
    sql "CREATE TABLE outbox (id $key, item)"
    sql "INSERT INTO outbox (item) VALUES ('a'), ('b'), ('c')"
    echo "$key: had $(rows 'SELECT id, item FROM outbox WHERE id > 0')"
    sql 'DELETE FROM outbox WHERE id = 3'
    sql "INSERT INTO outbox (item) VALUES ('d')"
    echo "  c is deleted, d is new, behind 3: $(rows 'SELECT id, item FROM outbox WHERE id > 3')"
    sql 'DELETE FROM outbox'
    sql "INSERT INTO outbox (item) VALUES ('e')"
    echo "  all is deleted, e is new, behind 4: $(rows 'SELECT id, item FROM outbox WHERE id > 4')"
    sql 'DROP TABLE outbox'
  done
  sql "CREATE TABLE log (line); INSERT INTO log VALUES ('a'), ('b'), ('c'), ('d')"
  echo "rowid: had $(rows 'SELECT rowid, line FROM log')"
  sql "DELETE FROM log WHERE line IN ('a', 'b'); VACUUM; INSERT INTO log VALUES ('e'), ('f'), ('g')"
  echo "  a and b are deleted, VACUUM, e, f and g are new, behind 4: $(rows 'SELECT rowid, line FROM log WHERE rowid > 4')"
} | tee seen
cat >expected <<'TEXT'
INTEGER PRIMARY KEY: had 1|a 2|b 3|c
  c is deleted, d is new, behind 3: 
  all is deleted, e is new, behind 4: 
INTEGER PRIMARY KEY AUTOINCREMENT: had 1|a 2|b 3|c
  c is deleted, d is new, behind 3: 4|d
  all is deleted, e is new, behind 4: 5|e
rowid: had 1|a 2|b 3|c 4|d
  a and b are deleted, VACUUM, e, f and g are new, behind 4: 5|g
TEXT
cmp -s seen expected || { echo 'changed: expected'; cat expected; exit 1; }
