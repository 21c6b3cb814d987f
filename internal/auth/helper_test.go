package auth_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"go.uber.org/goleak"

	"github.com/hydracore/hydrapin/internal/auth"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	issuer   = "https://issuer.example"
	audience = "hydrapin"
)

var (
	start    = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	tenant   = uuid.MustParse("0190a5d2-7b4c-7e1f-8a3b-1c2d3e4f5a6b")
	customer = uuid.MustParse("7c9e6679-7425-40de-944b-e07fc1f90ae7")
	secret   = auth.NewSecret([]byte("0123456789abcdef0123456789abcdef"))
)

// clock is a clock that stands still until it is moved.
type clock struct{ ns atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.ns.Store(start.UnixNano())
	return c
}

func (c *clock) Now() time.Time          { return time.Unix(0, c.ns.Load()).UTC() }
func (c *clock) Advance(d time.Duration) { c.ns.Add(int64(d)) }

func at(t time.Time) func() time.Time { return func() time.Time { return t } }

func newVerifier(tb testing.TB, c auth.VerifierConfig) *auth.Verifier {
	tb.Helper()
	v, err := auth.NewVerifier(c)
	if err != nil {
		tb.Fatalf("NewVerifier: %v", err)
	}
	tb.Cleanup(v.Close)
	return v
}

// eventually waits until cond is true.
func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for !cond() {
		select {
		case <-deadline:
			t.Fatalf("never happened: %s", what)
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// Keys are made once: an RSA key takes long.
var (
	rsaKey = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })
	// smallRSA has a size that no issuer should use any more.
	smallRSA   = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 1024)) })
	ecKey      = sync.OnceValue(func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) })
	ec384Key   = sync.OnceValue(func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader)) })
	edKey      = sync.OnceValue(newEdKey)
	otherEdKey = sync.OnceValue(newEdKey)
)

func newEdKey() ed25519.PrivateKey {
	_, k, err := ed25519.GenerateKey(rand.Reader)
	return must(k, err)
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// signer signs the first two parts of a token; none of them is the code under test.
type signer func(input string) []byte

func hs256(key []byte) signer {
	return func(in string) []byte {
		m := hmac.New(sha256.New, key)
		m.Write([]byte(in))
		return m.Sum(nil)
	}
}

func rs256(k *rsa.PrivateKey) signer {
	return func(in string) []byte {
		h := sha256.Sum256([]byte(in))
		return must(rsa.SignPKCS1v15(rand.Reader, k, crypto.SHA256, h[:]))
	}
}

func ps256(k *rsa.PrivateKey) signer {
	return func(in string) []byte {
		h := sha256.Sum256([]byte(in))
		return must(rsa.SignPSS(rand.Reader, k, crypto.SHA256, h[:], nil))
	}
}

func es256(k *ecdsa.PrivateKey) signer {
	return func(in string) []byte {
		h := sha256.Sum256([]byte(in))
		r, s, err := ecdsa.Sign(rand.Reader, k, h[:])
		must(r, err)
		n := (k.Curve.Params().BitSize + 7) / 8
		return append(r.FillBytes(make([]byte, n)), s.FillBytes(make([]byte, n))...)
	}
}

func eddsa(k ed25519.PrivateKey) signer {
	return func(in string) []byte { return ed25519.Sign(k, []byte(in)) }
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// compact makes a token of raw JSON texts, so that tests can write what no
// encoder would.
func compact(header, claims string, sign signer) string {
	in := b64([]byte(header)) + "." + b64([]byte(claims))
	return in + "." + b64(sign(in))
}

type obj = map[string]any

// with returns base with changes; a value of absent takes a name out.
func with(base, changes obj) string {
	m := maps.Clone(base)
	for k, v := range changes {
		if v == absent {
			delete(m, k)
		} else {
			m[k] = v
		}
	}
	return string(must(json.Marshal(m)))
}

const absent = "\x00absent"

// goodClaims are valid at now, for every verifier of these tests.
func goodClaims(now time.Time) obj {
	return obj{
		"sub": "user-1", "tenant_id": tenant.String(), "customer_id": customer.String(), "is_admin": true,
		"iss": issuer, "aud": audience, "exp": now.Add(time.Hour).Unix(), "nbf": now.Unix(), "iat": now.Unix(),
	}
}

var goodPrincipal = auth.Principal{Kind: auth.KindJWT, ID: "user-1", Tenant: tenant, CustomerID: customer, Admin: true}

// JSON Web Keys, written by hand after RFC 7518 section 6 and RFC 8037.

func rsaJWK(k *rsa.PublicKey, more obj) obj {
	return merge(obj{"kty": "RSA", "n": b64(k.N.Bytes()), "e": b64(big.NewInt(int64(k.E)).Bytes())}, more)
}

func ecJWK(k *ecdsa.PublicKey, more obj) obj {
	point := must(k.Bytes())[1:]
	return merge(obj{"kty": "EC", "crv": k.Curve.Params().Name, "x": b64(point[:len(point)/2]), "y": b64(point[len(point)/2:])}, more)
}

func edJWK(k ed25519.PrivateKey, more obj) obj {
	return merge(obj{"kty": "OKP", "crv": "Ed25519", "x": b64(k.Public().(ed25519.PublicKey))}, more)
}

func merge(a, b obj) obj {
	m := maps.Clone(a)
	maps.Copy(m, b)
	return m
}

func jwks(keys ...obj) string { return string(must(json.Marshal(obj{"keys": keys}))) }

// everyVerb formats v with every verb that fmt knows, alone and inside of other
// values, exported and not.
func everyVerb(v any) string {
	type hidden struct{ v any }
	var b strings.Builder
	for _, verb := range "vTtbcdoOqxXUeEfFgGspw" {
		for _, flags := range []string{"", "+", "#", "-20", "020", ".3"} {
			for _, x := range []any{v, &v, []any{v}, obj{"k": v}, struct{ V any }{v}, hidden{v}, &hidden{v}} {
				fmt.Fprintf(&b, "%"+flags+string(verb)+"\n", x)
			}
		}
	}
	return b.String()
}
