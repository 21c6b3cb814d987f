#!/bin/sh
# Lints openapi.yaml with redocly and with spectral, by the rules in spec/. Neither
# may speak to another host while it does.
set -eu
cd "$(dirname "$0")/.."
export REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true
bin=tools/npm/node_modules/.bin
"$bin/redocly" lint openapi.yaml --config tools/spec/redocly.yaml --format stylish
"$bin/spectral" lint openapi.yaml --ruleset tools/spec/spectral.yaml --fail-severity hint
