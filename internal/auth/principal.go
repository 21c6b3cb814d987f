// Package auth says who calls and what they may do: it checks JSON Web Tokens
// and API keys and turns each into a [Principal], whose tenant comes from the
// credential alone. It knows neither HTTP nor a database.
package auth

import (
	"slices"
	"time"

	"github.com/google/uuid"
)

// Kind is the kind of a credential.
type Kind string

// The kinds of credentials. The values are stored in the audit trail.
const (
	KindJWT        Kind = "jwt"
	KindAPIKey     Kind = "api_key"
	KindRuntimeKey Kind = "runtime_key"
	// KindOperator is the person who runs a command on the machine; no request
	// can carry it.
	KindOperator Kind = "operator"
	// KindLink is whoever holds a link of the person's pages; its id is the
	// confirmation's or the link's, never the token. No credential stands for it.
	KindLink Kind = "link"
)

// Scope is a right of an API key.
type Scope string

// The scopes that an API key may carry.
const (
	ScopePinsRead      Scope = "pins:read"
	ScopePinsWrite     Scope = "pins:write"
	ScopePoliciesRead  Scope = "pin-policies:read"
	ScopePoliciesWrite Scope = "pin-policies:write"
	ScopeKeysRead      Scope = "api-keys:read"
	ScopeKeysWrite     Scope = "api-keys:write"
	ScopeEventsRead    Scope = "events:read"
	ScopeWebhooksRead  Scope = "webhooks:read"
	ScopeWebhooksWrite Scope = "webhooks:write"
)

// Scopes returns every scope, in the order in which they are printed.
func Scopes() []Scope {
	return []Scope{
		ScopePinsRead, ScopePinsWrite, ScopePoliciesRead, ScopePoliciesWrite, ScopeKeysRead, ScopeKeysWrite,
		ScopeEventsRead, ScopeWebhooksRead, ScopeWebhooksWrite,
	}
}

// Principal is an authenticated caller.
type Principal struct {
	Kind Kind
	// ID is the token's subject or the key's id; never the secret.
	ID     string
	Tenant uuid.UUID
	// Instance is the one instance that a runtime key opens, else uuid.Nil.
	Instance uuid.UUID
	// CustomerID is the token's customer, or uuid.Nil.
	CustomerID uuid.UUID
	// Admin is true for a token whose is_admin is true.
	Admin bool
	// Scopes are the rights of an API key.
	Scopes []Scope
}

// Has says whether the principal is an API key that carries the scope.
func (p Principal) Has(s Scope) bool {
	return p.Kind == KindAPIKey && slices.Contains(p.Scopes, s)
}

// Rule says who may call an operation. It is read from the operation's
// x-access extension in the contract; the zero Rule admits no one.
type Rule struct {
	// Admin lets tokens with is_admin in.
	Admin bool
	// User lets every token of the tenant in.
	User bool
	// Customer lets tokens with a customer_id in.
	Customer bool
	// Scope lets API keys with that scope in; empty lets none in.
	Scope Scope
	// Also is a second scope that an API key needs; empty for none.
	Also Scope
	// Runtime lets the runtime key of the instance in the path in.
	Runtime bool
}

// Allows decides whether p may call an operation with rule r. instance is the
// instance that the request's path names, or uuid.Nil.
func (r Rule) Allows(p Principal, instance uuid.UUID) bool {
	switch p.Kind {
	case KindJWT:
		return r.User || r.Admin && p.Admin || r.Customer && p.CustomerID != uuid.Nil
	case KindAPIKey:
		return r.Scope != "" && p.Has(r.Scope) && (r.Also == "" || p.Has(r.Also))
	case KindRuntimeKey:
		return r.Runtime && instance != uuid.Nil && p.Instance == instance
	case KindOperator, KindLink:
		return false
	default:
		return false
	}
}

// APIKey is the stored record of a key; the key itself is never stored.
type APIKey struct {
	ID   string
	Kind Kind // KindAPIKey or KindRuntimeKey
	// Hash is the SHA-256 of the whole key.
	Hash     [32]byte
	Tenant   uuid.UUID
	Instance uuid.UUID // of a runtime key, else uuid.Nil
	Scopes   []Scope   // of an API key
	Name     string
	// CreatedAt, ExpiresAt and RevokedAt are UTC; ExpiresAt and RevokedAt are
	// zero when the key does not expire or is not revoked.
	CreatedAt, ExpiresAt, RevokedAt time.Time
	// CreatedByKind and CreatedBy name the credential that created it.
	CreatedByKind Kind
	CreatedBy     string
	// Depth is how many keys stand between it and a credential that is no key: 0 for what
	// a person or an operator created.
	Depth int
	// LastUsedAt is zero for a key that was never used. It may be a minute old.
	LastUsedAt time.Time
}

// Live says whether the key opens anything at now.
func (k APIKey) Live(now time.Time) bool {
	return k.RevokedAt.IsZero() && (k.ExpiresAt.IsZero() || now.Before(k.ExpiresAt))
}

// Revoke returns the key revoked at now, and whether that changes it: a revoked key
// keeps its time.
func (k APIKey) Revoke(now time.Time) (APIKey, bool) {
	if !k.RevokedAt.IsZero() {
		return k, false
	}
	k.RevokedAt = now
	return k, true
}

// Principal returns the caller that the key stands for.
func (k APIKey) Principal() Principal {
	return Principal{Kind: k.Kind, ID: k.ID, Tenant: k.Tenant, Instance: k.Instance, Scopes: slices.Clone(k.Scopes)}
}
