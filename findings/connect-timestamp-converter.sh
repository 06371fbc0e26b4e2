#!/usr/bin/env bash
# One would guess: Kafka Connect's transform TimestampConverter reads `2026-01-01T00:00:00.123456Z` with the format
# `yyyy-MM-dd'T'HH:mm:ss.SSSSSS'Z'` as 0.123 s past midnight, since `SSSSSS` are six digits of a fraction in most languages; and it refuses
# a month 13.
# What happens: in 4.1.1 the six digits are taken for milliseconds: the time is 123.456 s past midnight. Written with the same format, 0.123 s
# becomes `.000123`. The month 13 is January of the next year. Nothing is said.
# Who meets it: whoever turns timestamps of PostgreSQL, Go or Python (microseconds) into numbers or texts on the way: each is moved by up to
# 1,000 s, and records change their order.
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
cat >Times.java <<'JAVA'
import java.time.Instant;
import java.util.Map;
import org.apache.kafka.connect.sink.SinkRecord;
import org.apache.kafka.connect.transforms.TimestampConverter;

public class Times {
    static Object apply(String target, Object value) {
        try (var transform = new TimestampConverter.Value<SinkRecord>()) {
            transform.configure(Map.of("target.type", target, "format", "yyyy-MM-dd'T'HH:mm:ss.SSSSSS'Z'"));
            return transform.apply(new SinkRecord("topic", 0, null, null, null, value, 0)).value();
        }
    }

    public static void main(String[] texts) {
        for (var text : texts) {
            System.out.println(text + " is " + Instant.ofEpochMilli((Long) apply("unix", text)));
        }
        var time = Instant.parse("2026-01-01T00:00:00.123Z");
        System.out.println(time + " is written as " + apply("string", time.toEpochMilli()));
    }
}
JAVA
echo "Kafka Connect's TimestampConverter $CONNECT:"
java -cp 'lib/*' Times.java 2026-01-01T00:00:00.123456Z 2026-13-01T00:00:00.000000Z | tee seen
cat >expected <<'TEXT'
2026-01-01T00:00:00.123456Z is 2026-01-01T00:02:03.456Z
2026-13-01T00:00:00.000000Z is 2027-01-01T00:00:00Z
2026-01-01T00:00:00.123Z is written as 2026-01-01T00:00:00.000123Z
TEXT
cmp -s seen expected || { echo 'changed: expected'; cat expected; exit 1; }
