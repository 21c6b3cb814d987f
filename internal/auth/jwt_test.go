package auth_test

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/hydracore/hydrapin/internal/auth"
)

const hsHeader = `{"alg":"HS256","typ":"JWT"}`

func hsConfig() auth.VerifierConfig {
	return auth.VerifierConfig{Secret: secret, Issuer: issuer, Audience: audience, Now: at(start)}
}

// refuse demands ErrInvalidToken with a reason that holds nothing of the token.
func refuse(t *testing.T, v *auth.Verifier, token string) {
	t.Helper()
	p, err := v.Verify(t.Context(), token)
	if !errors.Is(err, auth.ErrInvalidToken) || !isZero(p) {
		t.Fatalf("Verify = %+v, %v", p, err)
	}
	for part := range strings.SplitSeq(token, ".") {
		decoded, _ := base64.RawURLEncoding.DecodeString(part)
		for _, s := range []string{part, string(decoded), tenant.String(), "user-1", "marker"} {
			if len(s) > 3 && strings.Contains(err.Error(), s) {
				t.Errorf("the reason shows the token: %v", err)
			}
		}
	}
}

func isZero(p auth.Principal) bool { return same(p, auth.Principal{}) }

func same(a, b auth.Principal) bool {
	return a.Kind == b.Kind && a.ID == b.ID && a.Tenant == b.Tenant && a.Instance == b.Instance &&
		a.CustomerID == b.CustomerID && a.Admin == b.Admin && len(a.Scopes) == 0 && len(b.Scopes) == 0
}

func accept(t *testing.T, v *auth.Verifier, token string, want auth.Principal) {
	t.Helper()
	if p, err := v.Verify(t.Context(), token); err != nil || !same(p, want) {
		t.Fatalf("Verify = %+v, %v; want %+v", p, err, want)
	}
}

func TestVerifyClaims(t *testing.T) {
	t.Parallel()
	v := newVerifier(t, hsConfig())
	now := start.Unix()
	fraction := float64(now)
	noCustomer, noAdmin := goodPrincipal, goodPrincipal
	noCustomer.CustomerID, noAdmin.Admin = [16]byte{}, false
	long := goodPrincipal
	long.ID = strings.Repeat("é", 127) + "x"
	for name, c := range map[string]struct {
		change obj
		want   *auth.Principal // nil: refused
	}{
		"as they are": {nil, &goodPrincipal},

		"exp absent":               {obj{"exp": absent}, nil},
		"exp null":                 {obj{"exp": nil}, nil},
		"exp a string":             {obj{"exp": "2000000000"}, nil},
		"exp a boolean":            {obj{"exp": true}, nil},
		"exp an array":             {obj{"exp": []any{now + 60}}, nil},
		"exp past":                 {obj{"exp": now - 3600}, nil},
		"exp zero":                 {obj{"exp": 0}, nil},
		"exp negative":             {obj{"exp": -1}, nil},
		"exp just within leeway":   {obj{"exp": now - 29}, &goodPrincipal},
		"exp at the leeway's end":  {obj{"exp": now - 30}, nil},
		"exp with a fraction":      {obj{"exp": fraction - 29.5}, &goodPrincipal},
		"exp past by a fraction":   {obj{"exp": fraction - 30.5}, nil},
		"exp at 24 h":              {obj{"exp": now + 86400}, &goodPrincipal},
		"exp at 24 h and leeway":   {obj{"exp": now + 86430}, &goodPrincipal},
		"exp past 24 h and leeway": {obj{"exp": now + 86431}, nil},
		"exp in milliseconds":      {obj{"exp": now * 1000}, nil},
		"exp huge":                 {obj{"exp": 1e300}, nil},
		"exp int64 overflow":       {obj{"exp": 9223372036854775807}, nil},
		"exp hugely negative":      {obj{"exp": -1e300}, nil},

		"nbf absent":             {obj{"nbf": absent}, &goodPrincipal},
		"nbf null":               {obj{"nbf": nil}, &goodPrincipal},
		"nbf within leeway":      {obj{"nbf": now + 30}, &goodPrincipal},
		"nbf in the future":      {obj{"nbf": now + 31}, nil},
		"nbf a string":           {obj{"nbf": "1"}, nil},
		"nbf huge":               {obj{"nbf": 1e300}, nil},
		"iat absent":             {obj{"iat": absent}, &goodPrincipal},
		"iat long ago":           {obj{"iat": 0}, &goodPrincipal},
		"iat within leeway":      {obj{"iat": now + 30}, &goodPrincipal},
		"iat in the future":      {obj{"iat": now + 31}, nil},
		"iat an object":          {obj{"iat": obj{}}, nil},
		"iat hugely negative":    {obj{"iat": -1e300}, nil},
		"iss absent":             {obj{"iss": absent}, nil},
		"iss another":            {obj{"iss": "https://marker.example"}, nil},
		"iss in another case":    {obj{"iss": "HTTPS://issuer.example"}, nil},
		"iss longer":             {obj{"iss": issuer + "/"}, nil},
		"iss a number":           {obj{"iss": 1}, nil},
		"iss an array":           {obj{"iss": []any{issuer}}, nil},
		"aud absent":             {obj{"aud": absent}, nil},
		"aud null":               {obj{"aud": nil}, nil},
		"aud another":            {obj{"aud": "marker"}, nil},
		"aud an array with ours": {obj{"aud": []any{"marker", audience}}, &goodPrincipal},
		"aud an array without":   {obj{"aud": []any{"marker"}}, nil},
		"aud an empty array":     {obj{"aud": []any{}}, nil},
		"aud with a number":      {obj{"aud": []any{audience, 1}}, nil},
		"aud with null":          {obj{"aud": []any{audience, nil}}, nil},
		"aud nested":             {obj{"aud": []any{[]any{audience}}}, nil},
		"aud a number":           {obj{"aud": 1}, nil},
		"aud an object":          {obj{"aud": obj{audience: true}}, nil},

		"sub absent":          {obj{"sub": absent}, nil},
		"sub empty":           {obj{"sub": ""}, nil},
		"sub null":            {obj{"sub": nil}, nil},
		"sub a number":        {obj{"sub": 7}, nil},
		"sub of 255 bytes":    {obj{"sub": long.ID}, &long},
		"sub of 256 bytes":    {obj{"sub": long.ID + "x"}, nil},
		"sub with NUL":        {obj{"sub": "user\x00"}, nil},
		"sub with a line end": {obj{"sub": "user\nlevel=ERROR"}, nil},

		"tenant absent":      {obj{"tenant_id": absent}, nil},
		"tenant null":        {obj{"tenant_id": nil}, nil},
		"tenant empty":       {obj{"tenant_id": ""}, nil},
		"tenant no UUID":     {obj{"tenant_id": "marker"}, nil},
		"tenant a number":    {obj{"tenant_id": 1}, nil},
		"tenant an array":    {obj{"tenant_id": []any{tenant.String()}}, nil},
		"tenant upper case":  {obj{"tenant_id": strings.ToUpper(tenant.String())}, &goodPrincipal},
		"tenant urn":         {obj{"tenant_id": "urn:uuid:" + tenant.String()}, nil},
		"tenant braces":      {obj{"tenant_id": "{" + tenant.String() + "}"}, nil},
		"tenant 32 hex":      {obj{"tenant_id": strings.ReplaceAll(tenant.String(), "-", "")}, nil},
		"tenant with spaces": {obj{"tenant_id": " " + tenant.String()}, nil},
		"tenant not hex":     {obj{"tenant_id": "g" + tenant.String()[1:]}, nil},
		"tenant nil UUID":    {obj{"tenant_id": "00000000-0000-0000-0000-000000000000"}, nil},

		"customer absent":   {obj{"customer_id": absent}, &noCustomer},
		"customer null":     {obj{"customer_id": nil}, &noCustomer},
		"customer empty":    {obj{"customer_id": ""}, nil},
		"customer no UUID":  {obj{"customer_id": "marker"}, nil},
		"customer nil UUID": {obj{"customer_id": "00000000-0000-0000-0000-000000000000"}, nil},
		"customer a number": {obj{"customer_id": 1}, nil},
		"customer false":    {obj{"customer_id": false}, nil},

		"admin false":         {obj{"is_admin": false}, &noAdmin},
		"admin absent":        {obj{"is_admin": absent}, &noAdmin},
		"admin null":          {obj{"is_admin": nil}, &noAdmin},
		"admin the string":    {obj{"is_admin": "true"}, nil},
		"admin empty string":  {obj{"is_admin": ""}, nil},
		"admin 1":             {obj{"is_admin": 1}, nil},
		"admin 0":             {obj{"is_admin": 0}, nil},
		"admin an array":      {obj{"is_admin": []any{true}}, nil},
		"admin another case":  {obj{"is_admin": absent, "Is_Admin": true, "IS_ADMIN": true, "isadmin": true}, &noAdmin},
		"tenant another case": {obj{"tenant_id": absent, "Tenant_ID": tenant.String()}, nil},
		"unknown claims":      {obj{"scope": "pins:write", "marker": obj{"deep": []any{1, nil}}}, &goodPrincipal},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			token := compact(hsHeader, with(goodClaims(start), c.change), hs256(secret.Reveal()))
			if c.want == nil {
				refuse(t, v, token)
			} else {
				accept(t, v, token, *c.want)
			}
		})
	}
}

func TestVerifyRawClaims(t *testing.T) {
	t.Parallel()
	v := newVerifier(t, auth.VerifierConfig{Secret: secret, Now: at(start)})
	good := with(goodClaims(start), nil)
	body := strings.TrimSuffix(good, "}")
	accept(t, v, compact(hsHeader, good, hs256(secret.Reveal())), goodPrincipal)
	for name, claims := range map[string]string{
		"is_admin twice":        body + `,"is_admin":true}`,
		"tenant_id twice":       body + `,"tenant_id":"` + customer.String() + `"}`,
		"an unknown name twice": body + `,"marker":1,"marker":1}`,
		"a name twice, escaped": body + `,"is_\u0061dmin":true}`,
		"a name twice, deep":    body + `,"marker":{"x":1,"x":2}}`,
		"trailing data":         good + `{}`,
		"trailing comma":        body + `,}`,
		"an array":              `[` + good + `]`,
		"null":                  `null`,
		"a string":              `"marker"`,
		"empty":                 ``,
		"not JSON":              `marker`,
		"invalid UTF-8":         body + ",\"marker\":\"\xff\"}",
		"lone surrogate":        body + `,"marker":"\ud800"}`,
		"a comment":             good + `//`,
		"NaN":                   body + `,"marker":NaN}`,
		"number without an end": body + `,"nbf":1e999}`,
		"a byte order mark":     "\ufeff" + good,
		"single quotes":         strings.ReplaceAll(good, `"`, `'`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			refuse(t, v, compact(hsHeader, claims, hs256(secret.Reveal())))
		})
	}
}

func TestVerifyHeader(t *testing.T) {
	t.Parallel()
	v := newVerifier(t, hsConfig())
	for name, c := range map[string]struct {
		header string
		ok     bool
	}{
		"plain":                     {`{"alg":"HS256"}`, true},
		"typ JWT":                   {hsHeader, true},
		"typ jwt":                   {`{"alg":"HS256","typ":"jwt"}`, true},
		"typ at+jwt":                {`{"alg":"HS256","typ":"at+jwt"}`, true},
		"typ AT+JWT":                {`{"alg":"HS256","typ":"AT+JWT"}`, true},
		"typ application/at+jwt":    {`{"alg":"HS256","typ":"application/at+jwt"}`, true},
		"a kid says nothing here":   {`{"alg":"HS256","kid":"marker"}`, true},
		"unknown parameters":        {`{"alg":"HS256","x5t":"marker","cty":"x"}`, true},
		"typ of a receipt":          {`{"alg":"HS256","typ":"pin-receipt+jwt"}`, false},
		"typ logout+jwt":            {`{"alg":"HS256","typ":"logout+jwt"}`, false},
		"typ application/":          {`{"alg":"HS256","typ":"application/"}`, false},
		"typ with a space":          {`{"alg":"HS256","typ":"JWT "}`, false},
		"typ empty":                 {`{"alg":"HS256","typ":""}`, false},
		"typ a number":              {`{"alg":"HS256","typ":1}`, false},
		"crit":                      {`{"alg":"HS256","crit":["exp"]}`, false},
		"crit empty":                {`{"alg":"HS256","crit":[]}`, false},
		"crit null":                 {`{"alg":"HS256","crit":null}`, false},
		"crit with b64":             {`{"alg":"HS256","crit":["b64"],"b64":false}`, false},
		"jku":                       {`{"alg":"HS256","jku":"https://marker.example"}`, false},
		"jku null":                  {`{"alg":"HS256","jku":null}`, false},
		"x5u":                       {`{"alg":"HS256","x5u":"https://marker.example"}`, false},
		"jwk":                       {`{"alg":"HS256","jwk":{"kty":"oct","k":"AAAA"}}`, false},
		"jwk empty":                 {`{"alg":"HS256","jwk":{}}`, false},
		"alg none":                  {`{"alg":"none"}`, false},
		"alg None":                  {`{"alg":"None"}`, false},
		"alg NONE":                  {`{"alg":"NONE"}`, false},
		"alg empty":                 {`{"alg":""}`, false},
		"alg absent":                {`{"typ":"JWT"}`, false},
		"alg null":                  {`{"alg":null}`, false},
		"alg a number":              {`{"alg":256}`, false},
		"alg an array":              {`{"alg":["HS256"]}`, false},
		"alg hs256":                 {`{"alg":"hs256"}`, false},
		"alg HS384":                 {`{"alg":"HS384"}`, false},
		"alg RS256":                 {`{"alg":"RS256"}`, false},
		"Alg":                       {`{"Alg":"HS256"}`, false},
		"alg twice":                 {`{"alg":"none","alg":"HS256"}`, false},
		"alg twice, escaped":        {`{"alg":"none","\u0061lg":"HS256"}`, false},
		"an unknown name twice":     {`{"alg":"HS256","marker":1,"marker":1}`, false},
		"trailing data":             {`{"alg":"HS256"} {}`, false},
		"an array":                  {`[{"alg":"HS256"}]`, false},
		"null":                      {`null`, false},
		"empty":                     {``, false},
		"kid a number":              {`{"alg":"HS256","kid":1}`, false},
		"invalid UTF-8":             {"{\"alg\":\"HS256\",\"marker\":\"\xff\"}", false},
		"crit beside a good header": {`{"alg":"HS256","typ":"JWT","crit":["urn:marker"],"urn:marker":1}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			token := compact(c.header, with(goodClaims(start), nil), hs256(secret.Reveal()))
			if c.ok {
				accept(t, v, token, goodPrincipal)
			} else {
				refuse(t, v, token)
			}
		})
	}
}

func TestVerifyForm(t *testing.T) {
	t.Parallel()
	v := newVerifier(t, hsConfig())
	sign := hs256(secret.Reveal())
	good := compact(hsHeader, with(goodClaims(start), nil), sign)
	accept(t, v, good, goodPrincipal)
	parts := strings.Split(good, ".")
	head, claims, sig := parts[0], parts[1], parts[2]
	// The signature's 32 bytes leave two bits of the last character unused: with
	// them set, a lax decoder reads the same bytes from another token.
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	loose := sig[:len(sig)-1] + string(alphabet[strings.IndexByte(alphabet, sig[len(sig)-1])|1])
	for name, token := range map[string]string{
		"empty":                "",
		"dots":                 "..",
		"one part":             head,
		"two parts":            head + "." + claims,
		"four parts":           good + ".",
		"five parts, as a JWE": good + ".AAAA.AAAA",
		"no signature":         head + "." + claims + ".",
		"no claims":            head + ".." + sig,
		"no header":            "." + claims + "." + sig,
		"padding":              good + "=",
		"standard alphabet":    strings.ReplaceAll(compact(hsHeader, with(goodClaims(start), obj{"marker": "???>>>"}), sign), "_", "/") + "/",
		"loose last bits":      head + "." + claims + "." + loose,
		"line end after":       good + "\n",
		"line end inside":      head + "." + claims + "." + sig[:5] + "\r\n" + sig[5:],
		"space before":         " " + good,
		"Bearer before":        "Bearer " + good,
		"NUL after":            good + "\x00",
		"signature cut":        head + "." + claims + "." + b64(sign(head + "." + claims)[:31]),
		"signature longer":     head + "." + claims + "." + b64(append(sign(head+"."+claims), 0)),
		"claims of another": head + "." +
			b64([]byte(with(goodClaims(start), obj{"tenant_id": customer.String()}))) + "." + sig,
		"another secret": compact(hsHeader, with(goodClaims(start), nil), hs256([]byte("another secret of thirty-two bytes"))),
		"empty secret":   compact(hsHeader, with(goodClaims(start), nil), hs256(nil)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			refuse(t, v, token)
		})
	}
}

func TestVerifySize(t *testing.T) {
	t.Parallel()
	v := newVerifier(t, hsConfig())
	sized := func(n int) string {
		for pad := 5500; ; pad++ {
			token := compact(hsHeader, with(goodClaims(start), obj{"marker": strings.Repeat("x", pad)}), hs256(secret.Reveal()))
			if len(token) >= n {
				return token
			}
		}
	}
	limit := sized(auth.MaxTokenBytes - 1)
	if len(limit) > auth.MaxTokenBytes {
		t.Fatalf("the test made %d bytes", len(limit))
	}
	accept(t, v, limit, goodPrincipal)
	refuse(t, v, sized(auth.MaxTokenBytes+1))
	refuse(t, v, strings.Repeat("A", 1<<20))
}

func TestHS256WithoutIssuerAndAudience(t *testing.T) {
	t.Parallel()
	v := newVerifier(t, auth.VerifierConfig{Secret: secret, Now: at(start)})
	sign := hs256(secret.Reveal())
	for _, change := range []obj{nil, {"iss": absent, "aud": absent}, {"iss": "other", "aud": []any{"other"}}} {
		accept(t, v, compact(hsHeader, with(goodClaims(start), change), sign), goodPrincipal)
	}
	refuse(t, v, compact(hsHeader, with(goodClaims(start), obj{"aud": 1}), sign))
	if err := v.Ready(); err != nil {
		t.Errorf("Ready() = %v", err)
	}
}

func TestNothingConfiguredRefusesEverything(t *testing.T) {
	t.Parallel()
	v := newVerifier(t, auth.VerifierConfig{})
	if err := v.Ready(); err != nil {
		t.Errorf("Ready() = %v", err)
	}
	for _, alg := range []string{"HS256", "none", "RS256"} {
		refuse(t, v, compact(`{"alg":"`+alg+`"}`, with(goodClaims(time.Now()), nil), hs256(nil)))
	}
}

func TestValidateNamesEverything(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		cfg  auth.VerifierConfig
		want []string
	}{
		"nothing":         {auth.VerifierConfig{}, nil},
		"secret":          {auth.VerifierConfig{Secret: secret}, nil},
		"https":           {auth.VerifierConfig{JWKS: "https://issuer.example/jwks", Issuer: "i", Audience: "a"}, nil},
		"http 127.0.0.1":  {auth.VerifierConfig{JWKS: "http://127.0.0.1:8080/jwks", Issuer: "i", Audience: "a"}, nil},
		"http ::1":        {auth.VerifierConfig{JWKS: "http://[::1]/jwks", Issuer: "i", Audience: "a"}, nil},
		"http localhost":  {auth.VerifierConfig{JWKS: "http://localhost/jwks", Issuer: "i", Audience: "a"}, nil},
		"file":            {auth.VerifierConfig{JWKS: "jwks.json", Issuer: "i", Audience: "a"}, nil},
		"short secret":    {auth.VerifierConfig{Secret: auth.NewSecret(make([]byte, 31))}, []string{"31 bytes"}},
		"http elsewhere":  {auth.VerifierConfig{JWKS: "http://issuer.example/jwks", Issuer: "i", Audience: "a"}, []string{"must be https"}},
		"http look-alike": {auth.VerifierConfig{JWKS: "http://localhost.example/jwks", Issuer: "i", Audience: "a"}, []string{"must be https"}},
		"http 127 name":   {auth.VerifierConfig{JWKS: "http://127.0.0.1.example/", Issuer: "i", Audience: "a"}, []string{"must be https"}},
		"ftp":             {auth.VerifierConfig{JWKS: "ftp://127.0.0.1/", Issuer: "i", Audience: "a"}, []string{"must be https"}},
		"file URL":        {auth.VerifierConfig{JWKS: "file:///jwks.json", Issuer: "i", Audience: "a"}, []string{"cannot be parsed"}},
		"password":        {auth.VerifierConfig{JWKS: "https://u:p@issuer.example", Issuer: "i", Audience: "a"}, []string{"user or password"}},
		"no host":         {auth.VerifierConfig{JWKS: "https:///jwks", Issuer: "i", Audience: "a"}, []string{"cannot be parsed"}},
		"all at once": {
			auth.VerifierConfig{Secret: auth.NewSecret([]byte("short")), JWKS: "http://issuer.example"},
			[]string{"5 bytes", "choose one", "needs an issuer", "needs an audience", "must be https"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := c.cfg.Validate()
			if (err == nil) != (c.want == nil) || err != nil && !errors.Is(err, auth.ErrInvalidConfig) {
				t.Fatalf("Validate() = %v", err)
			}
			for _, w := range c.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("Validate() = %v, without %q", err, w)
				}
			}
			if c.want != nil {
				if _, err := auth.NewVerifier(c.cfg); !errors.Is(err, auth.ErrInvalidConfig) {
					t.Errorf("NewVerifier = %v", err)
				}
			}
		})
	}
}

func BenchmarkVerifyHS256(b *testing.B) {
	v := newVerifier(b, hsConfig())
	token := compact(hsHeader, with(goodClaims(start), nil), hs256(secret.Reveal()))
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.Verify(ctx, token); err != nil {
			b.Fatal(err)
		}
	}
}
