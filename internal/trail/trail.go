// Package trail makes the audit trail provable: the events of a tenant are the leaves of a Merkle
// tree (RFC 6962), whose head is signed (C2SP tlog-checkpoint) each time it grows. It guarantees
// that a proof or a head which it accepts is true of the leaves. It knows no store: who keeps
// leaves and hashes passes them in.
package trail

import (
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/hydracore/hydrapin/internal/keyring"
)

// info separates the keys of heads from the receipt keys that they are derived from (RFC 5869).
const info = "hydrapin log v1"

var (
	// ErrHead is returned for a head that cannot be read, or that no given key signed.
	ErrHead = errors.New("trail: not a head that is signed with a known key")
	// ErrNoKey is returned by [Ring.Sign] for an empty ring.
	ErrNoKey = errors.New("trail: no key to sign with")
)

// Ring is the keys that sign heads. The zero Ring is empty.
type Ring struct {
	keyring.Ring[ed25519.PrivateKey]
}

// ParseRing reads receipt keys, as [keyring.Parse] does, and derives the keys of heads from them.
func ParseRing(receiptKeys string) (Ring, error) {
	r, err := keyring.Parse("log-keys", receiptKeys, deriveKey)
	return Ring{r}, err
}

func deriveKey(seed []byte) ed25519.PrivateKey {
	derived, err := hkdf.Key(sha256.New, seed, nil, info, ed25519.SeedSize)
	if err != nil {
		panic(err) // only for more bytes than HKDF can give
	}
	return ed25519.NewKeyFromSeed(derived)
}

// PublicKey is a key that checks heads.
type PublicKey struct {
	ID  string
	Key ed25519.PublicKey
}

// PublicKeys returns the public keys of the ring, the one in use first.
func (r Ring) PublicKeys() []PublicKey {
	keys := make([]PublicKey, 0, r.Len())
	for _, k := range r.All() {
		public, _ := k.Key().Public().(ed25519.PublicKey)
		keys = append(keys, PublicKey{ID: k.ID, Key: public})
	}
	return keys
}

// Head is how far a tree has come: what is signed.
type Head struct {
	// Origin names the log, and the key that signs: see [Origin].
	Origin string
	Size   int64
	Root   tlog.Hash
}

// Origin returns the origin of a tenant's tree in a log.
func Origin(log string, tenant uuid.UUID) string { return log + "/" + tenant.String() }

// OfTenant says whether the head is of a tenant's tree, in any log.
func (h Head) OfTenant(tenant uuid.UUID) bool {
	log, found := strings.CutSuffix(h.Origin, "/"+tenant.String())
	return found && log != ""
}

// text is the body of the checkpoint.
func (h Head) text() string {
	return fmt.Sprintf("%s\n%d\n%s\n", h.Origin, h.Size, base64.StdEncoding.EncodeToString(h.Root[:]))
}

// Sign returns the head as a note that every key of the ring signed.
func (r Ring) Sign(h Head) (string, error) {
	if r.Len() == 0 {
		return "", ErrNoKey
	}
	signers := make([]note.Signer, 0, r.Len())
	for _, k := range r.All() {
		public, _ := k.Key().Public().(ed25519.PublicKey)
		v, err := verifier(h.Origin, public)
		if err != nil {
			return "", err
		}
		signers = append(signers, signer{Verifier: v, key: k.Key()})
	}
	signed, err := note.Sign(&note.Note{Text: h.text()}, signers...)
	if err != nil {
		return "", fmt.Errorf("trail: %w", err)
	}
	return string(signed), nil
}

// signer is a note.Signer.
type signer struct {
	note.Verifier
	key ed25519.PrivateKey
}

// Sign implements note.Signer.
func (s signer) Sign(msg []byte) ([]byte, error) { return ed25519.Sign(s.key, msg), nil }

// verifier returns the verifier of a key under a name.
func verifier(name string, key ed25519.PublicKey) (note.Verifier, error) {
	text, err := VerifierKey(name, key)
	if err != nil {
		return nil, err
	}
	v, err := note.NewVerifier(text)
	if err != nil {
		return nil, fmt.Errorf("trail: the name %q cannot be a key's: %w", name, err)
	}
	return v, nil
}

// VerifierKey returns a public key in the form of signed notes, as other programs take it.
func VerifierKey(name string, key ed25519.PublicKey) (string, error) {
	text, err := note.NewEd25519VerifierKey(name, key)
	if err != nil {
		return "", fmt.Errorf("trail: %w", err)
	}
	return text, nil
}

// Open reads a signed head and checks its signatures: at least one of the keys must have signed
// it, and no signature of one of them may be wrong. Else it is [ErrHead].
func Open(signed string, keys []PublicKey) (Head, error) {
	h, err := parseHead(signed)
	if err != nil {
		return Head{}, err
	}
	verifiers := make([]note.Verifier, 0, len(keys))
	seen := map[string]bool{}
	for _, k := range keys {
		v, err := verifier(h.Origin, k.Key)
		if err != nil {
			return Head{}, ErrHead
		}
		if !seen[string(k.Key)] {
			verifiers = append(verifiers, v)
		}
		seen[string(k.Key)] = true
	}
	opened, err := note.Open([]byte(signed), note.VerifierList(verifiers...))
	if err != nil || opened.Text != h.text() {
		return Head{}, ErrHead
	}
	return h, nil
}

// parseHead reads the body of a head without any check of its signatures.
func parseHead(signed string) (Head, error) {
	body, _, found := strings.Cut(signed, "\n\n")
	if !found {
		return Head{}, ErrHead
	}
	lines := strings.Split(body, "\n")
	if len(lines) != 3 {
		return Head{}, ErrHead
	}
	var h Head
	h.Origin = lines[0]
	if _, err := fmt.Sscanf(lines[1], "%d", &h.Size); err != nil || h.Size < 0 {
		return Head{}, ErrHead
	}
	root, err := base64.StdEncoding.Strict().DecodeString(lines[2])
	if err != nil || len(root) != tlog.HashSize {
		return Head{}, ErrHead
	}
	h.Root = tlog.Hash(root)
	// What is not written as this package writes it is none.
	if h.text() != body+"\n" {
		return Head{}, ErrHead
	}
	return h, nil
}
