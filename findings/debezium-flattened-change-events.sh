#!/usr/bin/env bash
# One would guess: ExtractNewRecordState, which makes a plain row of Debezium's change event, marks a deletion by a boolean when it is told to
# (`delete.tombstone.handling.mode=rewrite`), and hands on whatever else happened to a table, or says that it cannot.
# What happens: in 3.3.1 `__deleted` is a text, "true" or "false". For jq's `select(.__deleted)`, Python and JavaScript both are true, so every row is
# taken for deleted, or none is dropped. A TRUNCATE is dropped in each of the modes, `rewrite` too, and whoever follows keeps all the rows.
# Who meets it: consumers that keep a copy of a table, spouts with a key a row among them.
set -euo pipefail
DEBEZIUM=3.3.1.Final CONNECT=4.1.1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
cat >pom.xml <<POM
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>example</groupId><artifactId>example</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>io.debezium</groupId><artifactId>debezium-core</artifactId><version>$DEBEZIUM</version></dependency>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>connect-transforms</artifactId><version>$CONNECT</version></dependency>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>connect-json</artifactId><version>$CONNECT</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-nop</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
POM
mvn -q -B dependency:copy-dependencies -DoutputDirectory="$dir/lib" >maven.log 2>&1 || { cat maven.log; exit 2; }
cat >Flattened.java <<'JAVA'
import java.util.List;
import java.util.Map;
import io.debezium.transforms.ExtractNewRecordState;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.json.JsonConverter;
import org.apache.kafka.connect.source.SourceRecord;

public class Flattened {
    public static void main(String[] none) {
        var row = SchemaBuilder.struct().optional().field("id", Schema.INT32_SCHEMA).build();
        var source = SchemaBuilder.struct().field("ts_ms", Schema.INT64_SCHEMA).build();
        var event = SchemaBuilder.struct().name("shop.orders.Envelope").field("before", row).field("after", row).field("source", source)
            .field("op", Schema.STRING_SCHEMA).field("ts_ms", Schema.OPTIONAL_INT64_SCHEMA).build();
        var json = new JsonConverter();
        json.configure(Map.of("schemas.enable", "false", "converter.type", "value"));
        for (var mode : List.of("tombstone", "rewrite", "rewrite-with-tombstone", "delete-to-tombstone", "drop")) {
            var transform = new ExtractNewRecordState<SourceRecord>();
            transform.configure(Map.of("delete.tombstone.handling.mode", mode));
            for (var op : List.of("u", "d", "t")) {
                var value = new Struct(event).put("op", op).put("ts_ms", 1L).put("source", new Struct(source).put("ts_ms", 1L));
                if (!op.equals("t")) value.put("before", new Struct(row).put("id", 7));
                if (op.equals("u")) value.put("after", new Struct(row).put("id", 7));
                var out = transform.apply(new SourceRecord(Map.of(), Map.of(), "shop.orders", Schema.INT32_SCHEMA, 7, event, value));
                var found = out == null ? "nothing" : out.value() == null ? "a tombstone" : new String(json.fromConnectData("", out.valueSchema(), out.value()));
                System.out.println(mode + ", " + Map.of("u", "update", "d", "delete", "t", "truncate").get(op) + ": " + found);
            }
        }
    }
}
JAVA
echo "Debezium's ExtractNewRecordState $DEBEZIUM:"
java -cp 'lib/*' Flattened.java | tee seen
cat >expected <<'TEXT'
tombstone, update: {"id":7}
tombstone, delete: a tombstone
tombstone, truncate: nothing
rewrite, update: {"id":7,"__deleted":"false"}
rewrite, delete: {"id":7,"__deleted":"true"}
rewrite, truncate: nothing
rewrite-with-tombstone, update: {"id":7,"__deleted":"false"}
rewrite-with-tombstone, delete: {"id":7,"__deleted":"true"}
rewrite-with-tombstone, truncate: nothing
delete-to-tombstone, update: {"id":7}
delete-to-tombstone, delete: a tombstone
delete-to-tombstone, truncate: nothing
drop, update: {"id":7}
drop, delete: nothing
drop, truncate: nothing
TEXT
cmp -s seen expected || { echo 'changed: expected'; cat expected; exit 1; }
