package contract_test

import (
	"net/url"

	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/wire"
)

// brokenTrailRule names the rule that a reading of the audit trail breaks, or the other one.
func brokenTrailRule(query url.Values, other string) string {
	for _, name := range []string{"from", "to"} {
		if _, err := wire.ParseTime(query.Get(name)); query.Has(name) && err != nil {
			return "time"
		}
	}
	if _, err := audit.ParseCursor(query.Get("after")); query.Has("after") && err != nil {
		return "place"
	}
	return other
}
