#!/usr/bin/env bash
# One would guess: a schedule of cron means the same days to the library that Pachyderm has for cron inputs and to a newer version of it, which
# Kubernetes has for CronJobs; and a period that cannot be kept is refused.
# What happens: `0 0 */2 * 1` is "Mondays that are odd days" for `github.com/robfig/cron` 1.2.0, and "odd days, and Mondays" for version 3.0.1 and
# PyPI's `croniter` 7.0.0: a step takes the star's meaning away from them. `@every 1900ms` is every second for both versions, and so is `@every -5s`;
# `0 0 31 2 *` is taken and never comes.
# Who meets it: whoever moves a schedule between a cron input, a CronJob and a scheduler in Python. In a December of 31 days that begins on a Tuesday the one makes 2 commits, the other 18.
set -euo pipefail
OLD=v1.2.0 NEW=v3.0.1 CRONITER=7.0.0
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check "croniter==$CRONITER"
program() { # MODULE VERSION
  mkdir "$2"
  cat >"$2/main.go" <<GO
package main

import (
	"fmt"
	"os"
	"time"

	cron "$1"
)

func main() {
	schedule, err := cron.ParseStandard(os.Args[1])
	if err != nil {
		fmt.Println("refused")
		return
	}
	at := time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)
	for i := 0; i < 4; i++ {
		if at = schedule.Next(at); at.IsZero() {
			fmt.Print("never")
			break
		}
		fmt.Print(at.Format("01-02T15:04:05 "))
	}
	fmt.Println()
}
GO
  (cd "$2" && go mod init example.invalid/cron && go get "$1@$2" && go build -o "../cron-$2" .) >/dev/null 2>&1
}
program github.com/robfig/cron "$OLD"
program github.com/robfig/cron/v3 "$NEW"
cat >next.py <<'PY'
import croniter, datetime, sys
try:
    times = croniter.croniter(sys.argv[1], datetime.datetime(2026, 12, 1, 12))
    print(*(times.get_next(datetime.datetime).strftime('%m-%dT%H:%M:%S') for _ in range(4)), '')
except croniter.CroniterBadDateError:
    print('never')
PY
wrong=0
seen() { # NAME EXPECTED COMMAND…
  local found
  found=$("${@:3}")
  echo "  $1: $found"
  [ "${found% }" = "$2" ] || { echo "  changed: expected $2"; wrong=1; }
}
schedule='0 0 */2 * 1'
echo "$schedule, from Tuesday, December 1st, at noon:"
seen "robfig/cron $OLD" '12-07T00:00:00 12-21T00:00:00 01-11T00:00:00 01-25T00:00:00' "./cron-$OLD" "$schedule"
seen "robfig/cron $NEW" '12-03T00:00:00 12-05T00:00:00 12-07T00:00:00 12-09T00:00:00' "./cron-$NEW" "$schedule"
seen "croniter $CRONITER" '12-03T00:00:00 12-05T00:00:00 12-07T00:00:00 12-09T00:00:00' python/bin/python next.py "$schedule"
for schedule in '@every 1900ms' '@every -5s'; do
  echo "$schedule:"
  for version in "$OLD" "$NEW"; do
    seen "robfig/cron $version" '12-01T12:00:01 12-01T12:00:02 12-01T12:00:03 12-01T12:00:04' "./cron-$version" "$schedule"
  done
done
schedule='0 0 31 2 *'
echo "$schedule:"
for version in "$OLD" "$NEW"; do
  seen "robfig/cron $version" never "./cron-$version" "$schedule"
done
exit $wrong
