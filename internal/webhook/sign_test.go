package webhook_test

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/secret"
	"github.com/hydracore/hydrapin/internal/webhook"
	"github.com/hydracore/hydrapin/sdk/go/hydrapin"
)

func must[T any](v T, err error) func(testing.TB) T {
	return func(tb testing.TB) T {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
		return v
	}
}

// The vector that Standard Webhooks publishes (libraries/python/tests/test_webhooks.py).
func TestSignatureOfThePublishedVector(t *testing.T) {
	t.Parallel()
	h := http.Header{}
	err := webhook.Sign(h, "msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`),
		secret.New("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))
	if got := h.Get("Webhook-Signature"); err != nil || got != "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" {
		t.Errorf("signed %s: %v", got, err)
	}
	if got := h.Get("Webhook-Id") + " " + h.Get("Webhook-Timestamp"); got != "msg_p5jXN8AQM9LWM0D4loKWxJek 1614265330" {
		t.Errorf("the headers are %s", got)
	}
}

// While a secret is being replaced, whoever has either of the two verifies.
func TestBothSecretsSign(t *testing.T) {
	t.Parallel()
	now, body := time.Unix(1796000000, 0), []byte(`{"type":"pin.set"}`)
	fresh, old, other := webhook.NewSecret(), webhook.NewSecret(), webhook.NewSecret()
	h := http.Header{}
	must(0, webhook.Sign(h, uuid.NewString(), now, body, fresh, old))(t)
	for _, s := range []webhook.Secret{fresh, old} {
		must(hydrapin.VerifyWebhook(h, body, now, hydrapin.NewWebhookSecret(s.Reveal())))(t)
	}
	if _, err := hydrapin.VerifyWebhook(h, body, now, hydrapin.NewWebhookSecret(other.Reveal())); err == nil {
		t.Error("another secret verifies")
	}
	if err := webhook.Sign(h, "id", now, body, secret.New("x")); err == nil {
		t.Error("signed with what is no secret")
	}
}

func TestSecretsAreRandomAndPrintNothing(t *testing.T) {
	t.Parallel()
	a, b := webhook.NewSecret(), webhook.NewSecret()
	if a.Reveal() == b.Reveal() || !strings.HasPrefix(a.Reveal(), "whsec_") || len(a.Reveal()) != 6+44 {
		t.Error("two secrets are alike, or of another form")
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		if got := fmt.Sprintf(verb, a); got != secret.Redacted {
			t.Errorf("%s prints %s", verb, got)
		}
	}
}

func TestSealedSecretsOpenForTheirEndpointAlone(t *testing.T) {
	t.Parallel()
	const p1, p2 = "p1:MTExMTExMTExMTExMTExMTExMTExMTExMTExMTExMTE=", "p2:MjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjI="
	old, both := must(webhook.ParseSealer(p1))(t), must(webhook.ParseSealer(p2+","+p1))(t)
	of := webhook.Ref{Tenant: uuid.New(), ID: uuid.New()}
	plain := webhook.NewSecret()
	sealed := must(old.Seal(of, plain))(t)
	if strings.Contains(string(sealed.Box), plain.Reveal()) || sealed.PepperID != "p1" {
		t.Fatalf("sealed under %s", sealed.PepperID)
	}
	if again := must(old.Seal(of, plain))(t); bytes.Equal(again.Box, sealed.Box) {
		t.Error("sealed twice alike")
	}
	if got := must(both.Open(of, sealed))(t); got.Reveal() != plain.Reveal() {
		t.Error("opened another secret")
	}
	again := must(both.Reseal(of, sealed))(t)
	if again.PepperID != "p2" || both.PepperID() != "p2" || must(both.Open(of, again))(t).Reveal() != plain.Reveal() {
		t.Errorf("sealed again under %s", again.PepperID)
	}
	if _, err := old.Reseal(of, again); err == nil {
		t.Error("sealed again without the pepper")
	}
	if _, err := old.Open(of, must(both.Seal(of, plain))(t)); err == nil {
		t.Error("opened without the pepper")
	}
	changed := webhook.Sealed{PepperID: "p1", Box: append([]byte{}, sealed.Box...)}
	changed.Box[len(changed.Box)-1] ^= 1
	for name, moved := range map[string]webhook.Ref{
		"another endpoint": {Tenant: of.Tenant, ID: uuid.New()}, "another tenant": {Tenant: uuid.New(), ID: of.ID},
	} {
		if _, err := old.Open(moved, sealed); err == nil {
			t.Errorf("opened for %s", name)
		}
	}
	if _, err := old.Open(of, changed); err == nil {
		t.Error("opened what was changed")
	}
	if _, err := (webhook.Sealer{}).Seal(of, plain); err == nil {
		t.Error("sealed without a pepper")
	}
	if got := fmt.Sprintf("%+v %#v", old, both); strings.Contains(got, "1111") {
		t.Errorf("a sealer prints %s", got)
	}
}
