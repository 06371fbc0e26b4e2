#!/usr/bin/env bash
# One would guess: `rclone copy --files-from list source: target:` fails, or says a word, when a file of the list is not there: `rsync --files-from` has exit code 23, and `tar -T` 2.
# What happens: rclone 1.60.1 copies the others and exits with 0, without a word, for `copy` and for `move`, and also with `--no-traverse` and with `-v`, which names what was copied alone. When no file of the list is
# there, it is a success as well. `rclone copyto` of one such file has exit code 3.
# Who meets it: shippers that put the names of a batch into a list and take exit code 0 for "the batch is there", and then delete it, or store a position: a name that was misspelt,
# that a rotation renamed, or that begins with another folder is passed over. What helps: `rclone check --one-way --files-from` finds none of it either; compare the list with `rclone lsf -R` behind it.
set -euo pipefail
RCLONE=1.60.1+dfsg-2+b5
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
apt-get -qq download "rclone=$RCLONE" 2>apt.log || { cat apt.log; exit 2; }
dpkg -x rclone_*.deb root
mkdir source
echo 1 >source/one
printf 'one\ntwo\n' >list
printf 'two\nthree\n' >others
seen() { # ARGUMENTS OF RCLONE
  local status=0
  root/usr/bin/rclone --config /dev/null "$@" 2>error || status=$?
  echo "rclone $*: exit $status, the missing file is named $(grep -cE 'two|three' error || true) times; there: $(cat target/* 2>/dev/null | wc -l)"
}
{
  seen copy --files-from list source target
  seen copy -v --no-traverse --files-from list source target
  seen check --one-way --files-from list source target
  rm -r target
  seen move --files-from list source target
  seen copy --files-from others source target
} | tee seen
cat >expected <<'TEXT'
rclone copy --files-from list source target: exit 0, the missing file is named 0 times; there: 1
rclone copy -v --no-traverse --files-from list source target: exit 0, the missing file is named 0 times; there: 1
rclone check --one-way --files-from list source target: exit 0, the missing file is named 0 times; there: 1
rclone move --files-from list source target: exit 0, the missing file is named 0 times; there: 1
rclone copy --files-from others source target: exit 0, the missing file is named 0 times; there: 1
TEXT
cmp -s seen expected || { echo 'changed: expected'; cat expected; exit 1; }
