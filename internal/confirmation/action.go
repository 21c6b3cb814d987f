package confirmation

import (
	"github.com/hydracore/hydrapin/internal/text"
	"github.com/hydracore/hydrapin/sdk/go/hydrapin/canonical"
)

// MaxDetailLength is how long the detail of an outcome may be, in characters.
const MaxDetailLength = 200

// CheckSummary returns the first rule of [text.CheckShown] that the summary of an action breaks,
// which has at most [MaxSummaryLength] characters.
func CheckSummary(s string) text.Violation { return text.CheckShown(s, MaxSummaryLength) }

// CheckDetail is [CheckSummary] for the detail of an outcome, at most [MaxDetailLength] characters.
func CheckDetail(s string) text.Violation { return text.CheckShown(s, MaxDetailLength) }

// NewAction returns the action with that summary, which [CheckSummary] accepted, and those params in
// canonical form: params are canonicalised once, where they are validated.
func NewAction(summary string, params []byte) *Action {
	return &Action{Summary: summary, Params: params, Digest: canonical.Digest(params)}
}
