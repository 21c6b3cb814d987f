package auth_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hydracore/hydrapin/internal/auth"
)

func TestFileAtStart(t *testing.T) {
	t.Parallel()
	cfg := auth.VerifierConfig{Issuer: issuer, Audience: audience}
	for name, c := range map[string]struct{ file, want string }{
		"absent":  {filepath.Join(t.TempDir(), "absent.json"), "no such file"},
		"folder":  {t.TempDir(), "not a regular file"},
		"empty":   {writeFile(t, ""), "not a JSON Web Key Set"},
		"no keys": {writeFile(t, `{"keys":[]}`), "no usable"},
		"secret":  {writeFile(t, jwks(obj{"kty": "oct", "k": "AAAA"})), "symmetric keys are refused"},
		"long":    {writeFile(t, strings.Repeat(" ", 1<<20+1)), "longer than"},
	} {
		cfg.JWKS = c.file
		if v, err := auth.NewVerifier(cfg); v != nil || !errors.Is(err, auth.ErrInvalidConfig) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: NewVerifier = %v", name, err)
		}
	}
}

func TestFileIsReadAgain(t *testing.T) {
	t.Parallel()
	c := newClock()
	name := writeFile(t, edSet("a", edKey()))
	replace := func(set string) {
		next := name + ".next"
		if err := errors.Join(os.WriteFile(next, []byte(set), 0o600), os.Rename(next, name)); err != nil {
			t.Fatal(err)
		}
	}
	cfg := auth.VerifierConfig{JWKS: name, Issuer: issuer, Audience: audience, Now: c.Now}
	v := newVerifier(t, cfg)
	accept(t, v, edToken(start, "a", edKey()), goodPrincipal) // At once.

	// On an unknown kid, once a minute.
	replace(edSet("b", otherEdKey()))
	accept(t, v, edToken(start, "b", otherEdKey()), goodPrincipal)
	replace(edSet("c", edKey()))
	refuse(t, v, edToken(start, "c", edKey()))
	c.Advance(time.Minute)
	accept(t, v, edToken(start, "c", edKey()), goodPrincipal)

	// By itself; what is no set leaves the last one.
	cfg.RefreshEvery, cfg.RetryAfter = 2*time.Millisecond, 2*time.Millisecond
	fast := newVerifier(t, cfg)
	replace("damaged")
	accept(t, fast, edToken(start, "c", edKey()), goodPrincipal)
	replace(edSet("c", otherEdKey()))
	eventually(t, "the new key of an old kid", func() bool {
		_, err := fast.Verify(t.Context(), edToken(start, "c", otherEdKey()))
		return err == nil
	})
}
