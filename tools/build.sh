#!/bin/sh
# Builds bin/hydrapin, or $OUT, and says how far it is when there is much to compile:
#	tools/build.sh [linker flags]
# The same source and flags give the same bytes, in whatever folder: no path is in the program, and
# what Git knows of the folder is not either (the flags say the commit).
# The first build compiles every library, which takes minutes and would be silent.
set -eu
cd "$(dirname "$0")/.."

ldflags=${1-}
out=${OUT:-bin/hydrapin}
# More than this many packages, and it takes long enough to say so.
many=20

[ -e "$out" ] || echo "Looking for what has to be compiled ..." >&2
total=$(go list -trimpath -buildvcs=false -ldflags "$ldflags" -deps -f '{{if .Stale}}stale{{end}}' . | grep -c stale) || total=0
if [ "$total" -le "$many" ]; then
	exec go build -trimpath -buildvcs=false -ldflags "$ldflags" -o "$out" .
fi
echo "Compiling hydrapin: $total packages. Only the first build takes this long." >&2

# Reads what the compiler prints, which with -v is the name of each package; anything
# else has a space in it and is passed on. On a terminal one line counts up, elsewhere
# there is a line for every tenth.
progress() {
	done=0 shown=0
	while IFS= read -r line; do
		case $line in
		*' '* | '') printf '%s\n' "$line" >&2 && continue ;;
		esac
		done=$((done + 1))
		if [ -t 2 ]; then
			printf '\rCompiled %d of %d packages' "$done" "$total" >&2
		elif [ $((done * 10 / total)) -gt "$shown" ]; then
			shown=$((done * 10 / total))
			printf 'Compiled %d of %d packages\n' "$done" "$total" >&2
		fi
	done
	if [ -t 2 ] && [ "$done" -gt 0 ]; then
		printf '\n' >&2
	fi
}

# A pipe has the exit status of its last command, so the build's goes by a file.
status=$(mktemp)
trap 'rm -f "$status"' EXIT
{
	code=0
	go build -v -trimpath -buildvcs=false -ldflags "$ldflags" -o "$out" . 2>&1 || code=$?
	echo "$code" >"$status"
} | progress
exit "$(cat "$status")"
