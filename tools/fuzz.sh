#!/bin/sh
# Runs every fuzz target of every module for FUZZTIME, one after the other. Go
# fuzzes one target of one package a run, so they are looked up in the sources.
set -eu
cd "$(dirname "$0")/.."

found=$(grep -rHo --include='*_test.go' --exclude-dir=node_modules '^func Fuzz[A-Za-z0-9_]*' . | sort)
[ -n "$found" ] || {
	echo "no fuzz targets found" >&2
	exit 1
}
echo "$found" | while IFS=: read -r file target; do
	target=${target#func }
	echo "fuzz $(dirname "$file") $target"
	go -C "$(dirname "$file")" test -vet=off -run '^$' -fuzz "^$target\$" -fuzztime "${FUZZTIME:-10s}" . </dev/null
done
