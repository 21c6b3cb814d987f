package hydrapin_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/hydracore/hydrapin/sdk/go/hydrapin"
)

// linkTo returns a PIN link with that address.
func linkTo(t *testing.T, address string) hydrapin.PINLink {
	t.Helper()
	c := over(t, network(func(r *http.Request) (*http.Response, error) {
		return say(r, http.StatusCreated, nil,
			fmt.Sprintf(`{"id":%q,"url":%q,"expires_at":"2026-11-01T09:15:00Z"}`, asked, address)), nil
	}))
	l, err := c.runtime.CreatePINLink(t.Context(), identity, 0)
	must(t, err)
	if l.URL.Reveal() != address || l.ID != asked || l.ExpiresAt.IsZero() {
		t.Fatalf("%+v, %q", l, l.URL.Reveal())
	}
	return l
}

func TestSecretsDoNotPrint(t *testing.T) {
	t.Parallel()
	const digits = "80461592"
	key := hydrapin.NewKey(digits)
	type inside struct{ secret any }
	for _, s := range []any{
		hydrapin.NewKey(digits), hydrapin.NewPIN(digits), hydrapin.Token(digits), &key, hydrapin.NewWebhookSecret(digits),
		hydrapin.Key{},
		hydrapin.PIN{},
		hydrapin.Receipt{},
		hydrapin.LinkURL{},
		linkTo(t, "https://pin.example.com/set-pin/"+digits),
	} {
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, nil)).Info("m", "s", s, "in", inside{s})
		slog.New(slog.NewJSONHandler(&log, nil)).Info("m", "s", s)
		for _, verb := range []string{"v", "+v", "#v", "s", "q", "x", "X", "d", "T", "p", "08x"} {
			fmt.Fprintf(&log, "%"+verb+" %"+verb, s, inside{s})
		}
		if out, err := json.Marshal(map[string]any{"s": s}); err == nil {
			log.Write(out)
		}
		for _, shape := range []string{digits, fmt.Sprintf("%x", digits), fmt.Sprintf("%X", digits)} {
			if strings.Contains(log.String(), shape) {
				t.Errorf("%T prints %s: %s", s, shape, log.String())
			}
		}
	}
	if got := fmt.Sprint(hydrapin.NewKey(digits), hydrapin.NewPIN(digits)); got != "[redacted] [redacted]" {
		t.Errorf("%q", got)
	}
}
