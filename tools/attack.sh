#!/bin/sh
# Attacks hydrapin guard, and prints the table of what was tried and what ran. Arguments go to
# go test, as in: tools/attack.sh -run 'TestAttack/table/replays'
set -eu
cd "$(dirname "$0")/.."
report=$(mktemp)
trap 'rm -f "$report"' EXIT
status=0
[ $# -gt 0 ] || set -- -run 'TestAttack|TestTheRecord'
HYDRAPIN_TEST_GUARD_REPORT=$report go test -count=1 -timeout 15m ./internal/guardproof "$@" || status=$?
cat "$report"
exit "$status"
