package hydrapin

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const webhookTolerance = 5 * time.Minute

// ErrWebhook is wrapped by [VerifyWebhook] when a webhook cannot be trusted. The error contains no
// part of it.
var ErrWebhook = errors.New("hydrapin: webhook")

// WebhookSecret is the secret that a webhook is signed with (whsec_…). It prints as "[redacted]".
type WebhookSecret struct{ secret secret }

// NewWebhookSecret returns the secret s.
func NewWebhookSecret(s string) WebhookSecret { return WebhookSecret{hide(s)} }

// Reveal returns the secret as text.
func (s WebhookSecret) Reveal() string { return s.secret.value() }

// VerifyWebhook returns the payload of a webhook, a JSON object, if it was signed with one of the
// secrets (Standard Webhooks, https://www.standardwebhooks.com) less than five minutes from now.
// Body is the request's body as it came. Pass two secrets while one is being replaced.
//
// A webhook is notice that something happened, and never a reason to run a skill. The same one may
// come again: its webhook-id says so.
func VerifyWebhook(header http.Header, body []byte, now time.Time, secrets ...WebhookSecret) (json.RawMessage, error) {
	if len(secrets) == 0 {
		return nil, fmt.Errorf("%w: no secret", ErrWebhook)
	}
	id, stamp, signatures := header.Get("Webhook-Id"), header.Get("Webhook-Timestamp"), header.Get("Webhook-Signature")
	if id == "" || stamp == "" || signatures == "" {
		return nil, fmt.Errorf("%w: a header is missing", ErrWebhook)
	}
	// ParseUint also takes a sign and underscores away from what it accepts.
	seconds, err := strconv.ParseUint(stamp, 10, 40)
	if err != nil {
		return nil, fmt.Errorf("%w: webhook-timestamp is not a number of seconds", ErrWebhook)
	}
	fits := false
	for _, s := range secrets {
		key, err := s.key()
		if err != nil {
			return nil, err
		}
		mac := hmac.New(sha256.New, key)
		fmt.Fprintf(mac, "%s.%s.", id, stamp)
		mac.Write(body)
		sum := mac.Sum(nil)
		// Each pair is compared, so that the time says nothing about which one fitted.
		for _, signature := range strings.Split(signatures, " ") {
			fits = hmac.Equal(signed(signature), sum) || fits
		}
	}
	if !fits {
		return nil, fmt.Errorf("%w: no signature fits", ErrWebhook)
	}
	if age := now.Sub(time.Unix(int64(seconds), 0)); age.Abs() > webhookTolerance {
		return nil, fmt.Errorf("%w: webhook-timestamp is more than five minutes from now", ErrWebhook)
	}
	value, err := parse(body)
	if err != nil {
		return nil, fmt.Errorf("%w: the payload is %w", ErrWebhook, err)
	}
	if _, ok := value.(map[string]any); !ok {
		return nil, fmt.Errorf("%w: the payload is not an object", ErrWebhook)
	}
	return body, nil
}

func (s WebhookSecret) key() ([]byte, error) {
	text := strings.TrimRight(strings.TrimPrefix(s.secret.value(), "whsec_"), "=")
	key, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil || len(key) == 0 {
		return nil, fmt.Errorf("%w: the secret is not whsec_ and base64", ErrWebhook)
	}
	return key, nil
}

// signed returns the bytes of a signature of version 1, or nil.
func signed(text string) []byte {
	encoded, ok := strings.CutPrefix(text, "v1,")
	if !ok {
		return nil
	}
	sum, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return nil
	}
	return sum
}
