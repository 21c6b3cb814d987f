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
	// DefaultMaxLifetime is how far ahead a token's exp may be, apart from [Leeway],
	// when nothing else is configured.
	DefaultMaxLifetime = 24 * time.Hour
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
	// joined with everything that is wrong.
	ErrInvalidConfig = errors.New("auth: invalid JWT settings")
)

// VerifierConfig says whose tokens are accepted. With neither Secret nor JWKS none
// are.
type VerifierConfig struct {
	// Secret makes HS256 the one algorithm; at least [MinSecretBytes].
	Secret Secret
	// JWKS is the URL (https, or http on loopback) or the path of a key set
	// (RFC 7517). It makes RS256, ES256 and EdDSA the algorithms, and Issuer and
	// Audience required.
	JWKS string
	// Issuer is what iss must be, and Audience what aud, or the claim that Claims
	// names instead, must hold; unchecked when empty.
	Issuer, Audience string
	// Claims are the names under which the issuer writes tenant, customer, admin and
	// audience; zero fields mean the deproblems.
	Claims ClaimNames
	// MaxLifetime is how far ahead exp may be; 0 means [DefaultMaxLifetime].
	MaxLifetime time.Duration

	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Logger gets what happens when keys are loaded; nil means none.
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

// Validate returns nil, or [ErrInvalidConfig] joined with everything that is wrong.
func (c VerifierConfig) Validate() error {
	var problems []error
	if n := len(c.Secret.Reveal()); n > 0 && n < MinSecretBytes {
		problems = append(problems, fmt.Errorf("the HS256 secret has %d bytes, it needs at least %d", n, MinSecretBytes))
	}
	if c.JWKS != "" {
		if !c.Secret.IsZero() {
			problems = append(problems, errors.New("an HS256 secret and a JWKS are set: choose one"))
		}
		if c.Issuer == "" {
			problems = append(problems, errors.New("a JWKS needs an issuer"))
		}
		if c.Audience == "" {
			problems = append(problems, errors.New("a JWKS needs an audience"))
		}
		if isURL(c.JWKS) {
			if _, err := parseJWKSURL(c.JWKS); err != nil {
				problems = append(problems, err)
			}
		}
	}
	if len(problems) == 0 {
		return nil
	}
	return errors.Join(append([]error{ErrInvalidConfig}, problems...)...)
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
	claims           ClaimNames
	maxLifetime      time.Duration
	now              func() time.Time
	// One of the two, or neither: then every token is refused.
	secret []byte
	keys   *keySource
}

// NewVerifier returns a verifier. With a JWKS it starts loading the keys: a file
// is read before it returns, and its error returned; a URL is fetched in the
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
	if c.MaxLifetime == 0 {
		c.MaxLifetime = DefaultMaxLifetime
	}
	v := &Verifier{
		issuer: c.Issuer, audience: c.Audience, claims: c.Claims.withDefaults(), maxLifetime: c.MaxLifetime,
		now: c.Now, secret: c.Secret.Reveal(),
	}
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

// registered holds the claims of RFC 7519 that are looked at, but for aud. Null is
// absent.
type registered struct {
	Sub string   `json:"sub"`
	Iss string   `json:"iss"`
	Exp *float64 `json:"exp"`
	Nbf *float64 `json:"nbf"`
	Iat *float64 `json:"iat"`
}

// Verify checks a compact JWS and returns the caller that it names. The errors are
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
	if err := v.checkSignature(ctx, h, signed, signature); err != nil {
		return Principal{}, err
	}
	// Only now is what the issuer wrote worth reading.
	return v.principal(payload)
}

// checkSignature returns nil when a key that was configured made the signature.
func (v *Verifier) checkSignature(ctx context.Context, h header, signed string, signature []byte) error {
	switch {
	case v.keys != nil:
		method, ok := asymmetric[h.Alg]
		if !ok {
			return invalid("alg is not RS256, ES256 or EdDSA")
		}
		return v.keys.check(ctx, h, func(key any) bool { return method.Verify(signed, signature, key) == nil })
	case v.secret != nil:
		if h.Alg != jwt.SigningMethodHS256.Alg() {
			return invalid("alg is not HS256")
		}
		if jwt.SigningMethodHS256.Verify(signed, signature, v.secret) != nil {
			return errSignature
		}
		return nil
	default:
		return invalid("no tokens are accepted: neither a secret nor a JWKS is set")
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

// principal reads the claims of a token whose signature is correct.
func (v *Verifier) principal(payload []byte) (Principal, error) {
	var claims document
	if json.Unmarshal(payload, &claims) != nil {
		return Principal{}, invalid("the claims are not a JSON object with each name once")
	}
	var c registered
	if err := json.Unmarshal(payload, &c); err != nil {
		return Principal{}, invalid(wrongType(err))
	}
	if err := v.checkTimes(c); err != nil {
		return Principal{}, err
	}
	if v.issuer != "" && c.Iss != v.issuer {
		return Principal{}, invalid("iss is not the configured issuer")
	}
	if err := v.checkAudience(claims); err != nil {
		return Principal{}, err
	}
	if !validSubject(c.Sub) {
		return Principal{}, invalid("sub is absent, too long or not printable")
	}
	p := Principal{Kind: KindJWT, ID: c.Sub}
	var err error
	if p.Admin, err = claims.admin(v.claims.Admin); err != nil {
		return Principal{}, err
	}
	if p.Tenant, err = claims.uuid(v.claims.Tenant); err != nil {
		return Principal{}, err
	}
	if p.Tenant == uuid.Nil {
		return Principal{}, invalid(v.claims.Tenant.String() + " is absent")
	}
	if p.CustomerID, err = claims.uuid(v.claims.Customer); err != nil {
		return Principal{}, err
	}
	return p, nil
}

// checkAudience looks at the configured claim, and at aud as well when the token
// has one: a token that says that it is for somebody else is not for hydrapin.
func (v *Verifier) checkAudience(claims document) error {
	aud := Claim{name: DefaultAudienceClaim, path: []string{DefaultAudienceClaim}}
	required, err := claims.texts(v.claims.Audience)
	if err != nil {
		return err
	}
	if v.audience != "" && !slices.Contains(required, v.audience) {
		return invalid(v.claims.Audience.String() + " does not hold the configured audience")
	}
	present, err := claims.texts(aud)
	if err != nil {
		return err
	}
	if v.audience != "" && claims.find(aud) != nil && !slices.Contains(present, v.audience) {
		return invalid("aud does not hold the configured audience")
	}
	return nil
}

func (v *Verifier) checkTimes(c registered) error {
	now := v.now()
	exp, ok := numericDate(c.Exp)
	switch {
	case c.Exp == nil || !ok:
		return invalid("exp is absent or out of range")
	case !now.Before(exp.Add(Leeway)):
		return invalid("it has expired")
	case exp.After(now.Add(v.maxLifetime + Leeway)):
		return invalid("exp is more than " + v.maxLifetime.String() + " ahead, the longest lifetime that is accepted")
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

// uuid reads a claim that is a UUID; uuid.Nil when it is absent. The nil UUID itself
// is refused: [Principal] has it for "none", and a token must not say so.
func (d document) uuid(c Claim) (uuid.UUID, error) {
	if d.find(c) == nil {
		return uuid.Nil, nil
	}
	s, err := d.text(c)
	if err != nil {
		return uuid.Nil, err
	}
	id, err := wire.ParseUUID(s)
	if err != nil || id == uuid.Nil {
		return uuid.Nil, invalid(c.String() + " is not a UUID")
	}
	return id, nil
}

// validSubject bounds what goes into the audit trail and the log.
func validSubject(s string) bool {
	return s != "" && len(s) <= maxSubjectBytes && utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

// wrongType names the claim that the decoder could not read. Anything else that the
// decoder says might quote the token.
func wrongType(err error) string {
	if se, ok := errors.AsType[*json.SemanticError](err); ok {
		switch p := string(se.JSONPointer); p {
		case "/sub", "/iss", "/exp", "/nbf", "/iat":
			return p[1:] + " has the wrong type"
		}
	}
	return "a claim has the wrong type"
}

// errSignature has its own variable because more than one place returns it.
var errSignature = invalid("the signature does not fit")

// invalid returns ErrInvalidToken with a reason, which is never made of what the
// token says.
func invalid(reason string) error { return fmt.Errorf("%w: %s", ErrInvalidToken, reason) }
