#!/bin/sh
# Builds the Debian and RPM packages into dist/:
#	tools/package.sh
# ARCHES names the processors ("amd64 arm64"; this machine's alone by default), VERSION the version
# (the contract's with the commit by default). The same commit gives the same bytes.
set -eu
cd "$(dirname "$0")/.."

commit=$(git describe --match= --always --abbrev=12 --dirty 2>/dev/null) || commit=
released=$(sed -n 's/^  version: *"\{0,1\}\([0-9][^"]*\)"\{0,1\}$/\1/p' openapi.yaml | head -n 1)
PACKAGE_VERSION=${VERSION:-$released-dev.${commit:-unknown}}
# When files in the packages were changed: as of the commit.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
export PACKAGE_VERSION SOURCE_DATE_EPOCH CGO_ENABLED=0

rm -rf dist
mkdir -p dist
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
go build -modfile=tools/package/go.mod -o "$work/nfpm" github.com/goreleaser/nfpm/v2/cmd/nfpm
for PACKAGE_ARCH in ${ARCHES:-$(go env GOARCH)}; do
	PACKAGE_BINARY=dist/hydrapin-$PACKAGE_ARCH
	export PACKAGE_ARCH PACKAGE_BINARY
	GOOS=linux GOARCH=$PACKAGE_ARCH OUT=$PACKAGE_BINARY tools/build.sh \
		"-s -w${commit:+ -X github.com/hydracore/hydrapin/internal/cli.commit=$commit}"
	for format in deb rpm; do
		"$work/nfpm" package --config deploy/package/nfpm.yaml --packager "$format" --target dist/
	done
	rm "$PACKAGE_BINARY"
done
