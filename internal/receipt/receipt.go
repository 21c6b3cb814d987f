// Package receipt signs the proof that a confirmation was approved, and publishes the keys that check it.
//
// It guarantees that a receipt is signed only when every claim is there, that the same claims and key give the same
// bytes on every node, and that no private key is printed, logged or marshalled. It decides nothing: the caller
// knows whether a confirmation is approved, and until when. Receipts are verified by the SDK (sdk/go/hydrapin/receipt), which
// works without a server.
package receipt

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/policy"
	"github.com/hydracore/hydrapin/internal/text"
)

// Type is the `typ` of a receipt's header (RFC 7515, section 4.1.9). It distinguishes a receipt from the other
// tokens of the same issuer (RFC 8725, section 3.11).
const Type = "pin-receipt+jwt"

// ErrClaims is returned by [Ring.Sign], wrapped with the claim's name, when a claim is missing or has a value that a
// receipt cannot have.
var ErrClaims = errors.New("receipt: incomplete claims")

// Claims are the contents of a receipt. All but ActionDigest and KeyID must be set. Times are truncated to whole seconds
// (RFC 7519, NumericDate), so a receipt never outlives the approval that it proves.
type Claims struct {
	// KeyID names the key of the ring to sign with; empty is the ring's first. A caller that must return the same
	// bytes after a rotation stores the id of the key that it signed with first.
	KeyID string

	Issuer       string    // iss: the server's public URL
	TenantID     uuid.UUID // tenant_id, and the first half of aud
	InstanceID   uuid.UUID // the second half of aud
	HolderType   string    // holder_type: "customer" or "identity"
	HolderID     uuid.UUID // sub
	Confirmation uuid.UUID // jti
	Skill        string    // skill, as it was asked for
	Role         string    // role: "owner" or "customer"
	Method       string    // amr: "pin" or "session"
	AuthTime     time.Time // auth_time: when the PIN was entered
	ActionDigest string    // action_digest: "sha-256:" and hex; empty, the claim is left out: there was no action
	IssuedAt     time.Time // iat: when the confirmation was approved
	ExpiresAt    time.Time // exp: until when it can be redeemed
}

// invalid returns the name of the first claim whose value is not allowed, or "".
func (c Claims) invalid() string {
	for _, check := range []struct {
		claim string
		bad   bool
	}{
		{"iss", c.Issuer == ""},
		{"tenant_id", c.TenantID == uuid.Nil},
		{"aud", c.InstanceID == uuid.Nil},
		{"holder_type", c.HolderType != "customer" && c.HolderType != "identity"},
		{"sub", c.HolderID == uuid.Nil},
		{"jti", c.Confirmation == uuid.Nil},
		{"skill", policy.CheckSkill(c.Skill).Kind != text.OK},
		{"role", c.Role != "owner" && c.Role != "customer"},
		{"amr", c.Method != "pin" && c.Method != "session"},
		// An action is always confirmed for itself; a session covers none.
		{"action_digest", c.ActionDigest != "" && (c.Method != "pin" || !isDigest(c.ActionDigest))},
		{"auth_time", c.AuthTime.Unix() <= 0},
		{"iat", c.IssuedAt.Unix() <= 0},
		{"exp", !c.ExpiresAt.After(c.IssuedAt)},
	} {
		if check.bad {
			return check.claim
		}
	}
	return ""
}

// isDigest reports whether s is a digest in the form of sdk/go/hydrapin/canonical.
func isDigest(s string) bool {
	hex, ok := strings.CutPrefix(s, "sha-256:")
	return ok && len(hex) == 64 && strings.Trim(hex, "0123456789abcdef") == ""
}

// Sign returns the receipt: a JWS in compact form (RFC 7515), signed with Ed25519 (RFC 8037). The same claims and key
// give the same bytes each time. It returns [ErrClaims], or [ErrUnknownKey] when the ring lacks the key.
func (r Ring) Sign(c Claims) (string, error) {
	if claim := c.invalid(); claim != "" {
		return "", fmt.Errorf("%w: %s", ErrClaims, claim)
	}
	k, err := r.find(c.KeyID)
	if err != nil {
		return "", err
	}
	claims := jwt.MapClaims{
		"iss":         c.Issuer,
		"aud":         c.TenantID.String() + "/" + c.InstanceID.String(),
		"sub":         c.HolderID.String(),
		"holder_type": c.HolderType,
		"jti":         c.Confirmation.String(),
		"tenant_id":   c.TenantID.String(),
		"skill":       c.Skill,
		"role":        c.Role,
		"amr":         []string{c.Method},
		"auth_time":   c.AuthTime.Unix(),
		"iat":         c.IssuedAt.Unix(),
		"exp":         c.ExpiresAt.Unix(),
	}
	if c.ActionDigest != "" {
		claims["action_digest"] = c.ActionDigest
	}
	// Maps are marshalled with their names in order, and Ed25519 draws no random number: that makes Sign repeatable.
	token := jwt.NewWithClaims(jwt.SigningMethodEdDSA, claims)
	token.Header = map[string]any{"alg": "EdDSA", "kid": k.ID, "typ": Type}
	signed, err := token.SignedString(k.Key().private)
	if err != nil {
		return "", fmt.Errorf("receipt: sign: %w", err)
	}
	return signed, nil
}
