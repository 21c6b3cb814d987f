#!/bin/sh
# Fails when generated code is not what `make gen` makes: stale, left over, edited, or
# with a file that is not committed; and when a go.mod is not tidy. What it
# finds has then been generated again, and only has to be committed.
set -eu
cd "$(dirname "$0")/.."

generated="gen sdk/go/hydrapin/internal/client sdk/python/src/hydrapin/_generated"
before=$(mktemp -d)
trap 'rm -rf "$before"' EXIT
for folder in $generated; do
	mkdir -p "$before/$folder"
	cp -R "$folder/." "$before/$folder"
done
status() { git status --porcelain --untracked-files=all 2>/dev/null || true; }
status >"$before/status"

make gen

failed=0
# By content, so that ignored and untracked files count too.
for folder in $generated; do
	diff -rq -x __pycache__ "$before/$folder" "$folder" || {
		echo "verify: $folder was not what make gen makes (see above); it is now. Look at it and commit it." >&2
		failed=1
	}
done
status | diff "$before/status" - || {
	echo "verify: make gen changed the work tree (see above)." >&2
	failed=1
}
untracked=$(git ls-files --others -- $generated 2>/dev/null || true)
[ -z "$untracked" ] || {
	echo "verify: not committed: $untracked" >&2
	failed=1
}

for module in . sdk/go/hydrapin examples/mcp-go tools tools/lint tools/package tools/generators; do
	go -C "$module" mod tidy -diff || {
		echo "verify: run go mod tidy in $module" >&2
		failed=1
	}
done
exit "$failed"
