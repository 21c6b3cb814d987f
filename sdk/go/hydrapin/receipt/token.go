package receipt

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/sdk/go/hydrapin/canonical"
)

// claims are the claims of a receipt, each present and of its type.
type claims struct {
	issuer, audience, holder, holderType, tenant string
	skill, role, method, digest                  string
	id                                           uuid.UUID
	authTime, issuedAt, expiresAt                time.Time
}

// open checks form, header and signature of a receipt (RFC 7515, section 5.2) and reads its claims.
//
// There is one algorithm, and its code is called by name. No value of the header chooses an
// algorithm, so none can be confused with another. Claims are read only after the signature is
// verified.
func (v *Verifier) open(ctx context.Context, token string) (claims, error) {
	if len(token) > MaxBytes {
		return claims{}, malformed("too long")
	}
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return claims{}, malformed("not of three parts")
	}
	header, err := decodeObject(parts[0])
	if err != nil {
		return claims{}, malformed("header")
	}
	kid, err := readHeader(header)
	if err != nil {
		return claims{}, err
	}
	signature, err := decode(parts[2])
	if err != nil || len(signature) != ed25519.SignatureSize {
		return claims{}, malformed("signature")
	}
	key, err := v.keys.Key(ctx, kid)
	switch {
	case errors.Is(err, ErrUnknownKey), errors.Is(err, ErrKeysUnavailable):
		return claims{}, err
	case err != nil:
		return claims{}, fmt.Errorf("%w: %w", ErrKeysUnavailable, err)
	}
	// A key of another length would make ed25519.Verify panic, and a key source can be anyone's
	// code.
	if len(key) != ed25519.PublicKeySize {
		return claims{}, ErrUnknownKey
	}
	if !ed25519.Verify(key, []byte(parts[0]+"."+parts[1]), signature) {
		return claims{}, ErrSignature
	}
	payload, err := decodeObject(parts[1])
	if err != nil {
		return claims{}, malformed("payload")
	}
	return readClaims(payload)
}

// readHeader returns the key id of a header that has exactly alg, typ and kid. This refuses crit,
// jwk, jku, x5u and everything else that a reader would have to understand.
func readHeader(header object) (kid string, err error) {
	if len(header) != 3 || header.text("alg") != "EdDSA" || header.text("typ") != Type || header.text("kid") == "" {
		return "", malformed("header")
	}
	return header.text("kid"), nil
}

// readClaims reads the signed claims. Unknown claims are ignored, as in RFC 7519, section 4;
// unknown values are refused.
func readClaims(payload object) (claims, error) {
	c := claims{
		issuer: payload.text("iss"), audience: payload.text("aud"), tenant: payload.text("tenant_id"),
		holder: payload.text("sub"), holderType: payload.text("holder_type"),
		skill: payload.text("skill"), role: payload.text("role"), method: payload.onlyText("amr"),
		id:       payload.id("jti"),
		authTime: payload.time("auth_time"), issuedAt: payload.time("iat"), expiresAt: payload.time("exp"),
	}
	_, hasDigest := payload["action_digest"]
	if hasDigest {
		c.digest = payload.text("action_digest")
	}
	for _, check := range []struct {
		claim string
		good  bool
	}{
		{"iss", c.issuer != ""},
		{"aud", c.audience != ""},
		{"sub", c.holder != ""},
		{"holder_type", c.holderType == string(Customer) || c.holderType == string(Identity)},
		{"jti", c.id != uuid.Nil},
		{"tenant_id", c.tenant != ""},
		{"skill", c.skill != ""},
		{"role", c.role == "owner" || c.role == "customer"},
		{"amr", c.method == "pin" || c.method == "session"},
		{"auth_time", !c.authTime.IsZero()},
		{"iat", !c.issuedAt.IsZero()},
		{"exp", !c.expiresAt.IsZero()},
		// A session never covers an action.
		{"action_digest", !hasDigest || c.digest != "" && c.method == "pin"},
	} {
		if !check.good {
			return claims{}, malformed(check.claim)
		}
	}
	return c, nil
}

func malformed(what string) error { return fmt.Errorf("%w: %s", ErrMalformed, what) }

// decode reads base64url without padding (RFC 7515, section 2) in its one spelling. The decoder
// itself would skip line breaks.
func decode(part string) ([]byte, error) {
	if strings.ContainsAny(part, "\r\n") {
		return nil, ErrMalformed
	}
	return base64.RawURLEncoding.Strict().DecodeString(part)
}

// object is a JSON object whose names were found to be unique, each with the canonical text of its
// value.
type object map[string]json.RawMessage

// decodeObject reads a part of the token as strictly as params are read. If a name occurred twice,
// one reader could check the first value and another use the second.
func decodeObject(part string) (object, error) {
	raw, err := decode(part)
	if err != nil {
		return nil, err
	}
	text, err := canonical.Params(raw)
	if err != nil {
		return nil, err
	}
	var o object
	if err := json.Unmarshal(text, &o); err != nil {
		return nil, err
	}
	return o, nil
}

// text returns the string of that name, or "" where there is none.
func (o object) text(name string) string {
	var s *string
	if json.Unmarshal(o[name], &s) != nil || s == nil {
		return ""
	}
	return *s
}

// onlyText returns the one string of the array of that name, or "" where there is no such array.
func (o object) onlyText(name string) string {
	var list []*string
	if json.Unmarshal(o[name], &list) != nil || len(list) != 1 || list[0] == nil {
		return ""
	}
	return *list[0]
}

// id returns the UUID of that name, in the form that the server writes, or the nil UUID.
func (o object) id(name string) uuid.UUID {
	id, err := uuid.Parse(o.text(name))
	if err != nil || id.String() != o.text(name) {
		return uuid.Nil
	}
	return id
}

// time returns the time of that name, in whole seconds since 1970, or the zero time. The bound
// prevents an overflow in later additions.
func (o object) time(name string) time.Time {
	seconds, err := strconv.ParseInt(string(o[name]), 10, 64)
	if err != nil || seconds <= 0 || seconds > 1<<40 {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}
