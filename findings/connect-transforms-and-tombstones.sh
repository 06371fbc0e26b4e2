#!/usr/bin/env bash
# One would guess: a transform of Kafka Connect hands on a tombstone (a record without a value, which deletes its key) as one, and makes
# none of a record that has a value: ExtractField refuses a record without the field, as it does with a schema.
# What happens: in 4.1.1 ExtractField on a record without a schema makes a tombstone where the field is missing or its name is
# misspelt, and HoistField makes `{"field": null}` of a tombstone. With a schema the first is an error.
# Who meets it: pipelines through a compacted topic, or into a sink that deletes on a tombstone: one misspelt field name in the
# configuration deletes every key that passes, and wrapped deletions delete nothing.
set -euo pipefail
CONNECT=4.1.1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
cat >pom.xml <<POM
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>example</groupId><artifactId>example</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>connect-transforms</artifactId><version>$CONNECT</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-nop</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
POM
mvn -q -B dependency:copy-dependencies -DoutputDirectory="$dir/lib" >maven.log 2>&1 || { cat maven.log; exit 2; }
cat >Tombstones.java <<'JAVA'
import java.util.Map;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.sink.SinkRecord;
import org.apache.kafka.connect.transforms.ExtractField;
import org.apache.kafka.connect.transforms.HoistField;
import org.apache.kafka.connect.transforms.Transformation;

public class Tombstones {
    static void show(String what, Transformation<SinkRecord> transform, Schema schema, Object value) {
        transform.configure(Map.of("field", "after"));
        String found;
        try {
            var out = transform.apply(new SinkRecord("topic", 0, null, "key", schema, value, 0)).value();
            found = out == null ? "a tombstone" : "the value " + out;
        } catch (RuntimeException refused) {
            found = "refused";
        }
        System.out.println(what + ": " + found);
    }

    public static void main(String[] none) {
        var schema = SchemaBuilder.struct().field("afetr", Schema.INT32_SCHEMA).build();
        show("ExtractField, the field is there", new ExtractField.Value<>(), null, Map.of("after", 1));
        show("ExtractField, it is missing, no schema", new ExtractField.Value<>(), null, Map.of("afetr", 1));
        show("ExtractField, it is missing, a schema", new ExtractField.Value<>(), schema, new Struct(schema).put("afetr", 1));
        show("HoistField of a tombstone", new HoistField.Value<>(), null, null);
    }
}
JAVA
echo "Kafka Connect's transforms $CONNECT:"
java -cp 'lib/*' Tombstones.java | tee seen
cat >expected <<'TEXT'
ExtractField, the field is there: the value 1
ExtractField, it is missing, no schema: a tombstone
ExtractField, it is missing, a schema: refused
HoistField of a tombstone: the value {after=null}
TEXT
cmp -s seen expected || { echo 'changed: expected'; cat expected; exit 1; }
