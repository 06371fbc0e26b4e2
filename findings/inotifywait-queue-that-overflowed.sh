#!/usr/bin/env bash
# One would guess: `inotifywait -m` prints every event of the directory it watches, or says that it missed some: the kernel tells whoever reads its queue
# that the queue was full (`IN_Q_OVERFLOW`).
# What happens: in 3.22.6.0 that event is swallowed, with `-e close_write` and without any `-e`. Nothing stands on standard output or standard error, and the program
# goes on. While its output was not taken, 20,000 files were closed: it prints as many events as the queue holds (16,384 on Debian), and is silent about the rest.
# Who meets it: whoever sends each new file somewhere by `inotifywait … | while read`. A slow step, or a pause, and a burst behind it, and files stay where
# they are for ever. Without `-e`, three events a file fill the queue with a third of them. What helps: look at the whole directory again when it is quiet.
set -euo pipefail
TOOLS=3.22.6.0-4
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
apt-get -qq download "inotify-tools=$TOOLS" "libinotifytools0=$TOOLS" 2>apt.log || { cat apt.log; exit 2; }
for package in *.deb; do dpkg -x "$package" root; done
libraries=$(dirname "$(find root -name 'libinotifytools.so.0')")
queue=$(cat /proc/sys/fs/inotify/max_queued_events)
files=$((queue + 3616))
alive() { kill -0 "$watcher" 2>/dev/null || { cat errors >&2; exit 2; }; }
watch() { # OPTION…
  rm -rf watched && mkdir watched
  : >events 2>errors
  LD_LIBRARY_PATH=$libraries root/usr/bin/inotifywait -m "$@" --format '%e %f' watched >events 2>errors &
  watcher=$!
  # This is a shell of its own, whose variables the trap above does not see.
  trap 'kill -KILL "$watcher" 2>/dev/null || true' EXIT
  until grep -q 'Watches established' errors; do alive; sleep 0.1; done
  kill -STOP "$watcher"
  python3 -c "
for number in range($files):
    open(f'watched/{number}', 'w').close()"
  kill -CONT "$watcher"
  # Something that comes behind the overflow is printed, so all that will be is.
  until grep -q ' the-last$' events; do alive; touch watched/the-last; sleep 0.5; done
  kill "$watcher"
  wait "$watcher" 2>/dev/null || true
  grep -v ' the-last$' events >of_files || true
  echo "$(($(wc -l <of_files))) events of $(cut -d ' ' -f 2 of_files | sort -u | wc -l) files; about an overflow: $(grep -ci overflow events errors | cut -d : -f 2 | xargs)"
}
wrong=0
expect() { # WHAT EXPECTED FOUND
  echo "$1: $3"
  [ "$2" = "$3" ] || { echo "  changed: expected $2"; wrong=1; }
}
echo "inotifywait $TOOLS, $files files while it stood still, a queue of $queue"
expect 'with -e close_write' "$queue events of $queue files; about an overflow: 0 0" "$(watch -e close_write)"
expect 'with all events' "$queue events of $(((queue + 2) / 3)) files; about an overflow: 0 0" "$(watch)"
exit $wrong
