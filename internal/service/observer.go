package service

import (
	"context"
	"time"

	"github.com/hydracore/hydrapin/internal/audit"
)

// Observer observes every step: what metrics and traces are made of. Its methods
// must return at once; they see no PIN, no key and no params.
type Observer interface {
	// Step is called as a step begins, and what it returns as the step ends. The
	// step goes on with the context that is returned.
	Step(ctx context.Context, op Operation) (context.Context, func(Report))
	// Waiters is called with how many requests wait for a confirmation now.
	Waiters(n int)
}

// Operation names a step. The names are a closed set, fit for a metric's label.
type Operation string

// The operations.
const (
	OpSetPIN             Operation = "set_pin"
	OpRemovePIN          Operation = "remove_pin"
	OpUnlockPIN          Operation = "unlock_pin"
	OpSetPINByRuntime    Operation = "set_pin_by_runtime"
	OpRemovePINByRuntime Operation = "remove_pin_by_runtime"
	OpSetOwnPIN          Operation = "set_own_pin"
	OpCreatePINLink      Operation = "create_pin_link"
	OpEndPINLinks        Operation = "end_pin_links"
	OpUpdatePolicy       Operation = "update_policy"
	OpAsk                Operation = "ask"
	OpSpend              Operation = "spend"
	OpSettle             Operation = "settle"
	OpRehash             Operation = "rehash"
	OpRedeem             Operation = "redeem"
	OpDecline            Operation = "decline"
	OpDeclineOnPage      Operation = "decline_on_page"
	OpEndSessions        Operation = "end_sessions"
	OpReportOutcome      Operation = "report_outcome"
	OpFreeze             Operation = "freeze"
	OpUnfreeze           Operation = "unfreeze"
	OpMintKey            Operation = "mint_key"
	OpRevokeKey          Operation = "revoke_key"
	OpDeny               Operation = "deny"
	OpSweep              Operation = "sweep"
	OpSequence           Operation = "sequence"
	OpKeepHeads          Operation = "keep_heads"
	OpPrepareTrail       Operation = "prepare_trail"
)

// Result says how a step ended.
type Result string

// The results.
const (
	// Committed: what was asked for was done, and is stored.
	Committed Result = "committed"
	// Refused: the decision was no, and is stored.
	Refused Result = "refused"
	// Failed: nothing is stored.
	Failed Result = "failed"
	// Unknown: the connection was lost as it committed.
	Unknown Result = "unknown"
)

// Report is how a step ended.
type Report struct {
	Result Result
	Took   time.Duration
	// Events are what the step recorded; none unless it committed.
	Events []audit.Event
}

// unobserved is the observer of a service that nobody observes.
type unobserved struct{}

func (unobserved) Step(ctx context.Context, _ Operation) (context.Context, func(Report)) {
	return ctx, func(Report) {}
}

func (unobserved) Waiters(int) {}
