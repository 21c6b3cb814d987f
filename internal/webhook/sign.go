package webhook

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/hydracore/hydrapin/internal/secret"
)

const (
	secretPrefix = "whsec_"
	// secretSize is in bytes; Standard Webhooks asks for 24 to 64.
	secretSize = 32
)

// Secret signs an endpoint's messages: whsec_ and base64, as its owner gets it once. It prints as
// "[redacted]".
type Secret = secret.Value[string]

// errSecret is returned for a secret that was not made by [NewSecret].
var errSecret = errors.New("webhook: not a secret of a webhook")

// NewSecret makes a random secret.
func NewSecret() Secret {
	var key [secretSize]byte
	_, _ = rand.Read(key[:]) // Documented never to fail: it ends the program instead.
	return secret.New(secretPrefix + base64.StdEncoding.EncodeToString(key[:]))
}

// Sign sets the headers of a message (Standard Webhooks 1.0, symmetric signatures, "v1"): the id of
// its event, the time of the try, and a signature by each secret.
func Sign(h http.Header, id string, at time.Time, body []byte, secrets ...Secret) error {
	stamp := strconv.FormatInt(at.Unix(), 10)
	signatures := make([]string, len(secrets))
	for i, s := range secrets {
		key, err := keyOf(s)
		if err != nil {
			return err
		}
		mac := hmac.New(sha256.New, key)
		// A hash's Write returns no error.
		_, _ = mac.Write([]byte(id + "." + stamp + "."))
		_, _ = mac.Write(body)
		signatures[i] = "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	}
	h.Set("Webhook-Id", id)
	h.Set("Webhook-Timestamp", stamp)
	h.Set("Webhook-Signature", strings.Join(signatures, " "))
	return nil
}

func keyOf(s Secret) ([]byte, error) {
	text, ok := strings.CutPrefix(s.Reveal(), secretPrefix)
	key, err := base64.StdEncoding.DecodeString(text)
	if !ok || err != nil || len(key) == 0 {
		return nil, errSecret
	}
	return key, nil
}
