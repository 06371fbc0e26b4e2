#!/bin/bash
# __NAME__: __TITLE__.
set -euo pipefail

if [ "${1:-}" != consume ]; then
    # Runs this script again with `consume`, commits what that prints, and runs it anew whenever it ends.
    exec __PUT__ -- bash "$0" consume
fi

