#!/usr/bin/env bash
# One would guess: the converter that Kafka Connect takes for headers where none is configured (SimpleHeaderConverter) hands on the text
# of a header as it came, or as a value that is written as the same text.
# What happens: in 4.1.1 it guesses a type from the text and writes that type's own form: `00123` is written as 123, `1,000` as 1, `1.10` as 1.1,
# `7e3` as 7000, and the time 2026-01-01T00:00:00.000Z as a date without a time. `TRUE` and 2026-01-01T00:00:00Z stay what they are.
# Who meets it: whoever carries order numbers, versions, trace ids or amounts in headers through a connector, from topic to topic or into a sink.
# A trace id such as 1234567890123e45 is a number of 58 digits behind it, and the trace ends there.
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
    <dependency><groupId>org.apache.kafka</groupId><artifactId>connect-api</artifactId><version>$CONNECT</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-nop</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
POM
mvn -q -B dependency:copy-dependencies -DoutputDirectory="$dir/lib" >maven.log 2>&1 || { cat maven.log; exit 2; }
cat >Header.java <<'JAVA'
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.apache.kafka.connect.storage.SimpleHeaderConverter;

public class Header {
    public static void main(String[] texts) {
        var converter = new SimpleHeaderConverter();
        converter.configure(Map.of());
        for (var text : texts) {
            var read = converter.toConnectHeader("topic", "header", text.getBytes(StandardCharsets.UTF_8));
            var written = converter.fromConnectHeader("topic", "header", read.schema(), read.value());
            System.out.println(text + " -> " + new String(written, StandardCharsets.UTF_8));
        }
    }
}
JAVA
echo "Kafka Connect's SimpleHeaderConverter $CONNECT, to Connect's data and back:"
java -cp 'lib/*' Header.java 00123 1,000 1.10 7e3 1234567890123e45 2026-01-01T00:00:00.000Z TRUE 2026-01-01T00:00:00Z 4bf92f3577b34da6 |
  tee seen
cat >expected <<'TEXT'
00123 -> 123
1,000 -> 1
1.10 -> 1.1
7e3 -> 7000
1234567890123e45 -> 1.234567890123E57
2026-01-01T00:00:00.000Z -> 2026-01-01
TRUE -> TRUE
2026-01-01T00:00:00Z -> 2026-01-01T00:00:00Z
4bf92f3577b34da6 -> 4bf92f3577b34da6
TEXT
cmp -s seen expected || { echo 'changed: expected'; cat expected; exit 1; }
