package confirmation

import (
	"errors"

	"github.com/hydracore/hydrapin/internal/text"
	"github.com/hydracore/hydrapin/sdk/go/hydrapin/canonical"
)

// ErrSummary is returned by [NewAction] for a summary that [CheckSummary] refuses.
var ErrSummary = errors.New("confirmation: the summary cannot be shown to a person")

// MaxDetailLength is how long the detail of an outcome may be, in characters.
const MaxDetailLength = 200

// CheckSummary returns the first rule of [text.CheckShown] that the summary of an action breaks,
// which has at most [MaxSummaryLength] characters.
func CheckSummary(s string) text.Violation { return text.CheckShown(s, MaxSummaryLength) }

// CheckDetail is [CheckSummary] for the detail of an outcome, at most [MaxDetailLength] characters.
func CheckDetail(s string) text.Violation { return text.CheckShown(s, MaxDetailLength) }

// NewAction returns the action with that summary and the params in the bytes of a JSON object,
// which are canonicalised and hashed as they were received. It returns [ErrSummary], an error of
// the package canonical, or both joined; no error text contains a part of the input.
func NewAction(summary string, rawParams []byte) (*Action, error) {
	var bad error
	if CheckSummary(summary).Kind != text.OK {
		bad = ErrSummary
	}
	params, err := canonical.Params(rawParams)
	if err := errors.Join(bad, err); err != nil {
		return nil, err
	}
	return &Action{Summary: summary, Params: params, Digest: canonical.Digest(params)}, nil
}
