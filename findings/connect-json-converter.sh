#!/usr/bin/env bash
# One would guess: Kafka Connect's JsonConverter without schemas (`schemas.enable=false`) hands on the value of a record as it was, or
# refuses it; an integer that no type of Connect holds is an error, and so is a record that holds two JSON values.
# What happens: in 4.1.1 an unsigned 64-bit integer loses its upper half without a word (18446744073709551615 is -1 and
# 9223372036854775808 a negative number), of `{"a":1} {"b":2}` only the first value is kept, and 1e400 becomes the text "Infinity".
# Who meets it: sinks, and sources with a transform, of topics with hashes, snowflake ids or counters of 64 bits; producers that put several
# lines into one record. The connector stays healthy, and what it wrote is another id, or the first line alone.
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
    <dependency><groupId>org.apache.kafka</groupId><artifactId>connect-json</artifactId><version>$CONNECT</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-nop</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
POM
mvn -q -B dependency:copy-dependencies -DoutputDirectory="$dir/lib" >maven.log 2>&1 || { cat maven.log; exit 2; }
cat >Converted.java <<'JAVA'
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.apache.kafka.connect.errors.DataException;
import org.apache.kafka.connect.json.JsonConverter;

public class Converted {
    public static void main(String[] texts) {
        var converter = new JsonConverter();
        converter.configure(Map.of("schemas.enable", "false"), false);
        for (var text : texts) {
            try {
                var read = converter.toConnectData("topic", text.getBytes(StandardCharsets.UTF_8));
                var written = converter.fromConnectData("topic", read.schema(), read.value());
                System.out.println(text + " becomes " + new String(written, StandardCharsets.UTF_8));
            } catch (DataException refused) {
                System.out.println(text + " is refused");
            }
        }
    }
}
JAVA
echo "Kafka Connect's JsonConverter $CONNECT, to Connect's data and back:"
java -cp 'lib/*' Converted.java 9223372036854775807 9223372036854775808 '{"id":18446744073709551615}' '{"a":1} {"b":2}' 1e400 '{"a":' |
  tee seen
cat >expected <<'TEXT'
9223372036854775807 becomes 9223372036854775807
9223372036854775808 becomes -9223372036854775808
{"id":18446744073709551615} becomes {"id":-1}
{"a":1} {"b":2} becomes {"a":1}
1e400 becomes "Infinity"
{"a": is refused
TEXT
cmp -s seen expected || { echo 'changed: expected'; cat expected; exit 1; }
