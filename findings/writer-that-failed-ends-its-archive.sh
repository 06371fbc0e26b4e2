#!/usr/bin/env bash
# One would guess: an archive whose writer stopped at an error has no end, as with Python's `with tarfile.open(mode="w|")`; so whoever asks for the
# two blocks of zeros at the end of a tar archive, or for the trailer of gzip, can tell half of a batch from all of it.
# What happens: the writers of other languages end what they have when they go out of scope. An early `?` in Rust (crate `tar` 0.4.46, and compressed
# by `flate2` 1.1.9, too), an exception in Java's `try (TarArchiveOutputStream …)` (commons-compress 1.28.0) and Go's `defer Close()` each leave a whole
# archive. Within an entry, Java and Go leave the end out; Rust writes it there, and 1,024 zeros become the rest of the file: GNU tar and Python's
# `tarfile` read 600 bytes of which 500 were never there, and exit with 0.
# Who meets it: producers whose source fails between two files. Half of a batch arrives as a whole one. What helps is a last entry that says so, or a writer
# that is forgotten (`std::mem::forget`), not closed, on the way of an error.
set -euo pipefail
TAR_CRATE=0.4.46 FLATE2=1.1.9 COMPRESS=1.28.0 COMMONS_IO=2.20.0 COMMONS_LANG=3.18.0
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
mkdir -p rust/src go java/jars
cat >rust/Cargo.toml <<TOML
[package]
name = "rust"
version = "0.0.0"
edition = "2021"
[dependencies]
tar = { version = "=$TAR_CRATE", default-features = false }
flate2 = "=$FLATE2"
[workspace]
TOML
cat >rust/src/main.rs <<'RS'
use std::fs::File;
use std::io::{Error, Read, Result, Write};

/// Gives 100 bytes, then fails.
struct Source(usize);

impl Read for Source {
    fn read(&mut self, into: &mut [u8]) -> Result<usize> {
        let count = self.0.min(into.len());
        into[..count].fill(b'x');
        self.0 -= count;
        if count == 0 { Err(Error::other("the source is gone")) } else { Ok(count) }
    }
}

fn header(size: u64) -> tar::Header {
    let mut header = tar::Header::new_ustar();
    header.set_size(size);
    header.set_mode(0o644);
    header
}

fn between(out: impl Write) -> Result<()> {
    let mut archive = tar::Builder::new(out);
    archive.append_data(&mut header(2), "orders.csv", &b"1\n"[..])?;
    Err(Error::other("the source is gone"))?;
    archive.append_data(&mut header(2), "total.csv", &b"1\n"[..])?;
    archive.finish()
}

fn inside(out: impl Write) -> Result<()> {
    let mut archive = tar::Builder::new(out);
    archive.append_data(&mut header(600), "readings", Source(100))?;
    archive.finish()
}

fn main() {
    let create = |name| File::create(name).unwrap();
    between(create("rust-between.tar")).unwrap_err();
    between(flate2::write::GzEncoder::new(create("rust-between.tar.gz"), flate2::Compression::fast())).unwrap_err();
    inside(create("rust-inside.tar")).unwrap_err();
}
RS
cat >go/main.go <<'GO'
package main

import (
	"archive/tar"
	"errors"
	"os"
)

func write(name string, inside bool) error {
	file, err := os.Create(name)
	if err != nil {
		panic(err)
	}
	defer file.Close()
	archive := tar.NewWriter(file)
	defer archive.Close()
	for _, entry := range []string{"orders.csv", "total.csv"} {
		gone := entry == "total.csv"
		if gone && !inside {
			return errors.New("the source is gone")
		}
		if err := archive.WriteHeader(&tar.Header{Name: entry, Size: 2, Mode: 0o644}); err != nil {
			return err
		}
		if gone {
			return errors.New("the source is gone")
		}
		if _, err := archive.Write([]byte("1\n")); err != nil {
			return err
		}
	}
	return nil
}

func main() {
	for name, inside := range map[string]bool{"go-between.tar": false, "go-inside.tar": true} {
		if write(name, inside) == nil {
			panic("nothing failed")
		}
	}
}
GO
cat >java/Archives.java <<'JAVA'
import java.io.*;
import org.apache.commons.compress.archivers.tar.*;

public class Archives {
    static void write(String name, boolean inside) throws IOException {
        try (var archive = new TarArchiveOutputStream(new FileOutputStream(name))) {
            for (var file : new String[] {"orders.csv", "total.csv"}) {
                boolean gone = file.equals("total.csv");
                if (gone && !inside) throw new EOFException();
                var entry = new TarArchiveEntry(file);
                entry.setSize(2);
                archive.putArchiveEntry(entry);
                if (gone) throw new EOFException();
                archive.write("1\n".getBytes());
                archive.closeArchiveEntry();
            }
        }
    }

    public static void main(String[] arguments) throws IOException {
        for (var inside : new boolean[] {false, true}) {
            try {
                write(inside ? "java-inside.tar" : "java-between.tar", inside);
                throw new AssertionError("nothing failed");
            } catch (EOFException expected) {
            }
        }
    }
}
JAVA
for jar in org.apache.commons:commons-compress:$COMPRESS commons-io:commons-io:$COMMONS_IO org.apache.commons:commons-lang3:$COMMONS_LANG; do
  mvn -q -B org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy -Dartifact="$jar" -DoutputDirectory="$dir/java/jars" >mvn.log || { cat mvn.log; exit 2; }
done
CARGO_TARGET_DIR=$dir/target cargo run --quiet --manifest-path rust/Cargo.toml 2>cargo.log || { cat cargo.log; exit 2; }
go run go/main.go
java -cp 'java/jars/*' java/Archives.java

wrong=0
expect() { # NAME EXPECTED FOUND
  echo "$1: $3"
  [ "$2" = "$3" ] || { echo "  changed: expected $2"; wrong=1; }
}
zeros_at_the_end() { tail -c 1024 "$1" | tr -d '\0' | wc -c | sed 's/^0$/ends with two blocks of zeros/; t; s/.*/has no end/'; }
echo "crates tar $TAR_CRATE and flate2 $FLATE2, $(go version | cut -d' ' -f3), commons-compress $COMPRESS"
for language in rust go java; do
  expect "$language, an error between two files" 'ends with two blocks of zeros' "$(zeros_at_the_end $language-between.tar)"
done
for language in go java; do
  expect "$language, an error within a file" 'has no end' "$(zeros_at_the_end $language-inside.tar)"
done
expect 'rust, compressed, by gzip -t and GNU tar' orders.csv "$(gzip -t rust-between.tar.gz && tar tzf rust-between.tar.gz)"
expect "rust, an error within a file, by $(tar --version | head -1)" '600 bytes, 500 of them zeros' \
  "$(tar xOf rust-inside.tar >tar.out && echo "$(wc -c <tar.out) bytes, $(tr -dc '\0' <tar.out | wc -c) of them zeros")"
expect "rust, an error within a file, by Python $(python3 -c 'import platform; print(platform.python_version())')" '600 bytes, 500 of them zeros' \
  "$(python3 -c 'import tarfile; data = tarfile.open("rust-inside.tar").extractfile("readings").read(); print(len(data), "bytes,", data.count(0), "of them zeros")')"
exit $wrong
