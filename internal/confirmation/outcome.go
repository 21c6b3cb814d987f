package confirmation

import "time"

// Outcome is what a runtime reported of a skill that ran after a redeem. It is its
// claim, not proof.
type Outcome struct {
	Kind OutcomeKind
	// Detail is free text; empty for none.
	Detail string
	At     time.Time
}

// OutcomeKind says how a skill ended.
type OutcomeKind string

// The kinds of outcomes.
const (
	NoOutcome       OutcomeKind = ""
	OutcomeExecuted OutcomeKind = "executed"
	OutcomeFailed   OutcomeKind = "failed"
	OutcomeUnknown  OutcomeKind = "unknown"
)

// Report records the outcome of a redeemed confirmation. The same outcome again
// changes nothing; an unknown one may become another, once.
func (c Confirmation) Report(o Outcome) (Confirmation, Refusal) {
	switch {
	case c.Status != Redeemed:
		return c, NotRedeemed
	case c.Outcome.Kind == o.Kind:
		return c, None
	case c.Outcome.Kind != NoOutcome && c.Outcome.Kind != OutcomeUnknown:
		return c, OutcomeAlready
	}
	c.Outcome = o
	return c, None
}
