#!/usr/bin/env bash
# One would guess: a writer of Avro, which has a schema for nothing else, refuses a record with a field that the schema does not have, and a value that its type
# does not hold, as Avro's own library for Python (PyPI's `avro`) does with all that is below but the union.
# What happens: PyPI's `fastavro` 1.13.1 leaves out a field with a misspelt name and writes the default of the right one. 3.9 is the int 3, the text "false"
# the boolean true, a text for a list of texts is a list of its letters, 1e300 is an infinite float, and an id of the union `["null", "double", "long"]` becomes
# a double and so another id; that one avro takes as well. An int of 2^40 is written as it is: fastavro reads it, and Java's Avro 1.12.1 has an error at that record.
# Who meets it: producers in Python whose source changes a type or a name, behind the schema registry, too: confluent-kafka's AvroSerializer is this writer. What
# helps: `strict=True` for the names (`validate.strict` of the AvroSerializer, as of confluent-kafka 2.16.1), and `fastavro.validate` before the writer for the values; it
# passes 1e300, the union's id, and the misspelt name.
set -euo pipefail
FASTAVRO=1.13.1 AVRO=1.12.2 JAVA_AVRO=1.12.1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check "fastavro==$FASTAVRO" "avro==$AVRO"
cat >pom.xml <<POM
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>example</groupId><artifactId>example</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>org.apache.avro</groupId><artifactId>avro</artifactId><version>$JAVA_AVRO</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-nop</artifactId><version>2.0.17</version></dependency>
  </dependencies>
</project>
POM
mvn -q -B dependency:copy-dependencies -DoutputDirectory="$dir/lib" >maven.log 2>&1 || { cat maven.log; exit 2; }
cat >write.py <<'PY'
import io, json
import avro.errors, avro.io, avro.schema, fastavro

def fields(**types):
    return {'type': 'record', 'name': 'Order', 'fields': [{'name': name, 'type': kind} for name, kind in types.items()]}

discount = {'type': 'record', 'name': 'Order', 'fields': [
    {'name': 'id', 'type': 'int'}, {'name': 'discount', 'type': ['null', 'int'], 'default': None}]}
records = [
    (discount, {'id': 1, 'discuont': 5}),
    (fields(count='int'), {'count': 3.9}),
    (fields(paid='boolean'), {'paid': 'false'}),
    (fields(tags={'type': 'array', 'items': 'string'}), {'tags': 'new'}),
    (fields(share='float'), {'share': 1e300}),
    (fields(id=['null', 'double', 'long']), {'id': 9007199254740993}),
    (fields(id='int'), {'id': 2 ** 40}),
]
for schema, record in records:
    data = io.BytesIO()
    fastavro.schemaless_writer(data, schema, record)
    data.seek(0)
    read = fastavro.schemaless_reader(data, schema)
    try:
        fastavro.schemaless_writer(io.BytesIO(), schema, record, strict=True)
        strict = 'takes'
    except ValueError:
        strict = 'refuses'
    valid = 'takes' if fastavro.validate(record, schema, raise_errors=False) else 'refuses'
    try:
        avro.io.DatumWriter(avro.schema.parse(json.dumps(schema))).write(record, avro.io.BinaryEncoder(io.BytesIO()))
        other = 'takes'
    except (avro.errors.AvroTypeException, OverflowError):
        other = 'refuses'
    print(f'{record}: fastavro {read}, strict {strict}, validate {valid}, avro {other}')
with open('orders.avro', 'wb') as out:
    fastavro.writer(out, fields(id='int', item='string'), [{'id': 2 ** 40, 'item': 'pear'}])
PY
cat >Read.java <<'JAVA'
import java.io.File;
import org.apache.avro.file.DataFileReader;
import org.apache.avro.generic.*;

public class Read {
    public static void main(String[] none) throws Exception {
        try (var records = new DataFileReader<>(new File("orders.avro"), new GenericDatumReader<GenericRecord>())) {
            System.out.println(records.next());
        } catch (Exception refused) {
            System.out.println("refused");
        }
    }
}
JAVA
echo "fastavro $FASTAVRO, avro $AVRO; a file of fastavro's, read by Java's avro $JAVA_AVRO:"
{
  python/bin/python write.py
  echo "Java $(java -cp 'lib/*' Read.java)"
} | tee seen
cat >expected <<'TEXT'
{'id': 1, 'discuont': 5}: fastavro {'id': 1, 'discount': None}, strict refuses, validate takes, avro refuses
{'count': 3.9}: fastavro {'count': 3}, strict takes, validate refuses, avro refuses
{'paid': 'false'}: fastavro {'paid': True}, strict takes, validate refuses, avro refuses
{'tags': 'new'}: fastavro {'tags': ['n', 'e', 'w']}, strict takes, validate refuses, avro refuses
{'share': 1e+300}: fastavro {'share': inf}, strict takes, validate takes, avro refuses
{'id': 9007199254740993}: fastavro {'id': 9007199254740992.0}, strict takes, validate takes, avro takes
{'id': 1099511627776}: fastavro {'id': 1099511627776}, strict takes, validate refuses, avro refuses
Java refused
TEXT
cmp -s seen expected || { echo 'changed: expected'; cat expected; exit 1; }
