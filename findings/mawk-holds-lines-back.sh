#!/usr/bin/env bash
# One would guess: `… | awk '{ print; fflush() }' | consumer` hands on each line when it comes: what awk holds back is its output, and fflush() is there for that.
# What happens: Debian's awk, mawk 1.3.4-20200120, reads a pipe until 4,096 bytes are there or the pipe has ended, and has no line before that: with 60 bytes a line, the first one
# is handed on when 68 more have come. With `-W interactive` it reads by the line. gawk 5.2.1 and busybox 1.35.0 need fflush() alone.
# Who meets it: `tail -F log | awk … | spout`: what a quiet hour brings lies in awk, and is lost with it when it is killed. In a container `awk` is often mawk, and gawk on
# the desk.
set -euo pipefail
MAWK=1.3.4.20200120-3.1 GAWK=1:5.2.1-2 BUSYBOX=1:1.35.0-4+deb12u1+b1
dir=$(mktemp -d)
trap 'kill "${reader:-}" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$dir"' EXIT
cd "$dir"
apt-get -qq download "mawk=$MAWK" "gawk=$GAWK" "busybox=$BUSYBOX" libsigsegv2=2.14-1 libmpfr6=4.2.0-1 2>apt.log || { cat apt.log; exit 2; }
for package in *.deb; do dpkg -x "$package" root; done
LD_LIBRARY_PATH=$(find "$dir/root" -name '*.so.*' -printf '%h\n' | sort -u | paste -sd:)
export LD_LIBRARY_PATH
mkfifo pipe
# Lines of 60 bytes, each sent when it is known whether the one before was handed on: at once for who reads by the line, never for who waits for more.
seen() { # NAME COMMAND
  : >out
  "${@:2}" '{ print; fflush() }' <pipe >out &
  reader=$!
  exec 3>pipe
  local sent=0
  until [ -s out ] || [ "$sent" = 100 ]; do
    printf '%059d\n' "$sent" >&3
    sent=$((sent + 1))
    for _ in 1 2 3 4 5; do
      if [ -s out ]; then break; fi
      sleep 0.1
    done
  done
  exec 3>&-
  wait "$reader"
  if [ "$sent" -lt 10 ]; then sent='less than 10'; fi
  echo "$1: first line handed on after $sent lines, of all $(wc -l <out | sed 's/^[0-9]$/less than 10/')"
}
{
  seen 'mawk' root/usr/bin/mawk
  seen 'mawk -W interactive' root/usr/bin/mawk -W interactive
  seen 'gawk' root/usr/bin/gawk
  seen 'busybox awk' root/bin/busybox awk
} | tee found
cat >expected <<'TEXT'
mawk: first line handed on after 69 lines, of all 69
mawk -W interactive: first line handed on after less than 10 lines, of all less than 10
gawk: first line handed on after less than 10 lines, of all less than 10
busybox awk: first line handed on after less than 10 lines, of all less than 10
TEXT
cmp -s found expected || { echo 'changed: expected'; cat expected; exit 1; }
