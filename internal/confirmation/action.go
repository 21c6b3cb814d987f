package confirmation

import (
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/hydracore/hydrapin/sdk/go/canonical"
)

// ErrSummary is returned by [NewAction] for a summary that cannot be shown: it is
// not 1 to 500 characters of UTF-8, or holds a NUL, which no database keeps.
var ErrSummary = errors.New("confirmation: the summary is not 1 to 500 characters")

// NewAction returns the action that a summary and the bytes of a JSON object tell
// of. The params are hashed in their canonical form, made from the bytes as they
// came. It returns [ErrSummary], an error of the package canonical, or both
// joined; none of them holds a part of the input.
func NewAction(summary string, rawParams []byte) (*Action, error) {
	var bad error
	if n := utf8.RuneCountInString(summary); n < 1 || n > MaxSummaryLength ||
		!utf8.ValidString(summary) || strings.Contains(summary, "\x00") {
		bad = ErrSummary
	}
	params, err := canonical.Params(rawParams)
	if err := errors.Join(bad, err); err != nil {
		return nil, err
	}
	return &Action{Summary: summary, Params: params, Digest: canonical.Digest(params)}, nil
}
