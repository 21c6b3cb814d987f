package secret_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/hydracore/hydrapin/internal/secret"
)

const plain = "correct horse 4711"

// wrapped keeps a secret where fmt does not call its methods.
type wrapped struct {
	hidden secret.Value[string]
	Shown  secret.Value[[]byte]
	to     *secret.Value[string]
}

func TestSecretsAreNeverPrinted(t *testing.T) {
	t.Parallel()
	text, raw := secret.New(plain), secret.New([]byte(plain))
	var out bytes.Buffer
	for _, v := range []any{text, raw, &text, wrapped{text, raw, &text}, &wrapped{text, raw, &text}, []any{text}, map[string]any{"a": raw}} {
		for _, verb := range "vTtbcdoOqxXUeEfFgGspw" {
			for _, flag := range []string{"", "+", "#", "-", " ", "0", "10", ".3"} {
				fmt.Fprintf(&out, "%"+flag+string(verb)+"\n", v)
			}
		}
		for _, h := range []slog.Handler{slog.NewJSONHandler(&out, nil), slog.NewTextHandler(&out, nil)} {
			slog.New(h).Info("m", "v", v, slog.Group("g", "v", v))
		}
		b, err := json.Marshal(v)
		if err != nil {
			t.Errorf("json: %v", err)
		}
		out.Write(b)
	}
	b, err := xml.Marshal(text)
	if err != nil {
		t.Errorf("xml: %v", err)
	}
	out.Write(b)
	for _, form := range []string{plain, fmt.Sprintf("%x", plain), fmt.Sprintf("%X", plain), strings.Trim(fmt.Sprintf("%d", []byte(plain)), "[]")} {
		if strings.Contains(out.String(), form) {
			t.Errorf("printed %q", form)
		}
	}
	if got := fmt.Sprintf("%v %d %q", text, raw, text); got != "[redacted] [redacted] [redacted]" {
		t.Errorf("printed %s", got)
	}
}

func TestReveal(t *testing.T) {
	t.Parallel()
	if v := secret.New(plain); v.Reveal() != plain || v.IsZero() {
		t.Error("the secret is lost")
	}
	var none secret.Value[[]byte]
	if none.Reveal() != nil || !none.IsZero() || fmt.Sprint(none) != secret.Redacted {
		t.Error("the zero Value holds something")
	}
}
