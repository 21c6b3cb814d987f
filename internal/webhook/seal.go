package webhook

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/hydracore/hydrapin/internal/keyring"
	"github.com/hydracore/hydrapin/internal/secret"
)

// sealInfo separates the keys that seal from what else is derived from a pepper.
const sealInfo = "hydrapin webhook secrets v1"

var (
	// ErrUnknownPepper is returned for a secret that was sealed under a pepper that this node lacks.
	ErrUnknownPepper = errors.New("webhook: the secret is sealed under an unknown pepper")
	// errBroken is returned for a sealed secret that was changed, or moved to another endpoint.
	errBroken = errors.New("webhook: a sealed secret cannot be opened")
)

// Sealed is a secret as it is stored. The zero Sealed holds none.
type Sealed struct {
	// PepperID names the pepper whose key seals Box: a nonce and what AES-256-GCM makes.
	PepperID string
	Box      []byte
}

// IsZero says whether there is no secret.
func (s Sealed) IsZero() bool { return s.PepperID == "" }

// Sealer seals the secrets of endpoints, so that a copy of the database does not hold them. The zero
// Sealer seals nothing.
type Sealer struct{ ring keyring.Ring[cipher.AEAD] }

// ParseSealer derives a key from each pepper with HKDF-SHA-256 (RFC 5869): no salt, the info
// "hydrapin webhook secrets v1", 32 bytes. The first seals, all open.
func ParseSealer(peppers string) (Sealer, error) {
	var failed error
	ring, err := keyring.Parse("webhook-secrets", peppers, func(pepper []byte) cipher.AEAD {
		box, err := newBox(pepper)
		failed = errors.Join(failed, err)
		return box
	})
	return Sealer{ring}, errors.Join(err, failed)
}

func newBox(pepper []byte) (cipher.AEAD, error) {
	key, err := hkdf.Key(sha256.New, pepper, nil, sealInfo, 32)
	if err != nil {
		return nil, fmt.Errorf("webhook: derive a key: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("webhook: %w", err)
	}
	box, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("webhook: %w", err)
	}
	return box, nil
}

// Seal seals a secret for one endpoint.
func (s Sealer) Seal(of Ref, plain Secret) (Sealed, error) {
	first, err := s.ring.First()
	if err != nil {
		return Sealed{}, ErrUnknownPepper
	}
	return Sealed{PepperID: first.ID, Box: first.Key().Seal(nil, nil, []byte(plain.Reveal()), bound(of))}, nil //nolint:gosec // the AEAD makes its own random nonce
}

// Open returns the secret of an endpoint: [ErrUnknownPepper], or an error for what was not sealed
// for this endpoint.
func (s Sealer) Open(of Ref, sealed Sealed) (Secret, error) {
	entry, err := s.ring.Find(sealed.PepperID)
	if err != nil {
		return Secret{}, ErrUnknownPepper
	}
	plain, err := entry.Key().Open(nil, nil, sealed.Box, bound(of))
	if err != nil {
		return Secret{}, errBroken
	}
	return secret.New(string(plain)), nil
}

// PepperID is the id of the pepper that seals; "" for the zero Sealer.
func (s Sealer) PepperID() string {
	first, err := s.ring.First()
	if err != nil {
		return ""
	}
	return first.ID
}

// Reseal returns a secret sealed under the first pepper.
func (s Sealer) Reseal(of Ref, sealed Sealed) (Sealed, error) {
	plain, err := s.Open(of, sealed)
	if err != nil {
		return Sealed{}, err
	}
	return s.Seal(of, plain)
}

// bound is what a sealed secret is bound to: moved to another endpoint it does not open.
func bound(of Ref) []byte { return append(of.Tenant[:], of.ID[:]...) }
