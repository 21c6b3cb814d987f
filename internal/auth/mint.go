package auth

import (
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
)

// ErrInvalidClaims is returned by [MintHS256] for claims, a lifetime or a secret
// that every [Verifier] refuses; its text says which.
var ErrInvalidClaims = errors.New("auth: invalid claims")

// Claims are what a token says of its bearer.
type Claims struct {
	Subject string
	Tenant  uuid.UUID
	// CustomerID is left out when it is uuid.Nil.
	CustomerID uuid.UUID
	Admin      bool
	// Issuer and Audience are left out when empty.
	Issuer, Audience string
	// Names are the claim names to use; zero fields mean the defaults.
	Names ClaimNames
	// IssuedAt is the start of the lifetime; zero means now.
	IssuedAt time.Time
}

// MintHS256 signs a token (RFC 7519) that is valid for ttl, which is at least a
// second, under the claim names of an issuer; zero names mean the defaults. How long
// a token may live is the verifier's rule. It is for trying things: a platform's own
// issuer signs what its users carry.
func MintHS256(secret Secret, c Claims, ttl time.Duration) (string, error) {
	switch {
	case len(secret.Reveal()) < MinSecretBytes:
		return "", fmt.Errorf("%w: the HS256 secret has fewer than %d bytes", ErrInvalidClaims, MinSecretBytes)
	case ttl < time.Second:
		return "", fmt.Errorf("%w: the lifetime is less than 1s", ErrInvalidClaims)
	case c.Tenant == uuid.Nil:
		return "", fmt.Errorf("%w: no tenant", ErrInvalidClaims)
	case !validSubject(c.Subject):
		return "", fmt.Errorf("%w: the subject is not 1 to %d bytes of printable text", ErrInvalidClaims, maxSubjectBytes)
	}
	claims, err := c.document(ttl)
	if err != nil {
		return "", err
	}
	signed, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString(secret.Reveal())
	if err != nil {
		return "", fmt.Errorf("auth: sign: %w", err)
	}
	return signed, nil
}

// document returns the claims under their names.
func (c Claims) document(ttl time.Duration) (jwt.MapClaims, error) {
	at := c.IssuedAt
	if at.IsZero() {
		at = time.Now()
	}
	claims := jwt.MapClaims{"sub": c.Subject, "iat": at.Unix(), "exp": at.Add(ttl).Unix()}
	if c.Issuer != "" {
		claims["iss"] = c.Issuer
	}
	names := c.Names.withDefaults()
	admin := any(c.Admin)
	if names.Admin.value != nil {
		admin = []string{*names.Admin.value}
	}
	for _, entry := range []struct {
		claim Claim
		value any
		there bool
	}{
		{names.Tenant, c.Tenant.String(), true},
		{names.Customer, c.CustomerID.String(), c.CustomerID != uuid.Nil},
		{names.Admin.Claim, admin, c.Admin || names.Admin.value == nil},
		{names.Audience, c.Audience, c.Audience != ""},
	} {
		if !entry.there {
			continue
		}
		if err := entry.claim.set(claims, entry.value); err != nil {
			return nil, err
		}
	}
	return claims, nil
}
