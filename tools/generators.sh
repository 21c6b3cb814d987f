#!/bin/sh
# Generates clients from openapi.yaml with generators that this project does not use
# itself, and compiles them: what the README recommends is known to work. Each goes into
# a folder of its own, which is removed.
set -eu
cd "$(dirname "$0")/generators"

spec=$PWD/../../openapi.yaml
bin=$PWD/node_modules/.bin
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

strict() {
	"$bin/tsc" --noEmit --strict --skipLibCheck --target es2022 --lib es2022,dom,dom.iterable \
		--module esnext --moduleResolution bundler --types node "$@"
}

"$bin/openapi-ts" -i "$spec" -o "$scratch/hey-api" -c @hey-api/client-fetch --no-log-file >/dev/null
strict "$scratch/hey-api/index.ts"
echo "ok: @hey-api/openapi-ts"

"$bin/swagger-typescript-api" generate -p "$spec" -o "$scratch/sta" -n api.ts --silent >/dev/null
strict "$scratch/sta/api.ts"
echo "ok: swagger-typescript-api"

mkdir "$scratch/ogen"
cp go.mod go.sum "$scratch/ogen"
cat >"$scratch/ogen.yaml" <<END
generator:
  features:
    enable: [paths/client]
    disable_all: true
  ignore_not_implemented: [all]
END
go tool ogen --config "$scratch/ogen.yaml" --target "$scratch/ogen/client" --package client --clean "$spec" 2>"$scratch/log" || {
	cat "$scratch/log" >&2
	exit 1
}
go -C "$scratch/ogen" build ./client
echo "ok: ogen"
