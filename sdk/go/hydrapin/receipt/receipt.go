// Package receipt checks offline that a person confirmed a skill with their PIN.
//
// A receipt is a JWS that hydrapin signs when a confirmation is approved. A skill that gets one
// from an agent's runtime checks it here, with the server's published keys and without calling the
// server. The package guarantees that a receipt is accepted only if the caller says what it must
// prove: tenant, instance, holder, skill and params, with a store of the receipts that were already
// accepted. If anything is unknown, missing or different, the result is an error, and every error
// means that the skill must not run.
//
// A receipt proves approval, not that the approval still holds. Only the server's redeem operation
// notices that the PIN was changed or locked since, or that another skill with another store used
// the receipt.
package receipt

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/sdk/go/hydrapin/canonical"
)

const (
	// Type is the `typ` of a receipt's header.
	Type = "pin-receipt+jwt"
	// Leeway is how far the clocks of server and skill may differ.
	Leeway = 30 * time.Second
	// MaxBytes bounds a receipt; a real one has about a kilobyte.
	MaxBytes = 4 << 10
)

// Why a receipt was refused. Each error of [Verifier.Verify] wraps one of them; distinguish them
// with errors.Is. All of them mean "no", and none contains a part of the receipt or of the params.
var (
	// ErrExpectationIncomplete: the caller did not say, or not completely, what the receipt must
	// prove, or expects params that no confirmation can have; then the error of package canonical
	// is wrapped as well.
	ErrExpectationIncomplete = errors.New("receipt: the expectation is incomplete")
	// ErrMalformed: its form, header or claims are not those of a receipt.
	ErrMalformed = errors.New("receipt: malformed")
	// ErrUnknownKey: it names a key that the server does not publish.
	ErrUnknownKey = errors.New("receipt: unknown key")
	// ErrKeysUnavailable: the published keys could not be fetched.
	ErrKeysUnavailable = errors.New("receipt: the published keys are not available")
	// ErrSignature: it was not signed with the key that it names.
	ErrSignature = errors.New("receipt: bad signature")
	// ErrExpired: it is too late to use it.
	ErrExpired = errors.New("receipt: expired")
	// ErrNotYetValid: it was issued in the future, by this machine's clock.
	ErrNotYetValid = errors.New("receipt: not yet valid")
	// ErrMismatch: it is genuine, but proves something other than what is expected.
	ErrMismatch = errors.New("receipt: proves something else")
	// ErrReplayed: it was accepted before.
	ErrReplayed = errors.New("receipt: already used")
	// ErrSeenUnavailable: the store of seen receipts failed.
	ErrSeenUnavailable = errors.New("receipt: the store of seen receipts failed")
)

// HolderType says whether a holder is a customer or a channel identity. The same UUID as a customer
// and as an identity is two holders.
type HolderType string

// The types of holders.
const (
	Customer HolderType = "customer"
	Identity HolderType = "identity"
)

// Action is what the receipt must prove of the action: [Params] or [NoAction]. The zero Action is
// refused.
type Action struct {
	digest string
	none   bool
	err    error
}

// Params expects that exactly these params were confirmed: the JSON object that the skill is about
// to run with, as bytes. The order of names, white space and the spelling of numbers do not matter.
// If package canonical refuses the params, so does [Verifier.Verify].
func Params(raw []byte) Action {
	digest, err := canonical.DigestOf(raw)
	return Action{digest: digest, err: err}
}

// NoAction expects that the skill itself was confirmed, without params. It is for skills without
// params.
func NoAction() Action { return Action{none: true} }

// Expected is what a receipt must prove. Every field must be set.
type Expected struct {
	TenantID   uuid.UUID
	InstanceID uuid.UUID
	HolderType HolderType
	HolderID   uuid.UUID
	Skill      string // exactly as it was asked for
	Action     Action
}

// incomplete returns [ErrExpectationIncomplete] with what is missing, or nil.
func (e Expected) incomplete() error {
	var missing string
	switch {
	case e.TenantID == uuid.Nil:
		missing = "TenantID"
	case e.InstanceID == uuid.Nil:
		missing = "InstanceID"
	case e.HolderType != Customer && e.HolderType != Identity:
		missing = "HolderType"
	case e.HolderID == uuid.Nil:
		missing = "HolderID"
	case e.Skill == "" || strings.HasSuffix(e.Skill, "*"):
		missing = "Skill"
	case e.Action.err != nil:
		return fmt.Errorf("%w: Action: %w", ErrExpectationIncomplete, e.Action.err)
	case !e.Action.none && e.Action.digest == "":
		missing = "Action"
	default:
		return nil
	}
	return fmt.Errorf("%w: %s", ErrExpectationIncomplete, missing)
}

// Receipt is what a genuine receipt says beyond what was expected.
type Receipt struct {
	ID        uuid.UUID // the confirmation
	Skill     string    // as it was asked for
	Role      string    // "owner" or "customer"
	Method    string    // "pin": a PIN for this very question; "session": an earlier PIN, within its session
	AuthTime  time.Time // when that PIN was entered
	IssuedAt  time.Time // when the confirmation was approved
	ExpiresAt time.Time
}

// Verifier checks the receipts of one server. It is safe for concurrent use. Create one with
// [NewVerifier] when the program starts, and keep it: its store detects a receipt that is used
// twice.
type Verifier struct {
	issuer string
	keys   KeySource
	seen   Seen
}

// NewVerifier returns a verifier for the server whose public URL is issuer (exactly as in
// HYDRAPIN_PUBLIC_URL). If an argument is missing, it returns [ErrExpectationIncomplete].
func NewVerifier(issuer string, keys KeySource, seen Seen) (*Verifier, error) {
	switch {
	case issuer == "":
		return nil, fmt.Errorf("%w: issuer", ErrExpectationIncomplete)
	case keys == nil:
		return nil, fmt.Errorf("%w: keys", ErrExpectationIncomplete)
	case seen == nil:
		return nil, fmt.Errorf("%w: seen", ErrExpectationIncomplete)
	}
	return &Verifier{issuer: issuer, keys: keys, seen: seen}, nil
}

// Verify returns the receipt if it is genuine, in time, not seen before, and proves what is
// expected. Only then may the skill run. The receipt counts as seen from then on; a receipt that is
// refused is not used up.
func (v *Verifier) Verify(ctx context.Context, token string, want Expected) (Receipt, error) {
	if v == nil || v.keys == nil {
		return Receipt{}, fmt.Errorf("%w: use NewVerifier", ErrExpectationIncomplete)
	}
	if err := want.incomplete(); err != nil {
		return Receipt{}, err
	}
	c, err := v.open(ctx, token)
	if err != nil {
		return Receipt{}, err
	}
	if err := v.compare(c, want); err != nil {
		return Receipt{}, err
	}
	now := time.Now()
	if !now.Before(c.expiresAt.Add(Leeway)) {
		return Receipt{}, ErrExpired
	}
	if c.issuedAt.After(now.Add(Leeway)) {
		return Receipt{}, ErrNotYetValid
	}
	first, err := v.seen.Add(ctx, c.id.String(), c.expiresAt.Add(Leeway))
	if err != nil {
		return Receipt{}, fmt.Errorf("%w: %w", ErrSeenUnavailable, err)
	}
	if !first {
		return Receipt{}, ErrReplayed
	}
	return Receipt{
		ID: c.id, Skill: c.skill, Role: c.role, Method: c.method,
		AuthTime: c.authTime, IssuedAt: c.issuedAt, ExpiresAt: c.expiresAt,
	}, nil
}

// compare compares genuine claims with what is expected.
func (v *Verifier) compare(c claims, want Expected) error {
	tenant := want.TenantID.String()
	for _, check := range []struct {
		claim string
		same  bool
	}{
		{"iss", c.issuer == v.issuer},
		{"tenant_id", c.tenant == tenant},
		{"aud", c.audience == tenant+"/"+want.InstanceID.String()},
		{"holder_type", c.holderType == string(want.HolderType)},
		{"sub", c.holder == want.HolderID.String()},
		{"skill", c.skill == want.Skill},
		// Both are "" if there was no action and none is expected.
		{"action_digest", c.digest == want.Action.digest},
	} {
		if !check.same {
			return fmt.Errorf("%w: %s", ErrMismatch, check.claim)
		}
	}
	return nil
}
