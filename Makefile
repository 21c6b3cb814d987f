# hydrapin. `make` alone lists the targets. What a target needs beside Go,
# tools/need.sh installs after saying so; HYDRAPIN_TEST_NO_INSTALL=1 forbids that.

.DEFAULT_GOAL := help
SHELL := /bin/sh
MAKEFLAGS += --no-print-directory

COMMIT := $(shell git describe --match= --always --abbrev=12 --dirty 2>/dev/null)
LDFLAGS := -s -w $(if $(COMMIT),-X github.com/hydracore/hydrapin/internal/cli.commit=$(COMMIT))

# The program ships without cgo, so it is built, linted and tested without, and
# every library is compiled once; only the race detector needs cgo.
export CGO_ENABLED := 0

# Pinned programs: their versions are in the go.mod beside them.
TOOL := go tool -modfile=tools/go.mod
LINT := tool -modfile=$(CURDIR)/tools/lint/go.mod golangci-lint
NPM := tools/npm/node_modules
SDKTS := sdk/typescript
E2E := tools/e2e
GENERATORS := tools/generators
GUARD := tools/guard

# Modules of their own beside the server's, without those of tools.
MODULES := sdk/go/hydrapin examples/mcp-go

# Runs what follows beside a throwaway PostgreSQL server.
WITHPG := go run ./internal/pgtest/cmd/withpg

# How long `make fuzz` tries each target.
FUZZTIME ?= 10s

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9\/-]+:.*## / { printf "  %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: build ## build and start the server in embedded mode (./data)
	./bin/hydrapin serve

.PHONY: demo
demo: ## one confirmation on a temporary server: open the link, enter the PIN
	go run ./examples/demo

.PHONY: build
build: ## build bin/hydrapin
	@tools/build.sh '$(LDFLAGS)'
	@for m in $(MODULES); do go -C $$m build -o /dev/null ./... || exit; done

.PHONY: package
package: ## build the Debian and RPM packages into dist/ (ARCHES="amd64 arm64")
	@tools/package.sh

# dpkg and systemd-analyze try what is built, and so do the libraries of BuildKit, Compose and Helm.
.PHONY: package/check
package/check: need/systemd package ## build twice and compare; install and start the package; lint unit, images and chart
	go -C tools/package test -vet=all -count=1 ./...

.PHONY: test
test: need/postgres ## all tests, on SQLite and on a PostgreSQL of their own
	$(WITHPG) go test -vet=all -timeout 30m ./...
	@for m in $(MODULES); do go -C $$m test -vet=all ./... || exit; done

# Another time zone than that of `test`, off by half an hour, shows code that
# forgets about zones. Left out are packages that test other processes, which are
# built without the detector.
.PHONY: test/race
test/race: need/postgres need/gcc ## the same with the race detector
	TZ=Asia/Kolkata $(WITHPG) env CGO_ENABLED=1 go test -race -vet=off -timeout 40m \
		$$(go list ./internal/... ./sdk/go/... | grep -vE '/(systest|guardproof|texts)$$')
	@for m in $(MODULES); do CGO_ENABLED=1 go -C $$m test -race -vet=off ./... || exit; done

.PHONY: test/kill
test/kill: need/postgres ## the race and kill tests, ten times over
	$(WITHPG) go test -vet=off -run 'Race|Kill' -count=10 -timeout 30m ./internal/...

.PHONY: fuzz
fuzz: ## every fuzz target for a short time (FUZZTIME=10s)
	@FUZZTIME=$(FUZZTIME) tools/fuzz.sh

.PHONY: bench
bench: need/postgres ## the benchmarks, on both databases
	$(WITHPG) go test -run '^$$' -bench . -benchmem ./...

.PHONY: lint
lint: ## golangci-lint: the code, its format, and who may import whom
	@for m in . $(MODULES); do go -C $$m $(LINT) run --config $(CURDIR)/.golangci.yml || exit; done

.PHONY: fmt
fmt: ## format the code as lint wants it
	@for m in . $(MODULES); do go -C $$m $(LINT) fmt --config $(CURDIR)/.golangci.yml || exit; done

.PHONY: contract
contract: need/postgres $(NPM) contract/lint contract/breaking ## the API against its contract, with a table of what was reached
	$(WITHPG) tools/contract.sh

.PHONY: contract/generators
contract/generators: $(GENERATORS)/node_modules ## generate and compile clients with other generators
	@tools/generators.sh

.PHONY: contract/lint
contract/lint: $(NPM) ## lint openapi.yaml with redocly and spectral
	@tools/lint-spec.sh

.PHONY: contract/breaking
contract/breaking: ## fail if openapi.yaml breaks the last release or the HydraCore operations
	@tools/breaking.sh

.PHONY: gen
gen: ## make all generated code from the contract and the SQL
	@stamp=$$(mktemp) && trap 'rm -f "$$stamp"' EXIT && \
		$(MAKE) gen/api gen/db gen/docs gen/typescript gen/python && \
		find gen -type f ! -newer "$$stamp" -print -delete | sed 's/^/left over, removed: /'

.PHONY: gen/api
gen/api: ## the Go server interface and models, and the operations and models of the Go SDK (part of gen)
	@mkdir -p gen/api sdk/go/hydrapin/internal/client
	$(TOOL) oapi-codegen -config tools/oapi/api.yaml openapi.yaml
	$(TOOL) oapi-codegen -config tools/oapi/client.yaml openapi.yaml

.PHONY: gen/db
gen/db: ## the Go code for the queries of both databases (part of gen)
	$(TOOL) sqlc generate

.PHONY: gen/docs
gen/docs: $(NPM) ## the contract and the documentation pages' assets (part of gen)
	go -C tools run ./docs -spec ../openapi.yaml -modules npm/node_modules -out ../gen/docs

.PHONY: gen/typescript
gen/typescript: $(NPM) ## the TypeScript types (part of gen)
	$(NPM)/.bin/openapi-typescript openapi.yaml --output gen/typescript/schema.d.ts

$(NPM): tools/npm/package.json tools/npm/package-lock.json
	@tools/need.sh node
	cd tools/npm && npm ci --ignore-scripts && touch node_modules

# On the Node.js that is here, 20 or newer, and then on the current LTS release.
.PHONY: sdk/typescript
sdk/typescript: build $(SDKTS)/node_modules ## build, test and pack the TypeScript SDK against bin/hydrapin
	cd $(SDKTS) && npm test && npm run check && npm run test:lts

# Beside a real server; tarball and wheel are installed into empty projects (test/pack.test.ts, test_package.py).
.PHONY: sdk
sdk: sdk/go sdk/typescript sdk/python ## build and test the three SDKs

.PHONY: sdk/go
sdk/go: ## build and test the Go SDK, alone and against a real server
	go -C sdk/go/hydrapin test -vet=all ./...
	go test -vet=all ./sdk/go/...

.PHONY: examples
examples: build $(SDKTS)/node_modules need/python ## install and run every example with a scripted model
	@PYTHON=$(PYTHON) tools/examples.sh

.PHONY: e2e
e2e: build need/chromium $(E2E)/node_modules $(SDKTS)/node_modules ## the documentation pages, the person's pages and the TypeScript SDK in a real Chromium
	cd $(E2E) && npm test
	cd $(SDKTS) && npm run test:browser

$(SDKTS)/node_modules $(E2E)/node_modules $(GENERATORS)/node_modules $(GUARD)/node_modules: %/node_modules: %/package.json %/package-lock.json
	@tools/need.sh node
	cd $* && npm ci --ignore-scripts && touch node_modules

include sdk/python/python.mk

.PHONY: guard
guard: $(GUARD)/node_modules ## hydrapin guard between real MCP servers and clients from npm, and the conformance suite
	go test -vet=all -count=1 -tags npm -run 'Real|Conformance|QuickStart' -timeout 20m ./internal/guardproof ./internal/texts

.PHONY: guard/attack
guard/attack: ## what attackers try against hydrapin guard, and what ran: a table
	@tools/attack.sh

.PHONY: release/check
release/check: ## pack both Go modules and install them as a user would
	@tools/release.sh

.PHONY: verify
verify: ## fail when generated code is stale, left over or edited, or a go.mod untidy
	@tools/verify.sh

.PHONY: ci
ci: verify lint build test test/race fuzz contract contract/generators sdk e2e ## all that a change must pass

.PHONY: ci/long
ci/long: export E2E_LONG := 1
ci/long: ci test/kill guard examples package/check release/check ## what takes too long for every change, too

.PHONY: need/postgres need/node need/gcc need/chromium need/systemd
need/postgres need/node need/gcc need/chromium need/systemd: need/%:
	@tools/need.sh $*

.PHONY: clean
clean: clean/python ## remove what was built; the data folder stays
	rm -rf bin dist $(NPM) $(E2E)/node_modules $(GENERATORS)/node_modules $(GUARD)/node_modules $(SDKTS)/node_modules $(SDKTS)/dist $(SDKTS)/build
