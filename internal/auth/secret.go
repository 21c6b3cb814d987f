package auth

import (
	"bytes"

	"github.com/hydracore/hydrapin/internal/secret"
)

// MinSecretBytes is the least length of an HS256 secret: RFC 7518 section 3.2
// asks for a key that is at least as long as the hash.
const MinSecretBytes = 32

// Secret is the shared secret of HS256. It prints as "[redacted]". The zero Secret is no secret.
type Secret = secret.Value[[]byte]

// NewSecret returns a secret with a copy of b; an empty b gives the zero Secret.
func NewSecret(b []byte) Secret {
	if len(b) == 0 {
		return Secret{}
	}
	return secret.New(bytes.Clone(b))
}
