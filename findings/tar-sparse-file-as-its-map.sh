#!/usr/bin/env bash
# One would guess: a library for tar archives hands out a sparse file as what it stands for, or refuses it, where it knows sparse files: GNU's older form of them has a type of its own
# (`S`), and POSIX has none, so that GNU tar writes them as plain files whose PAX header says what they are.
# What happens: of `tar -S --format=posix`, the crates `tar` 0.4.46 and `astral-tokio-tar` 0.7.0, which fill the holes of the older form, and npm's `tar` 7.5.23 and `tar-stream` 3.2.2 hand out
# a file of 1,536 bytes in place of one of 2 MiB, under the name GNUSparseFile.NUMBER/disk.img, which begins with the map of the file as a list of numbers. There is no error. In the older form npm's
# `tar` leaves the file out, and `tar-stream` hands out its data without the holes (of type null). Go's archive/tar and Python's `tarfile` have the file itself.
# Who meets it: whoever unpacks by these what was packed by `tar -S`: images of disks, databases and core dumps, of which a backup has many. What helps: no `-S`, or a look at
# the entry's PAX header for `GNU.sparse.`.
set -euo pipefail
TAR_CRATE=0.4.46 ASTRAL=0.7.0 TOKIO=1.54.1 TOKIO_STREAM=0.1.19 TAR_PACKAGE=7.5.23 TAR_STREAM=3.2.2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init -y >/dev/null
npm install --silent "tar@$TAR_PACKAGE" "tar-stream@$TAR_STREAM"
# Four bytes at its front, four in its middle, and holes.
python3 -c '
with open("disk.img", "wb") as file:
    file.write(b"HEAD")
    file.seek(1 << 20)
    file.write(b"TAIL")
    file.truncate(2 << 20)'
tar -S --hole-detection=raw --format=posix -cf posix.tar disk.img
tar -S --hole-detection=raw --format=gnu -cf gnu.tar disk.img
cat >read.py <<'PY'
import sys, tarfile
for form in 'posix', 'gnu':
    with tarfile.open(f'{form}.tar') as archive:
        for entry in archive:
            data = archive.extractfile(entry).read()
            print(f'Python tarfile, {form}: {entry.name}, {len(data)} bytes, begins {data[:4]}, TAIL at {data.find(b"TAIL")}')
PY
cat >read.mjs <<'JS'
import { createReadStream } from 'node:fs';
import * as tar from 'tar';
import tarStream from 'tar-stream';
function show(reader, form, name, parts) {
  const data = Buffer.concat(parts);
  console.log(`${reader}, ${form}: ${name}, ${data.length} bytes, begins ${JSON.stringify(data.toString('latin1', 0, 4))}, TAIL at ${data.indexOf('TAIL')}`);
}
for (const form of ['posix', 'gnu']) {
  let entries = 0;
  await tar.list({ file: `${form}.tar`, onReadEntry: (entry) => {
    const parts = [];
    entries++;
    entry.on('data', (part) => parts.push(part)).on('end', () => show('npm tar', form, entry.path, parts));
  } });
  if (!entries) console.log(`npm tar, ${form}: no file`);
  for await (const entry of createReadStream(`${form}.tar`).pipe(tarStream.extract())) {
    const parts = [];
    for await (const part of entry) parts.push(part);
    show('tar-stream', form, entry.header.name, parts);
  }
}
JS
cat >read.go <<'GO'
package main

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"os"
)

func main() {
	for _, form := range []string{"posix", "gnu"} {
		file, _ := os.Open(form + ".tar")
		archive := tar.NewReader(file)
		for {
			entry, err := archive.Next()
			if err == io.EOF {
				break
			}
			data, err := io.ReadAll(archive)
			if err != nil {
				panic(err)
			}
			fmt.Printf("Go, %s: %s, %d bytes, begins %q, TAIL at %d\n", form, entry.Name, len(data), data[:4], bytes.Index(data, []byte("TAIL")))
		}
	}
}
GO
mkdir src
cat >Cargo.toml <<TOML
[package]
name = "example"
version = "0.1.0"
edition = "2021"
[dependencies]
tar = "=$TAR_CRATE"
astral-tokio-tar = "=$ASTRAL"
tokio = { version = "=$TOKIO", features = ["rt"] }
tokio-stream = "=$TOKIO_STREAM"
[workspace]
TOML
cat >src/main.rs <<'RS'
use std::io::Read;
use tokio::io::AsyncReadExt;
use tokio_stream::StreamExt;

fn show(reader: &str, form: &str, name: &str, data: &[u8]) {
    let tail = data.windows(4).position(|four| four == b"TAIL").unwrap();
    let begins = String::from_utf8_lossy(&data[..4]);
    println!("{reader}, {form}: {name}, {} bytes, begins {begins:?}, TAIL at {tail}", data.len());
}

fn main() {
    for form in ["posix", "gnu"] {
        let bytes = std::fs::read(format!("{form}.tar")).unwrap();
        for entry in tar::Archive::new(&bytes[..]).entries().unwrap() {
            let (mut entry, mut data) = (entry.unwrap(), Vec::new());
            entry.read_to_end(&mut data).unwrap();
            show("crate tar", form, entry.path().unwrap().to_str().unwrap(), &data);
        }
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
            let mut entries = tokio_tar::Archive::new(&bytes[..]).entries().unwrap();
            while let Some(entry) = entries.next().await {
                let (mut entry, mut data) = (entry.unwrap(), Vec::new());
                entry.read_to_end(&mut data).await.unwrap();
                show("astral-tokio-tar", form, entry.path().unwrap().to_str().unwrap(), &data);
            }
        });
    }
}
RS
cargo build --quiet 2>cargo.log || { cat cargo.log; exit 2; }
{ python3 read.py; go run read.go; target/debug/example; node read.mjs; } | sed 's/GNUSparseFile\.[0-9]*/GNUSparseFile.NUMBER/' | tee seen
cat >expected <<'TEXT'
Python tarfile, posix: disk.img, 2097152 bytes, begins b'HEAD', TAIL at 1048576
Python tarfile, gnu: disk.img, 2097152 bytes, begins b'HEAD', TAIL at 1048576
Go, posix: disk.img, 2097152 bytes, begins "HEAD", TAIL at 1048576
Go, gnu: disk.img, 2097152 bytes, begins "HEAD", TAIL at 1048576
crate tar, posix: ./GNUSparseFile.NUMBER/disk.img, 1536 bytes, begins "3\n0\n", TAIL at 1024
astral-tokio-tar, posix: ./GNUSparseFile.NUMBER/disk.img, 1536 bytes, begins "3\n0\n", TAIL at 1024
crate tar, gnu: disk.img, 2097152 bytes, begins "HEAD", TAIL at 1048576
astral-tokio-tar, gnu: disk.img, 2097152 bytes, begins "HEAD", TAIL at 1048576
npm tar, posix: ./GNUSparseFile.NUMBER/disk.img, 1536 bytes, begins "3\n0\n", TAIL at 1024
tar-stream, posix: ./GNUSparseFile.NUMBER/disk.img, 1536 bytes, begins "3\n0\n", TAIL at 1024
npm tar, gnu: no file
tar-stream, gnu: disk.img, 1024 bytes, begins "HEAD", TAIL at 512
TEXT
cmp -s seen expected || { echo 'changed: expected'; cat expected; exit 1; }
