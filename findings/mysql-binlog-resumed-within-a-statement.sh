#!/usr/bin/env bash
# One would guess: whoever reads MySQL's or MariaDB's binary log by a library and keeps the position that it has behind each event goes on there when it is started
# anew, with the next rows; or is told that this is no place to begin.
# What happens: an INSERT of more than 8 KiB of rows is several events, for which the columns of the table were said once, in front. PyPI's `mysql-replication` 1.0.17, begun at
# the `log_pos` that it had behind the first of them, drops the others without a word, since it does not know their table: of ten rows, eight are missing. npm's `@vlasky/zongji`
# 0.9.0 does the same with its `nextPosition`. Java's `com.zendesk:mysql-binlog-connector-java` 0.30.1 drops them, too, and tells a LifecycleListener (`onEventDeserializationFailure`)
# alone.
# Who meets it: copies of a database that store their position with what they have written, row by row. Small statements are one event, so that it works for years, until a
# program is stopped in the middle of a large one. What helps: to store the position at each XidEvent.
set -euo pipefail
MARIADB=1:10.11.19-0+deb12u1 MYSQL_REPLICATION=1.0.17 PYMYSQL=1.2.4 ZONGJI=0.9.0 CONNECTOR=0.30.1
dir=$(mktemp -d)
trap 'kill "${server:-}" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$dir"' EXIT
cd "$dir"
apt-get -qq download "mariadb-server-core=$MARIADB" "mariadb-server=$MARIADB" "mariadb-client-core=$MARIADB" \
  liburing2=2.3-3 libaio1=0.3.113-4 libnuma1=2.0.16-1 2>apt.log || { cat apt.log; exit 2; }
for package in *.deb; do dpkg -x "$package" root; done
LD_LIBRARY_PATH=$(find "$dir/root" -name 'liburing.so.2' -printf '%h\n')
export LD_LIBRARY_PATH
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check "mysql-replication==$MYSQL_REPLICATION" "pymysql==$PYMYSQL"
npm init -y >/dev/null
npm install --silent "@vlasky/zongji@$ZONGJI"
mvn -q -B org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy "-Dartifact=com.zendesk:mysql-binlog-connector-java:$CONNECTOR" \
  -DoutputDirectory="$dir/jars" >mvn.log 2>&1 || { cat mvn.log; exit 2; }

mkdir data
options=(--no-defaults "--user=$(id -un)" "--basedir=$dir/root/usr" "--datadir=$dir/data" "--tmpdir=$dir/data" "--lc-messages-dir=$dir/root/usr/share/mysql")
PATH=$dir/root/usr/bin:$dir/root/usr/sbin:$PATH mariadb-install-db "${options[@]}" --auth-root-authentication-method=normal --skip-test-db >install.log 2>&1 ||
  { cat install.log; exit 2; }
# It has no option for "any port": one that was free a moment ago, and another one when it is not any more.
until [ -n "${server:-}" ] && [ -S data/socket ]; do
  if ! kill -0 "${server:-}" 2>/dev/null; then
    [ -z "${server:-}" ] || grep -q 'Address already in use' server.log || { cat server.log; exit 2; }
    port=$(python3 -c 'import socket; print(socket.create_server(("127.0.0.1", 0)).getsockname()[1])')
    root/usr/sbin/mariadbd "${options[@]}" "--socket=$dir/data/socket" --bind-address=127.0.0.1 "--port=$port" \
      --log-bin=log --binlog-format=ROW --binlog-row-metadata=FULL --server-id=1 >server.log 2>&1 &
    server=$!
  fi
  sleep 0.2
done

cat >insert.py <<'PY'
import sys
import pymysql
with pymysql.connect(host='127.0.0.1', port=int(sys.argv[1]), user='root', autocommit=True) as connection, connection.cursor() as cursor:
    cursor.execute('CREATE DATABASE shop')
    cursor.execute('CREATE TABLE shop.orders (id INT PRIMARY KEY, note VARCHAR(5000))')
    cursor.execute('RESET MASTER')
    cursor.execute('INSERT INTO shop.orders VALUES ' + ', '.join(f"({id}, '{'x' * 3000}')" for id in range(1, 11)))
    cursor.execute("INSERT INTO shop.orders VALUES (11, 'y')")
PY
# Each of them prints the ids that it was given from POSITION on, and with ONE the position behind the first event alone.
cat >read.py <<'PY'
import sys
from pymysqlreplication import BinLogStreamReader
from pymysqlreplication.row_event import WriteRowsEvent
port, position, *one = sys.argv[1:]
stream = BinLogStreamReader({'host': '127.0.0.1', 'port': int(port), 'user': 'root', 'passwd': ''}, server_id=2, only_events=[WriteRowsEvent],
                            resume_stream=True, log_file='log.000001', log_pos=int(position))
ids = []
for event in stream:
    ids += [row['values']['id'] for row in event.rows]
    if one:
        print(stream.log_pos)
        break
else:
    print(*ids)
stream.close()
PY
cat >read.js <<'JS'
const ZongJi = require('@vlasky/zongji');
const [port, position, one] = process.argv.slice(2).map(Number);
const reader = new (ZongJi.default ?? ZongJi)({ host: '127.0.0.1', port, user: 'root' });
const ids = [];
function end(text) { console.log(text); process.exit(); }
reader.on('error', (error) => end(`error: ${error.message}`));
reader.on('binlog', (event) => {
  if (event.getEventName() !== 'writerows') return;
  ids.push(...event.rows.map((row) => row.id));
  if (one) end(event.nextPosition);
  if (ids.includes(11)) end(ids.join(' '));
});
reader.start({ serverId: 3, filename: 'log.000001', position, includeEvents: ['tablemap', 'writerows'] });
JS
cat >Read.java <<'JAVA'
import com.github.shyiko.mysql.binlog.BinaryLogClient;
import com.github.shyiko.mysql.binlog.event.*;
import java.util.*;
import java.util.logging.*;

public class Read {
    public static void main(String[] arguments) throws Exception {
        LogManager.getLogManager().reset();
        var client = new BinaryLogClient("127.0.0.1", Integer.parseInt(arguments[0]), "root", "");
        client.setServerId(4);
        client.setBinlogFilename("log.000001");
        client.setBinlogPosition(Long.parseLong(arguments[1]));
        var ids = new StringJoiner(" ");
        var failures = new int[1];
        client.registerLifecycleListener(new BinaryLogClient.AbstractLifecycleListener() {
            @Override
            public void onEventDeserializationFailure(BinaryLogClient client, Exception failure) {
                failures[0]++;
            }
        });
        client.registerEventListener(event -> {
            if (!(event.getData() instanceof WriteRowsEventData rows)) return;
            for (var row : rows.getRows()) ids.add(row[0].toString());
            var one = arguments.length > 2;
            if (one) System.out.println(((EventHeaderV4) event.getHeader()).getNextPosition());
            else if (ids.toString().endsWith("11")) System.out.println(ids + (failures[0] > 0 ? " (the listener was told)" : ""));
            else return;
            System.out.flush();
            Runtime.getRuntime().halt(0);
        });
        client.connect();
    }
}
JAVA
python/bin/python insert.py "$port"
by() { # NAME COMMAND…
  echo "$1: $(timeout 60 "${@:2}" "$port" 4 2>&1 | tail -1)"
  echo "$1, begun behind the first event: $(timeout 60 "${@:2}" "$port" "$("${@:2}" "$port" 4 1 2>/dev/null | tail -1)" 2>&1 | tail -1)"
}
{
  by mysql-replication python/bin/python read.py
  by zongji node read.js
  by mysql-binlog-connector-java java -cp 'jars/*' Read.java
} | tee seen
cat >expected <<'TEXT'
mysql-replication: 1 2 3 4 5 6 7 8 9 10 11
mysql-replication, begun behind the first event: 11
zongji: 1 2 3 4 5 6 7 8 9 10 11
zongji, begun behind the first event: 11
mysql-binlog-connector-java: 1 2 3 4 5 6 7 8 9 10 11
mysql-binlog-connector-java, begun behind the first event: 11 (the listener was told)
TEXT
cmp -s seen expected || { echo 'changed: expected'; cat expected; exit 1; }
