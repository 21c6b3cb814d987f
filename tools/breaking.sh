#!/bin/sh
# Fails when a contract breaks an earlier one:
#	tools/breaking.sh                    openapi.yaml against the last release's and
#	                                     against the six HydraCore operations
#	tools/breaking.sh earlier current    any two
#
# Warnings fail too, and so does what oasdiff only mentions: spec/breaking-levels.txt
# has a removed optional field, header or refusal of an answer, a lost default and a
# changed operationId, each of which breaks somebody's client. What a release breaks
# on purpose is listed in spec/breaking-announced.txt. Nothing may break the seed;
# spec/seed-wider.txt lists where the contract accepts more than seed.yaml does.
set -eu
root=$(dirname "$0")/..

compare() {
	CGO_ENABLED=0 go tool -modfile="$root/tools/go.mod" oasdiff breaking "$@" \
		--severity-levels "$root/tools/spec/breaking-levels.txt" --fail-on WARN --color never
}

if [ $# -eq 2 ]; then
	compare "$1" "$2"
	exit
fi
data=$root/internal/contract/testdata
announced=$root/tools/spec/breaking-announced.txt
compare "$data/released.yaml" "$root/openapi.yaml" --err-ignore "$announced" --warn-ignore "$announced"
wider=$root/tools/spec/seed-wider.txt
compare "$data/seed.yaml" "$root/openapi.yaml" --err-ignore "$wider" --warn-ignore "$wider"
