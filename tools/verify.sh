#!/bin/sh
# Fails when generated code, in gen/ and in the SDKs, is not what `make gen` makes: stale, left over, edited, or
# with a file that is not committed; and when a go.mod is not tidy. What it
# finds in gen/ has then been generated again, and only has to be committed.
set -eu
cd "$(dirname "$0")/.."

before=$(mktemp -d)
trap 'rm -rf "$before"' EXIT
mkdir "$before/sdk"
cp -R gen "$before/gen"
cp -R sdk/python/src/hydrapin/_generated "$before/sdk/python"
status() { git status --porcelain --untracked-files=all 2>/dev/null || true; }
status >"$before/status"

make gen

failed=0
# By content, so that ignored and untracked files count too.
diff -rq "$before/gen" gen || {
	echo "verify: gen/ was not what make gen makes (see above); it is now. Look at it and commit it." >&2
	failed=1
}
diff -rq "$before/sdk/python" sdk/python/src/hydrapin/_generated -x __pycache__ || {
	echo "verify: the Python SDK's generated code was stale (see above); it is not now. Look at it and commit it." >&2
	failed=1
}
status | diff "$before/status" - || {
	echo "verify: make gen changed the work tree (see above)." >&2
	failed=1
}
untracked=$(git ls-files --others -- gen 2>/dev/null || true)
[ -z "$untracked" ] || {
	echo "verify: not committed: $untracked" >&2
	failed=1
}

for module in . tools tools/lint tools/generators; do
	go -C "$module" mod tidy -diff || {
		echo "verify: run go mod tidy in $module" >&2
		failed=1
	}
done
exit "$failed"
