#!/usr/bin/env bash
# One would guess: MESSAGE is a text in each line of `journalctl -o json`; a character that JSON has no place for is escaped, as \u001b is.
# What happens: in systemd 252 a field with any control character but a tab or a newline, or with a byte that is no UTF-8, is a list of the numbers of its bytes: of a line in colour, one that ends in a carriage return, one
# with a bell. A field that an entry has twice is a list of texts. `--all` changes nothing of it. The manual of journalctl has it, in the middle of a table; `-o export` has the bytes.
# Who meets it: readers of the journal as JSON, whose type for MESSAGE is a text: programs that write colours also when they are no terminal, and tools from Windows, are enough. `jq -r .MESSAGE` prints 18
# lines for one; a search for a word does not find it. What helps: `-o export`, or a reader that takes all three.
set -euo pipefail
REMOTE=252.39-1~deb12u2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
apt-get -qq download "systemd-journal-remote=$REMOTE" "systemd=$REMOTE" "libsystemd-shared=$REMOTE" "libsystemd0=$REMOTE" libmicrohttpd12=0.9.75-6 2>apt.log || { cat apt.log; exit 2; }
for package in *.deb; do dpkg -x "$package" root; done
LD_LIBRARY_PATH=$(find "$dir/root" -name '*.so*' -printf '%h\n' | sort -u | paste -sd:)
export LD_LIBRARY_PATH
# A journal without a journald: its own tool for journals of other machines makes one of the export format.
cat >export.py <<'PY'
import struct, sys
messages = [b'plain', b'a tab:\t.', b'two\nlines', b'\x1b[31mred\x1b[0m', b'carriage return\r', b'bell\a', b'caf\xe9', 'café'.encode()]
for n, message in enumerate(messages):
    field = b'MESSAGE\n' + struct.pack('<Q', len(message)) + message
    tags = b'TAG=a\nTAG=b\n' if n == 0 else b'TAG=a\n'
    sys.stdout.buffer.write(b'__REALTIME_TIMESTAMP=%d\n__MONOTONIC_TIMESTAMP=%d\n_BOOT_ID=%032x\n%s%s\n\n' %
                            (1700000000000000 + n, 1 + n, 1, tags, field))
PY
python3 export.py | root/lib/systemd/systemd-journal-remote --output=file.journal - 2>remote.log || { cat remote.log; exit 2; }
cat >show.py <<'PY'
import json, sys
for line in sys.stdin:
    entry = json.loads(line)
    print(json.dumps(entry['MESSAGE'], ensure_ascii=False), json.dumps(entry['TAG']))
PY
{
  root/bin/journalctl --file file.journal -o json --no-pager | python3 show.py
  if [ "$(root/bin/journalctl --file file.journal -o json --all --no-pager | python3 show.py | head -4 | tail -1 | cut -c1)" = '[' ]; then echo 'with --all, the same'; fi
  echo "of -o export, bytes as they are: $(root/bin/journalctl --file file.journal -o export --no-pager | grep -ac $'\e\[31mred\e\[0m')"
} | tee seen
cat >expected <<'TEXT'
"plain" ["a", "b"]
"a tab:\t." "a"
"two\nlines" "a"
[27, 91, 51, 49, 109, 114, 101, 100, 27, 91, 48, 109] "a"
[99, 97, 114, 114, 105, 97, 103, 101, 32, 114, 101, 116, 117, 114, 110, 13] "a"
[98, 101, 108, 108, 7] "a"
[99, 97, 102, 233] "a"
"café" "a"
with --all, the same
of -o export, bytes as they are: 1
TEXT
cmp -s seen expected || { echo 'changed: expected'; cat expected; exit 1; }
