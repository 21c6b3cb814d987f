#!/bin/sh
# Runs the commands by which the README says to generate clients, as they stand there, with
# generators that this project does not use itself, and compiles what each makes. Each works in a
# folder of its own, which is removed.
set -eu
cd "$(dirname "$0")/generators"

root=$PWD/../..
# Below this folder npx finds the installed generators and downloads none.
scratch=$(mktemp -d "$PWD/scratch.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' INT TERM

# The block of commands that follows the name of this target in the README.
awk '/`make contract\/generators`/ { near = 1 }
	near && /^```$/ { if (inside) exit; inside = 1; next }
	inside' "$root/README.md" >"$scratch/commands"

strict() {
	"$PWD/node_modules/.bin/tsc" --noEmit --strict --skipLibCheck --target es2022 --lib es2022,dom,dom.iterable \
		--module esnext --moduleResolution bundler "$@"
}

ran=0
while read -r command; do
	ran=$((ran + 1))
	folder=$scratch/$ran
	mkdir "$folder"
	cp "$root/openapi.yaml" "$folder"
	(cd "$folder" && eval "$command") </dev/null >"$scratch/log" 2>&1 || {
		cat "$scratch/log" >&2
		echo "generators: failed: $command" >&2
		exit 1
	}
	case $command in
	*openapi-ts@*) strict "$folder/client/index.ts" ;;
	*swagger-typescript-api@*) strict "$folder/client/api.ts" ;;
	*/cmd/ogen@*)
		cp go.mod go.sum "$folder"
		go -C "$folder" build ./client
		;;
	*)
		echo "generators: nothing here compiles what this makes: $command" >&2
		exit 1
		;;
	esac
	echo "ok: $command"
done <"$scratch/commands"
[ "$ran" = 3 ] || {
	echo "generators: the README names $ran commands, not 3" >&2
	exit 1
}
