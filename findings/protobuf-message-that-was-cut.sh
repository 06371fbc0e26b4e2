#!/usr/bin/env bash
# One would guess: a message of Protocol Buffers that is written behind its length, as `writeDelimitedTo` does, is handed out whole or not at all: the length
# says how many bytes belong to it, and it is there for nothing else.
# What happens: Java's `parseDelimitedFrom` (protobuf-java 4.36.2) takes the length for the most that it may read. A stream that ends between two fields of a
# message ends the message, as if the other fields had never been set; one that ends behind a length gives a message without any field. Then it returns
# null, as at the end of a whole stream. Go's `protodelim`, Python's `parse_length_prefixed` and npm's `sizeDelimitedDecodeStream` have an error.
# Who meets it: readers in Java of files, sockets and buffers of messages whose writer died. The last record is there, with a zero in place of an
# amount, or without the entries of a list that did not come.
set -euo pipefail
JAVA_PROTOBUF=4.36.2 GO_PROTOBUF=v1.36.12 PYTHON_PROTOBUF=7.36.2 BUFBUILD=2.17.0
dir=$(mktemp -d)
trap 'chmod -R u+w "$dir"; rm -rf "$dir"' EXIT
cd "$dir"
mvn -q -B org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy "-Dartifact=com.google.protobuf:protobuf-java:$JAVA_PROTOBUF" \
  -DoutputDirectory="$dir/jars" >mvn.log 2>&1 || { cat mvn.log; exit 2; }
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check "protobuf==$PYTHON_PROTOBUF"
npm init -y >/dev/null
npm install --silent "@bufbuild/protobuf@$BUFBUILD"
# The messages are of a type that each of the libraries brings along: a time in seconds and nanoseconds.
cat >Read.java <<'JAVA'
import com.google.protobuf.Timestamp;

public class Read {
    public static void main(String[] arguments) throws Exception {
        if (arguments.length == 1) {
            for (int seconds = 1; seconds <= 2; seconds++) {
                Timestamp.newBuilder().setSeconds(seconds).setNanos(500).build().writeDelimitedTo(System.out);
            }
            System.out.flush();
            return;
        }
        try {
            Timestamp time;
            while ((time = Timestamp.parseDelimitedFrom(System.in)) != null) {
                System.out.print(time.getSeconds() + ":" + time.getNanos() + " ");
            }
            System.out.println("end");
        } catch (com.google.protobuf.InvalidProtocolBufferException error) {
            System.out.println("error");
        }
    }
}
JAVA
javac -cp 'jars/*' Read.java
cat >read.py <<'PY'
import sys
from google.protobuf import proto, timestamp_pb2
from google.protobuf.message import DecodeError
try:
    while (time := proto.parse_length_prefixed(timestamp_pb2.Timestamp, sys.stdin.buffer)) is not None:
        print(f'{time.seconds}:{time.nanos}', end=' ')
    print('end')
except (DecodeError, ValueError):
    print('error')
PY
cat >read.mjs <<'JS'
import { TimestampSchema } from '@bufbuild/protobuf/wkt'
import { sizeDelimitedDecodeStream } from '@bufbuild/protobuf/wire'
const found = []
try {
  for await (const time of sizeDelimitedDecodeStream(TimestampSchema, process.stdin)) found.push(`${time.seconds}:${time.nanos}`)
  found.push('end')
} catch {
  found.push('error')
}
console.log(found.join(' '))
JS
mkdir go
cat >go/main.go <<'GO'
package main

import (
	"bufio"
	"fmt"
	"io"
	"os"

	"google.golang.org/protobuf/encoding/protodelim"
	"google.golang.org/protobuf/types/known/timestamppb"
)

func main() {
	in := bufio.NewReader(os.Stdin)
	for {
		var time timestamppb.Timestamp
		switch err := protodelim.UnmarshalFrom(in, &time); err {
		case nil:
			fmt.Printf("%d:%d ", time.Seconds, time.Nanos)
		case io.EOF:
			fmt.Println("end")
			return
		default:
			fmt.Println("error")
			return
		}
	}
}
GO
(cd go && go mod init example && go get "google.golang.org/protobuf@$GO_PROTOBUF" && go build -o ../go-read .) >go.log 2>&1 || { cat go.log; exit 2; }
# A length, two bytes of seconds, three of nanoseconds; and so a second time.
java -cp 'jars/*:.' Read write >whole
[ "$(wc -c <whole)" = 12 ]
wrong=0
expect() { # NAME EXPECTED-OF-THE-CUTS COMMAND…
  local count found=()
  for count in 7 8 9 12; do found+=("$(head -c "$count" whole | "${@:3}")"); done
  echo "$1: $(IFS=';'; echo "${found[*]}")"
  [ "$(IFS=';'; echo "${found[*]}")" = "$2" ] || { echo "  changed: expected $2"; wrong=1; }
}
echo 'two messages (1:500 2:500), cut behind the second length, within its first field, between its fields; and whole'
expect "protobuf-java $JAVA_PROTOBUF" '1:500 0:0 end;1:500 error;1:500 2:0 end;1:500 2:500 end' java -cp 'jars/*:.' Read
told='1:500 error;1:500 error;1:500 error;1:500 2:500 end'
expect "Go's protobuf $GO_PROTOBUF" "$told" ./go-read
expect "PyPI's protobuf $PYTHON_PROTOBUF" "$told" python/bin/python read.py
expect "@bufbuild/protobuf $BUFBUILD" "$told" node read.mjs
exit $wrong
