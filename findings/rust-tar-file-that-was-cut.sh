#!/usr/bin/env bash
# One would guess: a reader of a tar archive whose stream ends inside a file gives an error where the file is read: the header says how long it is, and Go's
# archive/tar, Java's commons-compress and Python's `tarfile` (`mode="r|"`) have one there.
# What happens: the crates `tar` 0.4.46, `tokio-tar` 0.3.1 and `astral-tokio-tar` 0.5.6 end the file where the stream ends, with `Ok` and as many bytes as there
# were. The error is at the next entry: whoever wants one file and stops there, or handles each file as it comes, has half of it for the whole. `unpack` notices.
# Who meets it: programs in Rust that read archives from a connection, such as an export, a layer of an image or `docker cp`, without writing files. What
# helps: compare what was read with `entry.header().size()`, or ask for the next entry before the file counts.
set -euo pipefail
TAR_CRATE=0.4.46 TOKIO_TAR=0.3.1 ASTRAL=0.5.6 TOKIO=1.54.1 TOKIO_STREAM=0.1.19 COMPRESS=1.28.0 COMMONS_IO=2.20.0 COMMONS_LANG=3.18.0
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
mkdir -p rust/src
cat >rust/Cargo.toml <<TOML
[package]
name = "rust"
version = "0.0.0"
edition = "2021"
[dependencies]
tar = { version = "=$TAR_CRATE", default-features = false }
tokio-tar = "=$TOKIO_TAR"
astral = { package = "astral-tokio-tar", version = "=$ASTRAL", default-features = false }
tokio = { version = "=$TOKIO", features = ["rt", "io-std", "io-util", "macros"] }
tokio-stream = "=$TOKIO_STREAM"
[workspace]
TOML
cat >rust/src/main.rs <<'RS'
use std::io::Read;
use tokio::io::AsyncReadExt;
use tokio_stream::StreamExt;

macro_rules! by_tokio {
    ($library:ident) => {{
        let mut entries = $library::Archive::new(tokio::io::stdin()).entries().unwrap();
        let mut bytes = Vec::new();
        let read = entries.next().await.unwrap().unwrap().read_to_end(&mut bytes).await;
        let next = entries.next().await;
        (read, next.is_some_and(|entry| entry.is_err()))
    }};
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let (read, next) = match std::env::args().nth(1).unwrap().as_str() {
        "tar" => {
            let mut archive = tar::Archive::new(std::io::stdin());
            let mut entries = archive.entries().unwrap();
            let mut bytes = Vec::new();
            let read = entries.next().unwrap().unwrap().read_to_end(&mut bytes);
            (read, entries.next().is_some_and(|entry| entry.is_err()))
        }
        "tokio-tar" => by_tokio!(tokio_tar),
        "astral" => by_tokio!(astral),
        _ => {
            let unpacked = tar::Archive::new(std::io::stdin()).unpack("unpacked");
            println!("{}", if unpacked.is_ok() { "unpacked" } else { "error" });
            std::process::exit(0);
        }
    };
    match read {
        Ok(count) => println!("{count} bytes, {}", if next { "then an error" } else { "then no error" }),
        Err(_) => println!("error"),
    }
    std::process::exit(0);
}
RS
cat >Read.java <<'JAVA'
import java.io.IOException;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;

public class Read {
    public static void main(String[] none) throws Exception {
        try (var archive = new TarArchiveInputStream(System.in)) {
            archive.getNextEntry();
            System.out.println(archive.readAllBytes().length + " bytes");
        } catch (IOException error) {
            System.out.println("error");
        }
    }
}
JAVA
cat >read.go <<'GO'
package main

import (
	"archive/tar"
	"fmt"
	"io"
	"os"
)

func main() {
	archive := tar.NewReader(os.Stdin)
	if _, err := archive.Next(); err != nil {
		panic(err)
	}
	if bytes, err := io.ReadAll(archive); err != nil {
		fmt.Println("error")
	} else {
		fmt.Println(len(bytes), "bytes")
	}
}
GO
cat >read.py <<'PY'
import sys
import tarfile
archive = tarfile.open(fileobj=sys.stdin.buffer, mode='r|')
try:
    print(len(archive.extractfile(archive.next()).read()), 'bytes')
except tarfile.ReadError:
    print('error')
PY
for jar in "org.apache.commons:commons-compress:$COMPRESS" "commons-io:commons-io:$COMMONS_IO" "org.apache.commons:commons-lang3:$COMMONS_LANG"; do
  mvn -q -B org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy "-Dartifact=$jar" -DoutputDirectory="$dir/jars" >mvn.log || { cat mvn.log; exit 2; }
done
CARGO_TARGET_DIR=$dir/target cargo build --quiet --manifest-path rust/Cargo.toml 2>cargo.log || { cat cargo.log; exit 2; }
seq 1000 >first
seq 1000 >second
tar --format=ustar -cf whole.tar first second
# The header takes 512 bytes; 1,000 of the first file's 3,893 follow.
head -c 1512 whole.tar >cut.tar
wrong=0
expect() { # NAME EXPECTED COMMAND…
  local found
  found=$("${@:3}" <cut.tar)
  echo "$1: $found"
  [ "$found" = "$2" ] || { echo "  changed: expected $2"; wrong=1; }
}
echo 'a file of 3,893 bytes, cut behind 1,000'
expect "crate tar $TAR_CRATE" '1000 bytes, then an error' target/debug/rust tar
expect "crate tokio-tar $TOKIO_TAR" '1000 bytes, then an error' target/debug/rust tokio-tar
expect "crate astral-tokio-tar $ASTRAL" '1000 bytes, then an error' target/debug/rust astral
expect "crate tar $TAR_CRATE, unpack" error target/debug/rust unpack
expect "commons-compress $COMPRESS" error java -cp 'jars/*' Read.java
expect "$(go version | cut -d' ' -f3)" error go run read.go
expect "Python $(python3 -c 'import platform; print(platform.python_version())') tarfile" error python3 read.py
exit $wrong
