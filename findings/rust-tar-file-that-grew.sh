#!/usr/bin/env bash
# One would guess: a writer of tar archives that has put a file's size into its header writes so many bytes, or fails: a log may grow
# between the two, and files of /proc say that they have 0 bytes. Python's `tarfile` and GNU tar write what the header says.
# What happens: the crate `tar` 0.4.46 (`append_path_with_name`, `append_data`) copies whatever the file gives and returns `Ok`. Behind a file
# of /proc its bytes stand where the next header has to be: GNU tar says so, and Python's `tarfile` reads the first entry, says nothing
# and exits with 0, as if there were no more files. So it is with a log that grew past its last block of 512 bytes.
# Who meets it: producers in Rust that pack files which are still written to, or the state of a machine. Whoever reads such an archive by
# `tarfile` has lost every file behind the one that grew.
set -euo pipefail
TAR_CRATE=0.4.46
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
mkdir -p writer/src
cat >writer/Cargo.toml <<TOML
[package]
name = "writer"
version = "0.0.0"
edition = "2021"
[dependencies]
tar = { version = "=$TAR_CRATE", default-features = false }
[workspace]
TOML
cat >writer/src/main.rs <<'RS'
use std::io::Cursor;

fn header(size: u64) -> tar::Header {
    let mut header = tar::Header::new_ustar();
    header.set_size(size);
    header.set_mode(0o644);
    header
}

fn main() {
    let mut of_proc = tar::Builder::new(std::fs::File::create("proc.tar").unwrap());
    println!("  a file of /proc: {:?}", of_proc.append_path_with_name("/proc/version", "version"));
    println!("  the next file: {:?}", of_proc.append_data(&mut header(3), "next", Cursor::new("end")));
    of_proc.finish().unwrap();

    // The header is made of a log of 10 bytes, which has 1,000 lines when it is read.
    let mut of_log = tar::Builder::new(std::fs::File::create("log.tar").unwrap());
    println!("  a log that grew: {:?}", of_log.append_data(&mut header(10), "log", Cursor::new("one line\n".repeat(1000))));
    println!("  the next file: {:?}", of_log.append_data(&mut header(3), "next", Cursor::new("end")));
    of_log.finish().unwrap();
}
RS
echo "crate tar $TAR_CRATE writes"
CARGO_TARGET_DIR=$dir/target cargo run --quiet --manifest-path writer/Cargo.toml 2>cargo.log | tee written || { cat cargo.log; exit 2; }
wrong=0
[ "$(grep -c 'Ok(())' written)" = 4 ] || { echo "  changed: expected four Ok(())"; wrong=1; }
expect() { # EXPECTED-STATUS EXPECTED-NAMES NAME COMMAND…
  local status=0 names
  names=$(set +e; "${@:4}" 2>/dev/null | xargs; exit "${PIPESTATUS[0]}") || status=$?
  echo "$3: $names, exit $status"
  [ "$status $names" = "$1 $2" ] || { echo "  changed: expected $2, exit $1"; wrong=1; }
}
for archive in proc.tar log.tar; do
  expect 0 "$([ $archive = proc.tar ] && echo version || echo log)" \
    "Python $(python3 -c 'import platform; print(platform.python_version())') tarfile, $archive" python3 -m tarfile -l $archive
  expect 2 "$([ $archive = proc.tar ] && echo version || echo log) next" "$(tar --version | head -1), $archive" tar tf $archive
done
exit $wrong
