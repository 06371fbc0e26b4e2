#!/usr/bin/env bash
# One would guess: Kafka Connect's transform Cast refuses a value that its type does not hold, whatever the value was written as: it does
# so for the text "300" and the type int8.
# What happens: in 4.1.1 the number 300 becomes 44, 2147483648 the int32 -2147483648, and the fraction 3.9 the number 3, without a word. To
# a boolean, the number 2 is true and the text "2" false.
# Who meets it: whoever narrows a column with Cast because the sink's column is narrow: it works until ids grow past it, and then other rows
# are overwritten rather than refused.
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
cat >Narrowed.java <<'JAVA'
import java.util.Map;
import org.apache.kafka.connect.errors.DataException;
import org.apache.kafka.connect.sink.SinkRecord;
import org.apache.kafka.connect.transforms.Cast;

public class Narrowed {
    static void show(String type, Object value) {
        try (var transform = new Cast.Value<SinkRecord>()) {
            transform.configure(Map.of("spec", type));
            var shown = value instanceof String ? "\"" + value + "\"" : value;
            System.out.print(shown + " as " + type + ": ");
            System.out.println(transform.apply(new SinkRecord("topic", 0, null, null, null, value, 0)).value());
        } catch (DataException refused) {
            System.out.println("refused");
        }
    }

    public static void main(String[] none) {
        show("int8", "300");
        show("int8", 300L);
        show("int32", "2147483648");
        show("int32", 2147483648L);
        show("int32", "3.9");
        show("int32", 3.9);
        show("boolean", "2");
        show("boolean", 2);
    }
}
JAVA
echo "Kafka Connect's Cast $CONNECT:"
java -cp 'lib/*' Narrowed.java | tee seen
cat >expected <<'TEXT'
"300" as int8: refused
300 as int8: 44
"2147483648" as int32: refused
2147483648 as int32: -2147483648
"3.9" as int32: refused
3.9 as int32: 3
"2" as boolean: false
2 as boolean: true
TEXT
cmp -s seen expected || { echo 'changed: expected'; cat expected; exit 1; }
