package auth

import (
	"slices"
	"time"

	"github.com/hydracore/hydrapin/internal/text"
)

const (
	// MaxKeyName is how long the name of a key may be, in characters.
	MaxKeyName = 100
	// MaxKeyDepth is how many keys may be created one from another. It bounds how much
	// has to be read to revoke one, whatever whoever stole it has created.
	MaxKeyDepth = 32
)

// CheckKeyName returns the first rule of [text.CheckShown] that the name of a key breaks.
func CheckKeyName(s string) text.Violation { return text.CheckShown(s, MaxKeyName) }

// Escalation is why a key may not create another key, or revoke it.
type Escalation string

// The escalations.
const (
	NoEscalation Escalation = ""
	// OtherKind: a key creates only keys of its own kind, so none of an instance.
	OtherKind Escalation = "other_kind"
	// ScopeLacked: the maker does not have the scope.
	ScopeLacked Escalation = "scope_lacked"
	// LaterExpiry: the new key would outlive its maker.
	LaterExpiry Escalation = "later_expiry"
	// TooDeep: the maker is at [MaxKeyDepth].
	TooDeep Escalation = "too_deep"
	// NotCreatedByIt: a key revokes itself and what was created with it alone.
	NotCreatedByIt Escalation = "not_created_by_it"
)

// Derive returns a new key as this one may create it, or why it may not: never with more
// than it has itself. A new key without an expiry gets its maker's.
func (k APIKey) Derive(next APIKey) (APIKey, Escalation) {
	if next.ExpiresAt.IsZero() {
		next.ExpiresAt = k.ExpiresAt
	}
	next.Depth = k.Depth + 1
	lacked := slices.ContainsFunc(next.Scopes, func(s Scope) bool { return !slices.Contains(k.Scopes, s) })
	switch {
	case k.Kind != KindAPIKey || next.Kind != KindAPIKey:
		return APIKey{}, OtherKind
	case lacked:
		return APIKey{}, ScopeLacked
	case !k.ExpiresAt.IsZero() && next.ExpiresAt.After(k.ExpiresAt):
		return APIKey{}, LaterExpiry
	case next.Depth > MaxKeyDepth:
		return APIKey{}, TooDeep
	}
	return next, NoEscalation
}

// Maker is the id of the API key that created this one, or "".
func (k APIKey) Maker() string {
	if k.CreatedByKind != KindAPIKey {
		return ""
	}
	return k.CreatedBy
}

// Prefix is how the key begins, up to its secret.
func (k APIKey) Prefix() string {
	if k.Kind == KindRuntimeKey {
		return runtimeKeyPrefix + k.ID
	}
	return tenantKeyPrefix + k.ID
}

// KeyUse says that a key was used some time ago.
type KeyUse struct {
	ID  string
	Ago time.Duration
}
