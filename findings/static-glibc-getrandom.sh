#!/usr/bin/env bash
# One would guess: a static binary of Rust for x86_64-unknown-linux-gnu has random numbers from the system call getrandom, which every
# Linux since 3.17 has, and so needs no file for them: it runs `FROM scratch`.
# What happens: the crate `getrandom` 0.3.4 looks for the C library's function by `dlsym`, which finds nothing in a program that is
# linked statically, and then goes without the system call: it reads /dev/random and /dev/urandom, and fails where there is no /dev. With
# `--cfg getrandom_backend="linux_getrandom"` the same program runs.
# Who meets it: people who put a static binary, not one of musl, into an empty root: the first UUID that is made (crate `uuid`) ends
# the program. In containers with a /dev it goes unnoticed.
set -euo pipefail
GETRANDOM=0.3.4
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
mkdir -p src root
cat >Cargo.toml <<TOML
[package]
name = "random"
version = "0.0.0"
edition = "2021"
[dependencies]
getrandom = "=$GETRANDOM"
TOML
cat >src/main.rs <<'RS'
fn main() {
    match getrandom::fill(&mut [0; 16]) {
        Ok(()) => println!("ok"),
        Err(error) => println!("{error}"),
    }
}
RS
wrong=0
seen() { # NAME EXPECTED FLAGS
  local found
  RUSTFLAGS="-C target-feature=+crt-static $3" cargo build --quiet --target x86_64-unknown-linux-gnu
  cp target/x86_64-unknown-linux-gnu/debug/random root/random
  found=$(unshare --map-root-user --root=root /random)
  echo "$1: $found"
  [ "$found" = "$2" ] || { echo "  changed: expected $2"; wrong=1; }
}
rustc --version
seen "getrandom $GETRANDOM, static, an empty root" 'OS Error: 2' ''
seen "the same, by the system call alone" ok '--cfg getrandom_backend="linux_getrandom"'
exit $wrong
