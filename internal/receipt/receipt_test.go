package receipt_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/receipt"
	"github.com/hydracore/hydrapin/sdk/go/hydrapin/canonical"
	sdk "github.com/hydracore/hydrapin/sdk/go/hydrapin/receipt"
)

var (
	seedA = seed("a")
	seedB = seed("b")
)

// seed returns 32 bytes in the form of the setting. Its text is searched for where secrets must not be.
func seed(letter string) string {
	return base64.StdEncoding.EncodeToString([]byte(strings.Repeat(letter, ed25519.SeedSize)))
}

func ring(t *testing.T, setting string) receipt.Ring {
	t.Helper()
	r, err := receipt.ParseRing(setting)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func claims() receipt.Claims {
	approved := time.Now()
	return receipt.Claims{
		Issuer:       "https://pin.example.com",
		TenantID:     uuid.MustParse("11111111-1111-4111-8111-111111111111"),
		InstanceID:   uuid.MustParse("22222222-2222-4222-8222-222222222222"),
		HolderType:   "customer",
		HolderID:     uuid.MustParse("33333333-3333-4333-8333-333333333333"),
		Confirmation: uuid.MustParse("44444444-4444-4444-8444-444444444444"),
		Skill:        "transfer_funds",
		Role:         "owner",
		Method:       "pin",
		AuthTime:     approved,
		ActionDigest: canonical.Digest([]byte(`{}`)),
		IssuedAt:     approved,
		ExpiresAt:    approved.Add(2 * time.Minute),
	}
}

func sign(t *testing.T, r receipt.Ring, c receipt.Claims) string {
	t.Helper()
	token, err := r.Sign(c)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// open verifies a receipt with go-jose and the published set, and returns what it says.
func open(t *testing.T, token string, jwks []byte) (header jose.Header, payload map[string]any) {
	t.Helper()
	parsed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.EdDSA})
	if err != nil {
		t.Fatal(err)
	}
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(jwks, &set); err != nil {
		t.Fatal(err)
	}
	header = parsed.Signatures[0].Protected
	keys := set.Key(header.KeyID)
	if len(keys) != 1 {
		t.Fatalf("%d keys with the id %q", len(keys), header.KeyID)
	}
	raw, err := parsed.Verify(keys[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &payload); err != nil {
		t.Fatal(err)
	}
	return header, payload
}

// The bytes are a promise to verifiers in other languages, so they are fixed here.
func TestSignVector(t *testing.T) {
	t.Parallel()
	c := claims()
	c.AuthTime = time.Date(2026, 11, 23, 12, 0, 0, 999_999_000, time.UTC)
	c.IssuedAt, c.ExpiresAt = c.AuthTime, c.AuthTime.Add(2*time.Minute)
	r := ring(t, "2026-a:"+seedA)
	token := sign(t, r, c)

	parts := strings.Split(token, ".")
	for i, want := range []string{
		`{"alg":"EdDSA","kid":"2026-a","typ":"pin-receipt+jwt"}`,
		`{"action_digest":"sha-256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","amr":["pin"],` +
			`"aud":"11111111-1111-4111-8111-111111111111/22222222-2222-4222-8222-222222222222",` +
			`"auth_time":1795435200,"exp":1795435320,"holder_type":"customer","iat":1795435200,` +
			`"iss":"https://pin.example.com","jti":"44444444-4444-4444-8444-444444444444","role":"owner",` +
			`"skill":"transfer_funds","sub":"33333333-3333-4333-8333-333333333333",` +
			`"tenant_id":"11111111-1111-4111-8111-111111111111"}`,
	} {
		got, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil || string(got) != want {
			t.Errorf("part %d: %s, %v\nwant    %s", i, got, err, want)
		}
	}
	open(t, token, r.JWKS())
	for range 3 {
		if again := sign(t, ring(t, "2026-a:"+seedA), c); again != token {
			t.Errorf("another time: %s\nwant         %s", again, token)
		}
	}
}

func TestSignWithoutAction(t *testing.T) {
	t.Parallel()
	c := claims()
	c.ActionDigest, c.Method, c.AuthTime = "", "session", c.IssuedAt.Add(-20*time.Minute)
	r := ring(t, "a:"+seedA)
	_, payload := open(t, sign(t, r, c), r.JWKS())
	if _, ok := payload["action_digest"]; ok {
		t.Error("there is a claim for an action that there was not")
	}
	names := slices.Sorted(maps.Keys(payload))
	want := []string{
		"amr", "aud", "auth_time", "exp", "holder_type", "iat", "iss", "jti", "role", "skill", "sub", "tenant_id",
	}
	if !slices.Equal(names, want) {
		t.Errorf("claims %v, want %v", names, want)
	}
}

func TestSignRefusesIncompleteClaims(t *testing.T) {
	t.Parallel()
	r := ring(t, "a:"+seedA)
	for claim, changes := range map[string][]func(*receipt.Claims){
		"iss":         {func(c *receipt.Claims) { c.Issuer = "" }},
		"tenant_id":   {func(c *receipt.Claims) { c.TenantID = uuid.Nil }},
		"aud":         {func(c *receipt.Claims) { c.InstanceID = uuid.Nil }},
		"holder_type": {func(c *receipt.Claims) { c.HolderType = "" }, func(c *receipt.Claims) { c.HolderType = "robot" }},
		"sub":         {func(c *receipt.Claims) { c.HolderID = uuid.Nil }},
		"jti":         {func(c *receipt.Claims) { c.Confirmation = uuid.Nil }},
		"skill":       {func(c *receipt.Claims) { c.Skill = "" }, func(c *receipt.Claims) { c.Skill = "*" }},
		"role":        {func(c *receipt.Claims) { c.Role = "" }, func(c *receipt.Claims) { c.Role = "all" }},
		"amr":         {func(c *receipt.Claims) { c.Method = "" }, func(c *receipt.Claims) { c.Method = "otp" }},
		"auth_time":   {func(c *receipt.Claims) { c.AuthTime = time.Time{} }},
		"iat":         {func(c *receipt.Claims) { c.IssuedAt = time.Time{} }},
		"exp": {
			func(c *receipt.Claims) { c.ExpiresAt = time.Time{} },
			func(c *receipt.Claims) { c.ExpiresAt = c.IssuedAt },
		},
		"action_digest": {
			func(c *receipt.Claims) { c.ActionDigest = "sha-256:" },
			func(c *receipt.Claims) { c.ActionDigest = strings.ToUpper(c.ActionDigest) },
			func(c *receipt.Claims) { c.ActionDigest = c.ActionDigest[:71] + "g" },
			func(c *receipt.Claims) { c.ActionDigest = strings.TrimPrefix(c.ActionDigest, "sha-256:") },
			func(c *receipt.Claims) { c.Method = "session" },
		},
	} {
		for _, change := range changes {
			c := claims()
			change(&c)
			token, err := r.Sign(c)
			if !errors.Is(err, receipt.ErrClaims) || !strings.HasSuffix(err.Error(), ": "+claim) || token != "" {
				t.Errorf("%s: %q, %v", claim, token, err)
			}
		}
	}
}

func TestRotation(t *testing.T) {
	t.Parallel()
	before, appended, moved := ring(t, "a:"+seedA), ring(t, "a:"+seedA+",b:"+seedB), ring(t, "b:"+seedB+",a:"+seedA)
	c := claims()
	old := sign(t, before, c)
	if sign(t, appended, c) != old {
		t.Error("a key that was appended signs")
	}
	latest := sign(t, moved, c)
	if header, _ := open(t, latest, moved.JWKS()); header.KeyID != "b" {
		t.Errorf("signed with %q, want the first", header.KeyID)
	}
	// While both are published, receipts of both are good on every node.
	for _, r := range []receipt.Ring{appended, moved} {
		open(t, old, r.JWKS())
		open(t, latest, r.JWKS())
	}
	c.KeyID = "a"
	if sign(t, moved, c) != old {
		t.Error("with the key that signed first, the bytes must be the same")
	}
	c.KeyID = "c"
	if _, err := moved.Sign(c); !errors.Is(err, receipt.ErrUnknownKey) {
		t.Errorf("a key that is not there: %v", err)
	}
	if _, err := (receipt.Ring{}).Sign(claims()); !errors.Is(err, receipt.ErrUnknownKey) {
		t.Errorf("no key at all: %v", err)
	}
}

// What is signed here is what the SDK accepts.
func TestSDKVerifies(t *testing.T) {
	t.Parallel()
	r := ring(t, "b:"+seedB+",a:"+seedA)
	keys, err := sdk.KeysFromJWKS(r.JWKS())
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := sdk.NewVerifier("https://pin.example.com", keys, sdk.NewMemorySeen())
	if err != nil {
		t.Fatal(err)
	}
	for _, method := range []string{"pin", "session"} {
		for _, id := range []string{"a", "b"} {
			c := claims()
			c.KeyID, c.Confirmation, c.Method = id, uuid.New(), method
			want := sdk.Expected{
				TenantID: c.TenantID, InstanceID: c.InstanceID, HolderType: sdk.Customer, HolderID: c.HolderID,
				Skill: c.Skill, Action: sdk.Params([]byte(` { } `)),
			}
			if method == "session" {
				c.ActionDigest, want.Action = "", sdk.NoAction()
			}
			got, err := verifier.Verify(t.Context(), sign(t, r, c), want)
			if err != nil || got.ID != c.Confirmation || got.Method != method {
				t.Errorf("%s with %s: %+v, %v", method, id, got, err)
			}
		}
	}
}

func TestParseRingRefuses(t *testing.T) {
	t.Parallel()
	for name, in := range map[string]string{
		"empty":              "",
		"no id":              ":" + seedA,
		"no colon":           seedA,
		"empty entry":        "a:" + seedA + ",",
		"id too long":        strings.Repeat("a", 33) + ":" + seedA,
		"id with a dot":      "a.b:" + seedA,
		"id with a space":    " a:" + seedA + ",b :" + seedB,
		"id twice":           "a:" + seedA + ",a:" + seedB,
		"unpadded":           "a:" + strings.TrimRight(seedA, "="),
		"31 bytes":           "a:" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("a", 31))),
		"33 bytes":           "a:" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("a", 33))),
		"64 bytes":           "a:" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("a", 64))),
		"base64url":          "a:" + strings.Repeat("_", 43) + "=",
		"line break within":  "a:" + seedA[:20] + "\n" + seedA[20:],
		"other trailing bit": "a:" + seedA[:42] + "F=",
		"no value":           "a:",
	} {
		r, err := receipt.ParseRing(in)
		if !errors.Is(err, receipt.ErrRing) || len(r.IDs()) != 0 {
			t.Errorf("%s: %v, %v", name, r, err)
		}
		if err != nil && (strings.Contains(err.Error(), "YWFh") || strings.Contains(err.Error(), "____")) {
			t.Errorf("%s: the error holds the key: %v", name, err)
		}
	}
}

func TestPublished(t *testing.T) {
	t.Parallel()
	// RFC 8037, appendix A: the seed, its public key and its thumbprint.
	raw, err := hex.DecodeString("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
	if err != nil {
		t.Fatal(err)
	}
	r := ring(t, "rfc:"+base64.StdEncoding.EncodeToString(raw)+",a:"+seedA+"\n")
	want := `{"keys":[{"kty":"OKP","crv":"Ed25519","use":"sig","alg":"EdDSA","kid":"rfc",` +
		`"x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},`
	if got := string(r.JWKS()); !strings.HasPrefix(got, want) || strings.Count(got, `"kid"`) != 2 || strings.Contains(got, `"d"`) {
		t.Errorf("JWKS = %s\nwant     %s…", got, want)
	}
	check, err := r.Check("rfc")
	if got := base64.RawURLEncoding.EncodeToString(check); err != nil || got != "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k" {
		t.Errorf("Check = %s, %v", got, err)
	}
	for _, id := range []string{"", "b"} {
		if check, err := r.Check(id); !errors.Is(err, receipt.ErrUnknownKey) || check != nil {
			t.Errorf("Check(%q) = %x, %v", id, check, err)
		}
	}
	if got := r.IDs(); !slices.Equal(got, []string{"rfc", "a"}) {
		t.Errorf("IDs = %v", got)
	}
	if got := string(receipt.Ring{}.JWKS()); got != `{"keys":[]}` {
		t.Errorf("an empty ring publishes %s", got)
	}
}

func TestRingRedacts(t *testing.T) {
	t.Parallel()
	r := ring(t, "a:"+seedA)
	type holder struct {
		Public  receipt.Ring
		private receipt.Ring
	}
	var out strings.Builder
	for _, v := range []any{r, &r, []receipt.Ring{r}, holder{r, r}, &holder{r, r}, map[string]receipt.Ring{"r": r}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%p"} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(text)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("ring", "ring", v)
		slog.New(slog.NewTextHandler(&out, nil)).Info("ring", "ring", v)
	}
	for _, secret := range []string{"aaaa", "6161", "97 97", "97, 97", "0x61", seedA, "YWFh"} {
		if strings.Contains(out.String(), secret) {
			t.Errorf("the output holds %q", secret)
		}
	}
	if !strings.Contains(out.String(), "receipt-keys[a]") {
		t.Error("the ids must be shown")
	}
}

func FuzzParseRing(f *testing.F) {
	for _, s := range []string{"", "a:" + seedA, "a:" + seedA + ",b:" + seedB, "a:" + seedA + ",a:" + seedB, ":,:", "a:\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := receipt.ParseRing(s)
		if err != nil {
			if !errors.Is(err, receipt.ErrRing) {
				t.Fatal(err)
			}
			return
		}
		if len(r.IDs()) != strings.Count(s, ",")+1 {
			t.Fatalf("%d keys", len(r.IDs()))
		}
		if _, err := sdk.KeysFromJWKS(r.JWKS()); err != nil {
			t.Fatal(err)
		}
	})
}
