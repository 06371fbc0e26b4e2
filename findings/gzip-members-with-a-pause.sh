#!/usr/bin/env bash
# One would guess: Java's GZIPInputStream reads a gzip file of several members to its end, whatever it comes from: it has done so since Java 6, and
# waiting for bytes is what a stream is for.
# What happens: in Java 17 it asks `available()` behind each member. Where nothing is there at that moment, the stream has ended, without a word: from
# a pipe or a socket the first member alone is read when the writer makes a pause there, all of them when it makes none. The same bytes from a file are whole.
# Who meets it: readers of logs and exports over a connection whose writer ends a member at each flush: they get another part of it each time.
# Go's `gzip.Reader` and Node's `createGunzip` wait.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
cat >Unpack.java <<'JAVA'
import java.util.zip.GZIPInputStream;

public class Unpack {
    public static void main(String[] none) throws Exception {
        try (var in = new GZIPInputStream(System.in)) {
            in.transferTo(System.out);
        }
    }
}
JAVA
javac Unpack.java
cat >unpack.go <<'GO'
package main

import (
	"compress/gzip"
	"io"
	"os"
)

func main() {
	in, err := gzip.NewReader(os.Stdin)
	if err != nil {
		panic(err)
	}
	if _, err := io.Copy(os.Stdout, in); err != nil {
		panic(err)
	}
}
GO
go build -o go unpack.go
echo "process.stdin.pipe(require('zlib').createGunzip()).pipe(process.stdout)" >unpack.js
echo one | gzip >one.gz
echo two | gzip >two.gz
cat one.gz two.gz >both.gz
# The first member is read before the second one is written; a reader that has ended is no fault of the writer's.
with_a_pause() { # NAME COMMAND…
  mkfifo "$1"
  # shellcheck disable=SC2094 # it is a FIFO
  "${@:2}" <"$1" >"$1.out" &
  local reader=$!
  exec 3>"$1"
  cat one.gz >&3
  for _ in $(seq 600); do
    if ! kill -0 "$reader" 2>/dev/null || { [ "$1" != java ] && [ -s "$1.out" ]; }; then break; fi
    sleep 0.1
  done
  cat two.gz >&3 2>/dev/null || true
  exec 3>&-
  wait "$reader"
  xargs <"$1.out"
}
trap '' PIPE
wrong=0
expect() { # NAME EXPECTED FOUND
  echo "$1: $3"
  [ "$2" = "$3" ] || { echo "  changed: expected $2"; wrong=1; }
}
java=$(java --version | head -1)
expect "$java, from a file" 'one two' "$(java Unpack <both.gz | xargs)"
expect "$java, with a pause between the members" one "$(with_a_pause java java Unpack)"
expect "$(go version | cut -d' ' -f3), with a pause" 'one two' "$(with_a_pause golang ./go)"
expect "Node $(node --version), with a pause" 'one two' "$(with_a_pause node node unpack.js)"
exit $wrong
