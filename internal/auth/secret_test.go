package auth_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	jsonv2 "github.com/go-json-experiment/json"

	"github.com/hydracore/hydrapin/internal/auth"
)

// leaks returns what printed of a secret in any way that a program prints.
func leaks(t *testing.T, v any, plain string) {
	t.Helper()
	var out bytes.Buffer
	out.WriteString(everyVerb(v))
	for _, h := range []slog.Handler{slog.NewJSONHandler(&out, nil), slog.NewTextHandler(&out, nil)} {
		l := slog.New(h)
		l.Info("m", "v", v, "in", struct{ V any }{v}, "list", []any{v}, slog.Group("g", "v", v))
	}
	for _, marshal := range []func(any) ([]byte, error){
		json.Marshal,
		func(v any) ([]byte, error) { return jsonv2.Marshal(v) },
	} {
		b, err := marshal(struct{ V any }{v})
		if err != nil {
			t.Errorf("marshal: %v", err)
		}
		if !bytes.Contains(b, []byte("[redacted]")) {
			t.Errorf("marshalled as %s", b)
		}
		out.Write(b)
	}
	fmt.Fprintln(&out, fmt.Errorf("wrapped: %v", v))
	// The hexadecimal and the decimal spellings are leaks too.
	forms := []string{plain, fmt.Sprintf("%x", plain), fmt.Sprintf("%X", plain)}
	for _, verb := range []string{"%v", "%#v", "%o", "%b"} {
		forms = append(forms, strings.TrimPrefix(fmt.Sprintf(verb, []byte(plain)), "[]byte"))
	}
	for _, f := range forms {
		if strings.Contains(out.String(), strings.Trim(f, "[]{}")) {
			t.Errorf("printed %q", f)
		}
	}
	if !strings.Contains(out.String(), "[redacted]") {
		t.Error("nothing says [redacted]")
	}
}

func TestSecretRedactsItself(t *testing.T) {
	t.Parallel()
	const plain = "correct horse battery staple 1234567890"
	leaks(t, auth.NewSecret([]byte(plain)), plain)
	s := auth.NewSecret([]byte(plain))
	leaks(t, &s, plain)
	leaks(t, auth.VerifierConfig{Secret: s}.Secret, plain)
	if got := everyVerb(auth.VerifierConfig{Secret: s}); strings.Contains(got, plain) {
		t.Error("the config prints its secret")
	}
}

func TestSecretHoldsItsOwnCopy(t *testing.T) {
	t.Parallel()
	b := []byte("0123456789")
	s := auth.NewSecret(b)
	b[0] = 'x'
	if got := string(s.Reveal()); got != "0123456789" {
		t.Errorf("Reveal() = %q", got)
	}
	if s.IsZero() || !auth.NewSecret(nil).IsZero() || (auth.Secret{}).Reveal() != nil {
		t.Error("IsZero or Reveal of the zero Secret is wrong")
	}
}
