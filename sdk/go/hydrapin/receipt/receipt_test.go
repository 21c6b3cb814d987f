package receipt_test

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/sdk/go/hydrapin/canonical"
	"github.com/hydracore/hydrapin/sdk/go/hydrapin/receipt"
)

const (
	issuer = "https://pin.example.com"
	params = `{"to": "DE00 1234", "amount": "12.50"}`
)

var (
	tenant   = uuid.MustParse("11111111-1111-4111-8111-111111111111")
	instance = uuid.MustParse("22222222-2222-4222-8222-222222222222")
	holder   = uuid.MustParse("33333333-3333-4333-8333-333333333333")
)

type object = map[string]any

// testKey returns a key that is the same in each run.
func testKey(n byte) ed25519.PrivateKey {
	seed := sha256.Sum256([]byte{n})
	return ed25519.NewKeyFromSeed(seed[:])
}

// keySet publishes keys under the ids "k0", "k1"….
func keySet(keys ...ed25519.PrivateKey) []byte {
	set := jose.JSONWebKeySet{}
	for i, k := range keys {
		set.Keys = append(set.Keys, jose.JSONWebKey{
			Key: k.Public(), KeyID: "k" + string(rune('0'+i)), Algorithm: "EdDSA", Use: "sig",
		})
	}
	out, err := json.Marshal(set)
	if err != nil {
		panic(err)
	}
	return out
}

func header() object { return object{"alg": "EdDSA", "kid": "k0", "typ": "pin-receipt+jwt"} }

// payload is a receipt for params, issued now.
func payload() object {
	now := time.Now().Unix()
	digest, err := canonical.DigestOf([]byte(params))
	if err != nil {
		panic(err)
	}
	return object{
		"iss": issuer, "aud": tenant.String() + "/" + instance.String(), "sub": holder.String(),
		"holder_type": "customer", "jti": uuid.NewString(), "tenant_id": tenant.String(),
		"skill": "transfer_funds", "role": "owner", "amr": []string{"pin"},
		"auth_time": now, "action_digest": digest, "iat": now, "exp": now + 120,
	}
}

func expected() receipt.Expected {
	return receipt.Expected{
		TenantID: tenant, InstanceID: instance, HolderType: receipt.Customer, HolderID: holder,
		Skill: "transfer_funds", Action: receipt.Params([]byte(params)),
	}
}

func encode(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

// sign signs whatever it is given, which no library would.
func sign(header, payload any) string { return signParts(encode(header), encode(payload)) }

func signParts(header, payload string) string {
	input := header + "." + payload
	return input + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(testKey(0), []byte(input)))
}

// with returns o with one member changed, or without it when the value is nil.
func with(o object, name string, value any) object {
	o = maps.Clone(o)
	if o[name] = value; value == nil {
		delete(o, name)
	}
	return o
}

func newVerifier(tb testing.TB) *receipt.Verifier {
	tb.Helper()
	keys, err := receipt.KeysFromJWKS(keySet(testKey(0), testKey(1)))
	if err != nil {
		tb.Fatal(err)
	}
	v, err := receipt.NewVerifier(issuer, keys, receipt.NewMemorySeen())
	if err != nil {
		tb.Fatal(err)
	}
	return v
}

func wantRefused(t *testing.T, v *receipt.Verifier, token string, want receipt.Expected, reason error) {
	t.Helper()
	got, err := v.Verify(t.Context(), token, want)
	if !errors.Is(err, reason) || got != (receipt.Receipt{}) {
		t.Errorf("Verify = %+v, %v, want %v", got, err, reason)
	}
}

func TestVerifyWhatALibrarySigned(t *testing.T) {
	t.Parallel()
	signer, err := jose.NewSigner(
		jose.SigningKey{Algorithm: jose.EdDSA, Key: jose.JSONWebKey{Key: testKey(0), KeyID: "k0"}},
		(&jose.SignerOptions{}).WithType(receipt.Type))
	if err != nil {
		t.Fatal(err)
	}
	claims := payload()
	raw, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign(raw)
	if err != nil {
		t.Fatal(err)
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	got, err := newVerifier(t).Verify(t.Context(), token, expected())
	if err != nil {
		t.Fatal(err)
	}
	issued := time.Unix(claims["iat"].(int64), 0).UTC()
	want := receipt.Receipt{
		ID: uuid.MustParse(claims["jti"].(string)), Skill: "transfer_funds", Role: "owner", Method: "pin",
		AuthTime: issued, IssuedAt: issued, ExpiresAt: issued.Add(2 * time.Minute),
	}
	if got != want {
		t.Errorf("Verify = %+v\nwant     %+v", got, want)
	}
}

func TestAccepted(t *testing.T) {
	t.Parallel()
	noAction := with(with(payload(), "action_digest", nil), "amr", []string{"session"})
	same := func(change func(*receipt.Expected)) receipt.Expected {
		e := expected()
		change(&e)
		return e
	}
	for _, v := range []struct {
		name    string
		payload object
		want    receipt.Expected
	}{
		{"other spelling of the params", payload(), same(func(e *receipt.Expected) {
			e.Action = receipt.Params([]byte(`{"amount":"12.50","\u0074o":"DE00 1234"}`))
		})},
		{"no action, by session", noAction, same(func(e *receipt.Expected) { e.Action = receipt.NoAction() })},
		{
			"identity, customer's role", with(with(payload(), "holder_type", "identity"), "role", "customer"),
			same(func(e *receipt.Expected) { e.HolderType = receipt.Identity }),
		},
		{"a claim of a later version", with(payload(), "x", object{"y": 1}), expected()},
	} {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			if _, err := newVerifier(t).Verify(t.Context(), sign(header(), v.payload), v.want); err != nil {
				t.Errorf("Verify: %v", err)
			}
		})
	}
}

func TestClaimsRefused(t *testing.T) {
	t.Parallel()
	other := uuid.NewString()
	for _, v := range []struct {
		claim string
		value any
		want  error
	}{
		{"iss", "https://pin.example.com/", receipt.ErrMismatch},
		{"iss", "https://evil.example.com", receipt.ErrMismatch},
		{"iss", "", receipt.ErrMalformed},
		{"aud", tenant.String() + "/" + other, receipt.ErrMismatch},
		{"aud", other + "/" + instance.String(), receipt.ErrMismatch},
		{"aud", tenant.String(), receipt.ErrMismatch},
		{"aud", []string{tenant.String() + "/" + instance.String()}, receipt.ErrMalformed},
		{"sub", other, receipt.ErrMismatch},
		{"sub", 7, receipt.ErrMalformed},
		{"holder_type", "identity", receipt.ErrMismatch},
		{"holder_type", "Customer", receipt.ErrMalformed},
		{"holder_type", "robot", receipt.ErrMalformed},
		{"tenant_id", other, receipt.ErrMismatch},
		{"tenant_id", []string{tenant.String()}, receipt.ErrMalformed},
		{"skill", "transfer_fund", receipt.ErrMismatch},
		{"skill", "transfer_fundſ", receipt.ErrMismatch},
		{"skill", "*", receipt.ErrMismatch},
		{"skill", true, receipt.ErrMalformed},
		{"role", "admin", receipt.ErrMalformed},
		{"role", []string{"owner"}, receipt.ErrMalformed},
		{"amr", []string{"otp"}, receipt.ErrMalformed},
		{"amr", []string{"pin", "session"}, receipt.ErrMalformed},
		{"amr", []string{}, receipt.ErrMalformed},
		{"amr", []any{nil}, receipt.ErrMalformed},
		{"amr", "pin", receipt.ErrMalformed},
		{"amr", []string{"session"}, receipt.ErrMalformed}, // never with an action
		{"jti", strings.ToUpper(uuid.NewString()[:8]) + "-x", receipt.ErrMalformed},
		{"jti", "urn:uuid:" + other, receipt.ErrMalformed},
		{"jti", uuid.Nil.String(), receipt.ErrMalformed},
		{"action_digest", canonical.Digest([]byte(`{}`)), receipt.ErrMismatch},
		{"action_digest", "", receipt.ErrMalformed},
		{"action_digest", json.RawMessage("null"), receipt.ErrMalformed},
		{"auth_time", "1700000000", receipt.ErrMalformed},
		{"auth_time", 0, receipt.ErrMalformed},
		{"iat", -1, receipt.ErrMalformed},
		{"iat", 1.5, receipt.ErrMalformed},
		{"iat", time.Now().Unix() + 3600, receipt.ErrNotYetValid},
		{"exp", json.RawMessage("null"), receipt.ErrMalformed},
		{"exp", true, receipt.ErrMalformed},
		{"exp", 1e18, receipt.ErrMalformed},
		{"exp", time.Now().Unix() - 3600, receipt.ErrExpired},
	} {
		text, err := json.Marshal(v.value)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(v.claim+" "+string(text), func(t *testing.T) {
			t.Parallel()
			wantRefused(t, newVerifier(t), sign(header(), with(payload(), v.claim, v.value)), expected(), v.want)
		})
	}
	for claim := range payload() {
		want := receipt.ErrMalformed
		if claim == "action_digest" {
			want = receipt.ErrMismatch // then it is a receipt without an action
		}
		t.Run("without "+claim, func(t *testing.T) {
			t.Parallel()
			wantRefused(t, newVerifier(t), sign(header(), with(payload(), claim, nil)), expected(), want)
		})
	}
}

// Whatever is expected otherwise must be refused too: each field of Expected is looked at.
func TestOtherExpectationsRefused(t *testing.T) {
	t.Parallel()
	for name, v := range map[string]struct {
		change func(*receipt.Expected)
		want   error
	}{
		"other tenant":    {func(e *receipt.Expected) { e.TenantID = uuid.New() }, receipt.ErrMismatch},
		"other instance":  {func(e *receipt.Expected) { e.InstanceID = uuid.New() }, receipt.ErrMismatch},
		"other type":      {func(e *receipt.Expected) { e.HolderType = receipt.Identity }, receipt.ErrMismatch},
		"other holder":    {func(e *receipt.Expected) { e.HolderID = uuid.New() }, receipt.ErrMismatch},
		"other skill":     {func(e *receipt.Expected) { e.Skill = "send_mail" }, receipt.ErrMismatch},
		"other spelling":  {func(e *receipt.Expected) { e.Skill = "Transfer_FUNDS" }, receipt.ErrMismatch},
		"other params":    {func(e *receipt.Expected) { e.Action = receipt.Params([]byte(`{}`)) }, receipt.ErrMismatch},
		"no action":       {func(e *receipt.Expected) { e.Action = receipt.NoAction() }, receipt.ErrMismatch},
		"nothing":         {func(e *receipt.Expected) { *e = receipt.Expected{} }, receipt.ErrExpectationIncomplete},
		"without tenant":  {func(e *receipt.Expected) { e.TenantID = uuid.Nil }, receipt.ErrExpectationIncomplete},
		"without inst.":   {func(e *receipt.Expected) { e.InstanceID = uuid.Nil }, receipt.ErrExpectationIncomplete},
		"without type":    {func(e *receipt.Expected) { e.HolderType = "" }, receipt.ErrExpectationIncomplete},
		"unknown type":    {func(e *receipt.Expected) { e.HolderType = "any" }, receipt.ErrExpectationIncomplete},
		"without holder":  {func(e *receipt.Expected) { e.HolderID = uuid.Nil }, receipt.ErrExpectationIncomplete},
		"without skill":   {func(e *receipt.Expected) { e.Skill = "" }, receipt.ErrExpectationIncomplete},
		"any skill":       {func(e *receipt.Expected) { e.Skill = "*" }, receipt.ErrExpectationIncomplete},
		"many skills":     {func(e *receipt.Expected) { e.Skill = "transfer*" }, receipt.ErrExpectationIncomplete},
		"without action":  {func(e *receipt.Expected) { e.Action = receipt.Action{} }, receipt.ErrExpectationIncomplete},
		"empty params":    {func(e *receipt.Expected) { e.Action = receipt.Params(nil) }, canonical.ErrSyntax},
		"params twice":    {func(e *receipt.Expected) { e.Action = receipt.Params([]byte(`{"a":1,"a":1}`)) }, canonical.ErrDuplicateName},
		"params no obj.":  {func(e *receipt.Expected) { e.Action = receipt.Params([]byte(`null`)) }, canonical.ErrNotObject},
		"params not said": {func(e *receipt.Expected) { e.Action = receipt.Params([]byte(`[]`)) }, receipt.ErrExpectationIncomplete},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			verifier := newVerifier(t)
			token := sign(header(), payload())
			e := expected()
			v.change(&e)
			wantRefused(t, verifier, token, e, v.want)
			// A refusal must not use the receipt up.
			if _, err := verifier.Verify(t.Context(), token, expected()); err != nil {
				t.Errorf("afterwards: %v", err)
			}
		})
	}
}

func TestNewVerifierWantsAll(t *testing.T) {
	t.Parallel()
	keys, err := receipt.KeysFromJWKS(keySet(testKey(0)))
	if err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"issuer": second(receipt.NewVerifier("", keys, receipt.NewMemorySeen())),
		"keys":   second(receipt.NewVerifier(issuer, nil, receipt.NewMemorySeen())),
		"seen":   second(receipt.NewVerifier(issuer, keys, nil)),
	} {
		if !errors.Is(err, receipt.ErrExpectationIncomplete) {
			t.Errorf("without %s: %v", name, err)
		}
	}
	wantRefused(t, &receipt.Verifier{}, sign(header(), payload()), expected(), receipt.ErrExpectationIncomplete)
	wantRefused(t, nil, sign(header(), payload()), expected(), receipt.ErrExpectationIncomplete)
}

func second[T any](_ T, err error) error { return err }

func TestTimes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now().Unix()
		token := func(iat, exp int64) string {
			return sign(header(), with(with(payload(), "iat", start+iat), "exp", start+exp))
		}
		for _, v := range []struct {
			name     string
			iat, exp int64
			want     error
		}{
			{"expired within the leeway", -120, -29, nil},
			{"expired at the leeway", -120, -30, receipt.ErrExpired},
			{"issued ahead, within the leeway", 30, 120, nil},
			{"issued ahead", 31, 120, receipt.ErrNotYetValid},
		} {
			_, err := newVerifier(t).Verify(t.Context(), token(v.iat, v.exp), expected())
			if !errors.Is(err, v.want) {
				t.Errorf("%s: %v, want %v", v.name, err, v.want)
			}
		}
	})
}

func TestReplay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := newVerifier(t)
		token := sign(header(), payload())
		if _, err := v.Verify(t.Context(), token, expected()); err != nil {
			t.Fatal(err)
		}
		for range 151 { // past its end, and past the store's sweeps
			if _, err := v.Verify(t.Context(), token, expected()); err == nil {
				t.Fatal("accepted twice")
			}
			<-time.After(time.Second)
		}
		wantRefused(t, v, token, expected(), receipt.ErrExpired)
	})
}

func TestReplayAtOnce(t *testing.T) {
	t.Parallel()
	v := newVerifier(t)
	token := sign(header(), payload())
	var accepted atomic.Int32
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if _, err := v.Verify(t.Context(), token, expected()); err == nil {
				accepted.Add(1)
			}
		})
	}
	all.Wait()
	if n := accepted.Load(); n != 1 {
		t.Errorf("accepted %d times", n)
	}
}

type brokenSeen struct{ err error }

func (s brokenSeen) Add(context.Context, string, time.Time) (bool, error) { return true, s.err }

type oddKeys struct {
	key ed25519.PublicKey
	err error
}

func (k oddKeys) Key(context.Context, string) (ed25519.PublicKey, error) { return k.key, k.err }

func TestFaultsRefuse(t *testing.T) {
	t.Parallel()
	fault := errors.New("fault")
	good := oddKeys{key: testKey(0).Public().(ed25519.PublicKey)}
	for _, v := range []struct {
		name  string
		keys  receipt.KeySource
		seen  receipt.Seen
		wants []error
	}{
		{"store", good, brokenSeen{fault}, []error{receipt.ErrSeenUnavailable, fault}},
		{"keys", oddKeys{err: fault}, receipt.NewMemorySeen(), []error{receipt.ErrKeysUnavailable, fault}},
		{"no key and no error", oddKeys{}, receipt.NewMemorySeen(), []error{receipt.ErrUnknownKey}},
	} {
		verifier, err := receipt.NewVerifier(issuer, v.keys, v.seen)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range v.wants {
			wantRefused(t, verifier, sign(header(), payload()), expected(), want)
		}
	}
}
