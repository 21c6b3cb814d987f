#!/bin/sh
# Packs the server's module and the Go SDK's as the module proxy would serve
# their tags, and installs both from a file:// proxy into an empty GOPATH, as a
# user would. The tagged release commit has no replace directive: a copy of the
# tree stands for it. Nothing is published and no tag is made.
set -eu
cd "$(dirname "$0")/.."

version=${VERSION:-v0.0.0-check}
server=github.com/hydracore/hydrapin
sdk=$server/sdk/go/hydrapin
# After go mod tidy, whoever imports the SDK has at most this many modules.
most=15

work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
mkdir "$work/tree" "$work/proxy" "$work/path" "$work/user"

# What a tag would contain: the files that are committed, or about to be.
git ls-files -z --cached --others --exclude-standard |
	tar --null --ignore-failed-read --warning=no-failed-read -T - -cf - | tar -xf - -C "$work/tree"
go -C tools build -o "$work/pack" ./release

# Modules that are here already need not be fetched again.
cache=$(go env GOMODCACHE)/cache/download
export GOPROXY="file://$work/proxy,file://$cache,$(go env GOPROXY)"
export GONOSUMDB="$server,$server/*" GOPATH="$work/path" GOMODCACHE="$work/path/pkg/mod"
export GOFLAGS="-mod=mod -trimpath" GOWORK=off CGO_ENABLED=0

cd "$work/tree"
"$work/pack" -module "$sdk" -version "$version" -dir sdk/go/hydrapin -proxy "$work/proxy"
go mod edit -dropreplace "$sdk" -require "$sdk@$version"
# go.sum names the SDK's module from here on.
go mod tidy
"$work/pack" -module "$server" -version "$version" -dir . -proxy "$work/proxy"

echo "go install $server@$version"
go install "$server@$version"
"$GOPATH/bin/hydrapin" version

echo "go get $sdk@$version"
cd "$work/user"
go mod init example.com/agent >/dev/null 2>&1
cat >main.go <<'GO'
package main

import (
	"fmt"

	"github.com/hydracore/hydrapin/sdk/go/hydrapin"
	"github.com/hydracore/hydrapin/sdk/go/hydrapin/canonical"
	"github.com/hydracore/hydrapin/sdk/go/hydrapin/receipt"
)

func main() {
	fmt.Println(hydrapin.Version, canonical.MaxBytes, receipt.Type)
}
GO
go get "$sdk@$version"
go mod tidy
go run .
modules=$(cut -d' ' -f1 go.sum | sort -u | wc -l)
echo "$modules modules in go.sum"
[ "$modules" -le "$most" ] || {
	cat go.sum >&2
	echo "release: more than $most modules come with the SDK" >&2
	exit 1
}
