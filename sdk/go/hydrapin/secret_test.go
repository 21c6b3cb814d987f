package hydrapin_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/hydracore/hydrapin/sdk/go/hydrapin"
)

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
