#!/usr/bin/env bash
# One would guess: `tail -F`, which is there for logs that are rotated, reads the old file for as long as nothing stands at its name, or to its
# end before it turns to the new one: a program writes to the renamed file until it is told to open a new one.
# What happens: GNU tail 9.1 closes the old file when it is renamed. What is written there until the new one is opened is never printed,
# whether or not there is a new file meanwhile. It says "has become inaccessible", and nothing of lines. The Go library
# `github.com/nxadm/tail` v1.4.11 with `ReOpen` does the same.
# Who meets it: whoever ships by tail a log that is renamed while a program writes to it: each rotation loses what is logged between the renaming and the
# moment at which the program opens its new file.
set -euo pipefail
COREUTILS=9.1-1 NXADM=v1.4.11
dir=$(mktemp -d)
trap 'kill "${reader:-}" 2>/dev/null || true; wait 2>/dev/null || true; chmod -R u+w "$dir"; rm -rf "$dir"' EXIT
cd "$dir"
apt-get -qq download "coreutils=$COREUTILS" 2>apt.log || { cat apt.log; exit 2; }
dpkg -x coreutils_*.deb root
mkdir go
cat >go/main.go <<'GO'
package main

import (
	"fmt"

	"github.com/nxadm/tail"
)

func main() {
	file, err := tail.TailFile("log", tail.Config{Follow: true, ReOpen: true})
	if err != nil {
		panic(err)
	}
	for line := range file.Lines {
		fmt.Println(line.Text)
	}
}
GO
(cd go && go mod init example && go get "github.com/nxadm/tail@$NXADM" && go build -o ../nxadm .) >go.log 2>&1 || { cat go.log; exit 2; }
wait_for() { # WORD FILE
  for _ in $(seq 600); do
    if grep -q "$1" "$2"; then return; fi
    kill -0 "$reader"
    sleep 0.1
  done
  echo "no \"$1\" in $2"; exit 2
}
wrong=0
rotated() { # NAME WHEN-THE-NEW-FILE-IS-THERE NUMBER-OF-WATCHES WORD-ABOUT-THE-RENAMING COMMAND…
  local found
  rm -f log log.1
  echo before >log
  "${@:5}" >out 2>err &
  reader=$!
  wait_for before out
  # What is renamed before it watches is another matter.
  until [ "$(cat "/proc/$reader/fdinfo/"* 2>/dev/null | grep -c '^inotify wd')" -ge "$3" ]; do
    kill -0 "$reader"
    sleep 0.1
  done
  exec 3>>log # the program that writes the log
  echo 'just before' >&3
  wait_for 'just before' out
  mv log log.1
  [ "$2" = later ] || touch log
  wait_for "$4" err
  echo 'written to the renamed file' >&3
  exec 3>>log # it is told to open its log anew
  echo behind >&3
  wait_for behind out
  kill "$reader"
  wait "$reader" || true
  found=$(paste -sd, out)
  echo "$1, the new file $2: $found"
  [ "$found" = 'before,just before,behind' ] || { echo '  changed: expected before,just before,behind'; wrong=1; }
}
for when in later 'at once'; do
  rotated "GNU tail ${COREUTILS%-*} -F" "$when" 2 "'log' has" root/usr/bin/tail -n +1 -F log
  rotated "nxadm/tail $NXADM" "$when" 1 'Re-opening moved' ./nxadm
done
exit $wrong
