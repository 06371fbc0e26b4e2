#!/usr/bin/env bash
# One would guess: with `table.expand.json.payload` the outbox transform of Debezium makes of a JSON text the same value as a value: every field is there, and a list
# of numbers is one, be they small or large. What it cannot expand it refuses, or leaves alone.
# What happens: EventRouter 3.3.1 derives a schema from each payload. A field that is null is gone, and so is an empty list, though an empty list within a
# list stays. Where a list holds 1 and 5000000000, or a number and a text, the *whole* payload stays a text, as it does with a blank before its first brace. Two
# objects of a list that differ get each other's fields, as nulls, in an order that changes from run to run. An integer beyond 64 bits, or a field that is a number here and a text there,
# ends the connector's task by a DataException that names neither field nor value.
# Who meets it: consumers of outbox topics. One event of a type is an object and the next one a text; "is the list empty?" meets no list.
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
cat >Outbox.java <<'JAVA'
import java.util.Map;
import io.debezium.transforms.outbox.EventRouter;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.errors.DataException;
import org.apache.kafka.connect.json.JsonConverter;
import org.apache.kafka.connect.source.SourceRecord;

public class Outbox {
    static final String[] COLUMNS = {"id", "aggregatetype", "aggregateid", "type", "payload"};

    public static void main(String[] payloads) {
        var row = SchemaBuilder.struct().optional();
        for (var column : COLUMNS) row.field(column, Schema.STRING_SCHEMA);
        var source = SchemaBuilder.struct().field("ts_ms", Schema.INT64_SCHEMA).build();
        var event = SchemaBuilder.struct().name("shop.outbox.Envelope").field("before", row.build()).field("after", row.build())
            .field("source", source).field("op", Schema.STRING_SCHEMA).field("ts_ms", Schema.OPTIONAL_INT64_SCHEMA).build();
        var router = new EventRouter<SourceRecord>();
        router.configure(Map.of("table.expand.json.payload", "true"));
        var json = new JsonConverter();
        json.configure(Map.of("schemas.enable", "false", "converter.type", "value"));
        for (var payload : payloads) {
            var after = new Struct(row.build());
            for (var column : COLUMNS) after.put(column, column.equals("payload") ? payload : "order");
            var value = new Struct(event).put("after", after).put("op", "c").put("ts_ms", 1L).put("source", new Struct(source).put("ts_ms", 1L));
            String found;
            try {
                var out = router.apply(new SourceRecord(Map.of(), Map.of(), "shop.outbox", Schema.STRING_SCHEMA, "1", event, value));
                found = new String(json.fromConnectData(out.topic(), out.valueSchema(), out.value()));
            } catch (DataException refused) {
                found = refused.toString();
            }
            System.out.println(payload + " becomes " + found);
        }
    }
}
JAVA
echo "Debezium's EventRouter $DEBEZIUM:"
java -cp 'lib/*' Outbox.java '{"a":1,"b":"x"}' '{"a":1,"note":null}' '{"a":1,"lines":[]}' '{"rows":[{"a":[]},{"a":[1]}]}' '{"sums":[1,5000000000]}' '{"list":[1,"x"]}' ' {"a":1}' \
  '{"rows":[{"a":1},{"b":2}]}' '{"rows":[{"a":1},{"a":"x"}]}' '{"id":12345678901234567890}' |
  sed 's/"b":null,"a":1/"a":1,"b":null/; s/"b":2,"a":null/"a":null,"b":2/' | tee seen
cat >expected <<'TEXT'
{"a":1,"b":"x"} becomes {"a":1,"b":"x"}
{"a":1,"note":null} becomes {"a":1}
{"a":1,"lines":[]} becomes {"a":1}
{"rows":[{"a":[]},{"a":[1]}]} becomes {"rows":[{"a":[]},{"a":[1]}]}
{"sums":[1,5000000000]} becomes "{\"sums\":[1,5000000000]}"
{"list":[1,"x"]} becomes "{\"list\":[1,\"x\"]}"
 {"a":1} becomes " {\"a\":1}"
{"rows":[{"a":1},{"b":2}]} becomes {"rows":[{"a":1,"b":null},{"a":null,"b":2}]}
{"rows":[{"a":1},{"a":"x"}]} becomes org.apache.kafka.connect.errors.DataException: Invalid type for STRUCT: class java.lang.String
{"id":12345678901234567890} becomes org.apache.kafka.connect.errors.DataException: Invalid type for STRUCT: class java.lang.String
TEXT
cmp -s seen expected || { echo 'changed: expected'; cat expected; exit 1; }
