#!/bin/sh
# Runs the contract tests with the outside judge, and prints what they reached.
# HYDRAPIN_TEST_CONTRACT_SEED (a number, or random) and HYDRAPIN_TEST_CONTRACT_CASES
# make the generated requests others, or more.
set -eu
cd "$(dirname "$0")/.."
report=$(mktemp)
trap 'rm -f "$report"' EXIT
status=0
HYDRAPIN_TEST_CONTRACT_REPORT=$report go test -count=1 -tags judge ./internal/contract || status=$?
cat "$report"
exit "$status"
