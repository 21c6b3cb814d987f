package receipt_test

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/hydracore/hydrapin/sdk/go/hydrapin/receipt"
)

func TestHeadersRefused(t *testing.T) {
	t.Parallel()
	for _, v := range []struct {
		name  string
		value any
		want  error
	}{
		{"alg", "none", receipt.ErrMalformed},
		{"alg", "None", receipt.ErrMalformed},
		{"alg", "HS256", receipt.ErrMalformed},
		{"alg", "RS256", receipt.ErrMalformed},
		{"alg", "ES256", receipt.ErrMalformed},
		{"alg", "eddsa", receipt.ErrMalformed},
		{"alg", "Ed25519", receipt.ErrMalformed},
		{"alg", nil, receipt.ErrMalformed},
		{"alg", []string{"EdDSA"}, receipt.ErrMalformed},
		{"typ", "JWT", receipt.ErrMalformed},
		{"typ", "PIN-RECEIPT+JWT", receipt.ErrMalformed},
		{"typ", "application/pin-receipt+jwt", receipt.ErrMalformed},
		{"typ", nil, receipt.ErrMalformed},
		{"kid", nil, receipt.ErrMalformed},
		{"kid", "", receipt.ErrMalformed},
		{"kid", "k9", receipt.ErrUnknownKey},
		{"kid", "k1", receipt.ErrSignature},
		{"crit", []string{"exp"}, receipt.ErrMalformed},
		{"crit", []string{}, receipt.ErrMalformed},
		{"jku", "https://evil.example.com/jwks.json", receipt.ErrMalformed},
		{"x5u", "https://evil.example.com/cert.pem", receipt.ErrMalformed},
		{"jwk", object{"kty": "OKP"}, receipt.ErrMalformed},
		{"b64", false, receipt.ErrMalformed},
		{"cty", "JWT", receipt.ErrMalformed},
	} {
		text, err := json.Marshal(v.value)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(v.name+" "+string(text), func(t *testing.T) {
			t.Parallel()
			wantRefused(t, newVerifier(t), sign(with(header(), v.name, v.value), payload()), expected(), v.want)
		})
	}
}

func TestFormsRefused(t *testing.T) {
	t.Parallel()
	good := sign(header(), payload())
	parts := strings.Split(good, ".")
	text := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		t.Fatal(err)
	}
	flipped := append([]byte{signature[0] ^ 1}, signature[1:]...)

	// An HS256 token whose secret is the public key: the classic confusion.
	input := encode(with(header(), "alg", "HS256")) + "." + parts[1]
	mac := hmac.New(sha256.New, testKey(0).Public().(ed25519.PublicKey))
	mac.Write([]byte(input))
	confused := input + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))

	for _, v := range []struct {
		name, token string
		want        error
	}{
		{"empty", "", receipt.ErrMalformed},
		{"two parts", parts[0] + "." + parts[1], receipt.ErrMalformed},
		{"four parts", good + ".", receipt.ErrMalformed},
		{"no signature", parts[0] + "." + parts[1] + ".", receipt.ErrMalformed},
		{"none", encode(with(header(), "alg", "none")) + "." + parts[1] + ".", receipt.ErrMalformed},
		{"HS256 with the public key", confused, receipt.ErrMalformed},
		{"space in front", " " + good, receipt.ErrMalformed},
		{"line break behind", good + "\n", receipt.ErrMalformed},
		{"line break within", parts[0] + "." + parts[1] + "." + parts[2][:9] + "\n" + parts[2][9:], receipt.ErrMalformed},
		{"padding", good + "=", receipt.ErrMalformed},
		{"header is no JSON", signParts(text("x"), parts[1]), receipt.ErrMalformed},
		{"header is an array", signParts(text("[]"), parts[1]), receipt.ErrMalformed},
		{"alg twice", signParts(text(`{"alg":"none","alg":"EdDSA","kid":"k0","typ":"pin-receipt+jwt"}`), parts[1]), receipt.ErrMalformed},
		{"alg in capitals", signParts(text(`{"ALG":"EdDSA","kid":"k0","typ":"pin-receipt+jwt"}`), parts[1]), receipt.ErrMalformed},
		{"payload is no JSON", signParts(parts[0], text("x")), receipt.ErrMalformed},
		{"payload is null", signParts(parts[0], text("null")), receipt.ErrMalformed},
		{"payload with data behind", signParts(parts[0], text("{}{}")), receipt.ErrMalformed},
		{"another payload", parts[0] + "." + encode(with(payload(), "skill", "send_mail")) + "." + parts[2], receipt.ErrSignature},
		{"another signature", parts[0] + "." + parts[1] + "." + base64.RawURLEncoding.EncodeToString(flipped), receipt.ErrSignature},
		{"short signature", parts[0] + "." + parts[1] + "." + base64.RawURLEncoding.EncodeToString(signature[:63]), receipt.ErrMalformed},
		{"too long", sign(header(), with(payload(), "x", strings.Repeat("x", receipt.MaxBytes))), receipt.ErrMalformed},
	} {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			wantRefused(t, newVerifier(t), v.token, expected(), v.want)
		})
	}
}

func FuzzVerify(f *testing.F) {
	good := sign(header(), payload())
	f.Add(good)
	f.Add(sign(header(), object{}))
	f.Add(sign(with(header(), "alg", "none"), payload()))
	f.Add(signParts(base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"EdDSA","alg":"EdDSA"}`)), "e30"))
	for _, seed := range []string{"", "..", "...", "e30.e30.", "e30.e30.AA", "bnVsbA.bnVsbA.bnVsbA", good + "\n"} {
		f.Add(seed)
	}
	v := newVerifier(f)
	f.Fuzz(func(t *testing.T, token string) {
		if _, err := v.Verify(t.Context(), token, expected()); err != nil {
			return
		}
		// What is accepted must be what another library finds signed.
		parsed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.EdDSA})
		if err != nil {
			t.Fatalf("accepted %q, which go-jose cannot read: %v", token, err)
		}
		if _, err := parsed.Verify(testKey(0).Public()); err != nil {
			t.Fatalf("accepted %q, which go-jose refuses: %v", token, err)
		}
	})
}
