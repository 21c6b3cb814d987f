package auth

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/wire"
)

const (
	// MaxTokenBytes is the length over which a token is not looked at.
	MaxTokenBytes = 8 << 10
	// MaxTokenLifetime is how far ahead a token's exp may be, but for [Leeway].
	MaxTokenLifetime = 24 * time.Hour
	// Leeway is by how much an issuer's clock may differ from ours.
	Leeway = 30 * time.Second

	maxSubjectBytes = 255
	// maxNumericDate is the last second of the year 9999; what is beyond it would
	// overflow when converted.
	maxNumericDate = 253402300799
)

var (
	// ErrInvalidToken is returned by [Verifier.Verify] for a token that opens
	// nothing. Its text adds a reason for the log, which holds nothing that the
	// token says.
	ErrInvalidToken = errors.New("auth: invalid token")
	// ErrInvalidConfig is returned by [VerifierConfig.Validate] and [NewVerifier],
	// joined with every fault that was found.
	ErrInvalidConfig = errors.New("auth: invalid JWT settings")
)

// VerifierConfig says whose tokens are believed. With neither Secret nor JWKS no
// token is.
type VerifierConfig struct {
	// Secret makes HS256 the one algorithm; at least [MinSecretBytes].
	Secret Secret
	// JWKS is the URL (https, or http on loopback) or the path of a key set
	// (RFC 7517). It makes RS256, ES256 and EdDSA the algorithms, and Issuer and
	// Audience required.
	JWKS string
	// Issuer and Audience are what iss must be and aud must hold; unchecked when
	// empty.
	Issuer, Audience string

	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Logger gets what becomes of loading keys; nil means none.
	Logger *slog.Logger
	// Transport fetches the key set; nil means one of its own, with the proxy that
	// the environment names.
	Transport http.RoundTripper
	// RefreshEvery is the time between two loads of the key set; 0 means an hour
	// for a URL and a minute for a file.
	RefreshEvery time.Duration
	// RetryAfter is the time after the first of a row of failed loads; it doubles
	// up to a minute. 0 means a second.
	RetryAfter time.Duration
}

// Validate returns nil, or [ErrInvalidConfig] joined with every fault.
func (c VerifierConfig) Validate() error {
	var faults []error
	if n := len(c.Secret.Reveal()); n > 0 && n < MinSecretBytes {
		faults = append(faults, fmt.Errorf("the HS256 secret has %d bytes, it needs at least %d", n, MinSecretBytes))
	}
	if c.JWKS != "" {
		if !c.Secret.IsZero() {
			faults = append(faults, errors.New("an HS256 secret and a JWKS are set: choose one"))
		}
		if c.Issuer == "" {
			faults = append(faults, errors.New("a JWKS needs an issuer"))
		}
		if c.Audience == "" {
			faults = append(faults, errors.New("a JWKS needs an audience"))
		}
		if isURL(c.JWKS) {
			if _, err := parseJWKSURL(c.JWKS); err != nil {
				faults = append(faults, err)
			}
		}
	}
	if len(faults) == 0 {
		return nil
	}
	return errors.Join(append([]error{ErrInvalidConfig}, faults...)...)
}

// Verifier checks tokens (RFC 7519, with the advice of RFC 8725). It may be used
// by many goroutines at once.
//
// The token is read by this package and not by the JWT library, which gives only
// the signature checks: so there is one reading of header and claims, it refuses
// duplicate names, and nothing that the token says chooses an algorithm that was
// not configured.
type Verifier struct {
	issuer, audience string
	now              func() time.Time
	// One of the two, or neither: then nothing is believed.
	secret []byte
	keys   *keySource
}

// NewVerifier returns a verifier. With a JWKS it starts loading the keys: a file
// is read before it returns, and its fault returned; a URL is fetched in the
// background, and until that works [Verifier.Ready] returns an error. Close the
// verifier to end what runs in the background.
func NewVerifier(c VerifierConfig) (*Verifier, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	v := &Verifier{issuer: c.Issuer, audience: c.Audience, now: c.Now, secret: c.Secret.Reveal()}
	if c.JWKS != "" {
		var err error
		if v.keys, err = newKeySource(c); err != nil {
			return nil, err
		}
	}
	return v, nil
}

// Ready returns nil when tokens can be checked, else [ErrKeysNotLoaded] with the
// last failure.
func (v *Verifier) Ready() error {
	if v.keys == nil {
		return nil
	}
	return v.keys.ready()
}

// Close ends the loading of keys and waits until it has ended.
func (v *Verifier) Close() {
	if v.keys != nil {
		v.keys.close()
	}
}

// header holds the parameters that are looked at (RFC 7515 section 4.1). Those
// that would bring a key or an extension along are refused by being there.
type header struct {
	Alg  string         `json:"alg"`
	Typ  *string        `json:"typ"`
	Kid  *string        `json:"kid"`
	Crit jsontext.Value `json:"crit"`
	JKU  jsontext.Value `json:"jku"`
	X5U  jsontext.Value `json:"x5u"`
	JWK  jsontext.Value `json:"jwk"`
}

// claimSet holds the claims that are looked at. Null is absent.
type claimSet struct {
	Sub        string         `json:"sub"`
	TenantID   string         `json:"tenant_id"`
	CustomerID *string        `json:"customer_id"`
	IsAdmin    bool           `json:"is_admin"`
	Iss        string         `json:"iss"`
	Aud        jsontext.Value `json:"aud"`
	Exp        *float64       `json:"exp"`
	Nbf        *float64       `json:"nbf"`
	Iat        *float64       `json:"iat"`
}

// Verify checks a compact JWS and returns whom it speaks for. The errors are
// [ErrInvalidToken], [ErrKeysNotLoaded] while there are no keys to check with,
// and the context's own when it ends while unknown keys are looked for.
func (v *Verifier) Verify(ctx context.Context, token string) (Principal, error) {
	if len(token) > MaxTokenBytes {
		return Principal{}, invalid("longer than 8 KiB")
	}
	signed, head, payload, signature, err := split(token)
	if err != nil {
		return Principal{}, err
	}
	h, err := parseHeader(head)
	if err != nil {
		return Principal{}, err
	}
	method, key, err := v.key(ctx, h)
	if err != nil {
		return Principal{}, err
	}
	if method.Verify(signed, signature, key) != nil {
		return Principal{}, invalid("the signature does not fit")
	}
	// Only now is what the issuer wrote worth reading.
	return v.principal(payload)
}

// key returns how, and with which key, a token with this header is checked.
func (v *Verifier) key(ctx context.Context, h header) (jwt.SigningMethod, any, error) {
	switch {
	case v.keys != nil:
		method, ok := asymmetric[h.Alg]
		if !ok {
			return nil, nil, invalid("alg is not RS256, ES256 or EdDSA")
		}
		key, err := v.keys.find(ctx, h.Alg, h.Kid)
		return method, key, err
	case v.secret != nil:
		if h.Alg != jwt.SigningMethodHS256.Alg() {
			return nil, nil, invalid("alg is not HS256")
		}
		return jwt.SigningMethodHS256, v.secret, nil
	default:
		return nil, nil, invalid("no tokens are accepted: neither a secret nor a JWKS is set")
	}
}

// asymmetric are the algorithms of a key set.
var asymmetric = map[string]jwt.SigningMethod{
	jwt.SigningMethodRS256.Alg(): jwt.SigningMethodRS256,
	jwt.SigningMethodES256.Alg(): jwt.SigningMethodES256,
	jwt.SigningMethodEdDSA.Alg(): jwt.SigningMethodEdDSA,
}

// split decodes the three parts. signed is what the signature covers.
func split(token string) (signed string, head, payload, signature []byte, err error) {
	h, rest, ok := strings.Cut(token, ".")
	p, s, ok2 := strings.Cut(rest, ".")
	if !ok || !ok2 || strings.Contains(s, ".") {
		return "", nil, nil, nil, invalid("not three parts")
	}
	// The decoder skips line ends, so that one token could be written in many ways.
	if strings.ContainsAny(token, "\r\n") {
		return "", nil, nil, nil, invalid("not base64url")
	}
	enc := base64.RawURLEncoding.Strict()
	head, err1 := enc.DecodeString(h)
	payload, err2 := enc.DecodeString(p)
	signature, err3 := enc.DecodeString(s)
	if err1 != nil || err2 != nil || err3 != nil {
		return "", nil, nil, nil, invalid("not base64url")
	}
	return token[:len(h)+1+len(p)], head, payload, signature, nil
}

func parseHeader(b []byte) (header, error) {
	var h header
	if json.Unmarshal(b, &h) != nil {
		return header{}, invalid("the header is not JSON with each name once and each value of its type")
	}
	switch {
	case h.Crit != nil:
		return header{}, invalid("crit is refused")
	case h.JKU != nil:
		return header{}, invalid("jku is refused")
	case h.X5U != nil:
		return header{}, invalid("x5u is refused")
	case h.JWK != nil:
		return header{}, invalid("jwk is refused")
	case h.Typ != nil && !acceptedType(*h.Typ):
		return header{}, invalid("typ is not JWT or at+jwt")
	}
	return h, nil
}

// acceptedType compares media types as RFC 7515 section 4.1.9 says: without
// regard to case, and "application/" may be left out; RFC 9068 section 4 asks to
// take both spellings of at+jwt.
func acceptedType(typ string) bool {
	const tree = "application/"
	if len(typ) > len(tree) && strings.EqualFold(typ[:len(tree)], tree) {
		typ = typ[len(tree):]
	}
	return strings.EqualFold(typ, "JWT") || strings.EqualFold(typ, "at+jwt")
}

// principal reads the claims of a token whose signature was right.
func (v *Verifier) principal(payload []byte) (Principal, error) {
	var c claimSet
	if err := json.Unmarshal(payload, &c); err != nil {
		return Principal{}, invalid(claimFault(err))
	}
	if err := checkTimes(c, v.now()); err != nil {
		return Principal{}, err
	}
	if v.issuer != "" && c.Iss != v.issuer {
		return Principal{}, invalid("iss is not the configured issuer")
	}
	audience, err := audiences(c.Aud)
	if err != nil {
		return Principal{}, err
	}
	if v.audience != "" && !slices.Contains(audience, v.audience) {
		return Principal{}, invalid("aud does not hold the configured audience")
	}
	if !validSubject(c.Sub) {
		return Principal{}, invalid("sub is absent, too long or not printable")
	}
	p := Principal{Kind: KindJWT, ID: c.Sub, Admin: c.IsAdmin}
	if p.Tenant, err = claimUUID(c.TenantID); err != nil {
		return Principal{}, invalid("tenant_id is not a UUID")
	}
	if c.CustomerID != nil {
		if p.CustomerID, err = claimUUID(*c.CustomerID); err != nil {
			return Principal{}, invalid("customer_id is not a UUID")
		}
	}
	return p, nil
}

func checkTimes(c claimSet, now time.Time) error {
	exp, ok := numericDate(c.Exp)
	switch {
	case c.Exp == nil || !ok:
		return invalid("exp is absent or out of range")
	case !now.Before(exp.Add(Leeway)):
		return invalid("expired")
	case exp.After(now.Add(MaxTokenLifetime + Leeway)):
		return invalid("exp is more than 24 h ahead")
	}
	if nbf, ok := numericDate(c.Nbf); !ok || nbf.After(now.Add(Leeway)) {
		return invalid("nbf is in the future or out of range")
	}
	if iat, ok := numericDate(c.Iat); !ok || iat.After(now.Add(Leeway)) {
		return invalid("iat is in the future or out of range")
	}
	return nil
}

// numericDate converts seconds since 1970, which may have a fraction (RFC 7519
// section 2). Absent is the zero time, and fine.
func numericDate(f *float64) (time.Time, bool) {
	if f == nil {
		return time.Time{}, true
	}
	if math.Abs(*f) > maxNumericDate {
		return time.Time{}, false
	}
	sec, frac := math.Modf(*f)
	return time.Unix(int64(sec), int64(frac*float64(time.Second))), true
}

// audiences reads aud: absent, one string, or an array of strings (RFC 7519
// section 4.1.3).
func audiences(v jsontext.Value) ([]string, error) {
	switch v.Kind() {
	case jsontext.KindString:
		var s string
		if json.Unmarshal(v, &s) == nil {
			return []string{s}, nil
		}
	case jsontext.KindBeginArray:
		// Pointers, because a null would otherwise read as an empty string.
		var list []*string
		if json.Unmarshal(v, &list) == nil && !slices.Contains(list, nil) {
			out := make([]string, len(list))
			for i, s := range list {
				out[i] = *s
			}
			return out, nil
		}
	case jsontext.KindInvalid, jsontext.KindNull:
		if len(v) == 0 || v.Kind() == jsontext.KindNull {
			return nil, nil
		}
	default:
	}
	return nil, invalid("aud is not a string or an array of strings")
}

// claimUUID refuses the nil UUID besides what is none: [Principal] has it for
// "none", and a token must not say so by the way.
func claimUUID(s string) (uuid.UUID, error) {
	id, err := wire.ParseUUID(s)
	if err == nil && id == uuid.Nil {
		err = wire.ErrNotUUID
	}
	return id, err
}

// validSubject bounds what goes into the audit trail and the log.
func validSubject(s string) bool {
	return s != "" && len(s) <= maxSubjectBytes && utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

// claimFault names the claim at fault when it is one of ours. Anything else that
// the decoder says might quote the token.
func claimFault(err error) string {
	if se, ok := errors.AsType[*json.SemanticError](err); ok {
		switch p := string(se.JSONPointer); p {
		case "/sub", "/tenant_id", "/customer_id", "/is_admin", "/iss", "/exp", "/nbf", "/iat":
			return p[1:] + " has the wrong type"
		}
	}
	return "the claims are not a JSON object with each name once"
}

// invalid returns ErrInvalidToken with a reason, which is never made of what the
// token says.
func invalid(reason string) error { return fmt.Errorf("%w: %s", ErrInvalidToken, reason) }
