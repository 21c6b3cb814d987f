package auth

import (
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
)

// ErrInvalidClaims is returned by [MintHS256] for claims, a lifetime or a secret
// that no [Verifier] would take; its text says which.
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
	// IssuedAt is the start of the lifetime; zero means now.
	IssuedAt time.Time
}

// MintHS256 signs a token (RFC 7519) that is valid for ttl, which is more than
// zero and at most [MaxTokenLifetime]. It is for trying things: a platform's own
// issuer signs what its users carry.
func MintHS256(secret Secret, c Claims, ttl time.Duration) (string, error) {
	switch {
	case len(secret.Reveal()) < MinSecretBytes:
		return "", fmt.Errorf("%w: the HS256 secret has fewer than %d bytes", ErrInvalidClaims, MinSecretBytes)
	case ttl < time.Second || ttl > MaxTokenLifetime:
		return "", fmt.Errorf("%w: the lifetime is not between 1s and %s", ErrInvalidClaims, MaxTokenLifetime)
	case c.Tenant == uuid.Nil:
		return "", fmt.Errorf("%w: no tenant", ErrInvalidClaims)
	case !validSubject(c.Subject):
		return "", fmt.Errorf("%w: the subject is not 1 to %d bytes of printable text", ErrInvalidClaims, maxSubjectBytes)
	}
	at := c.IssuedAt
	if at.IsZero() {
		at = time.Now()
	}
	claims := jwt.MapClaims{
		"sub":       c.Subject,
		"tenant_id": c.Tenant.String(),
		"is_admin":  c.Admin,
		"iat":       at.Unix(),
		"exp":       at.Add(ttl).Unix(),
	}
	if c.CustomerID != uuid.Nil {
		claims["customer_id"] = c.CustomerID.String()
	}
	if c.Issuer != "" {
		claims["iss"] = c.Issuer
	}
	if c.Audience != "" {
		claims["aud"] = c.Audience
	}
	signed, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString(secret.Reveal())
	if err != nil {
		return "", fmt.Errorf("auth: sign: %w", err)
	}
	return signed, nil
}
