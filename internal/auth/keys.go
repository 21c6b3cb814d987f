package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"strings"

	"github.com/hydracore/hydrapin/internal/secret"
)

const (
	tenantKeyPrefix  = "hc_live_"
	runtimeKeyPrefix = "hc_agent_"

	base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	// keyIDLength gives 95 bits: ids of random keys do not meet.
	keyIDLength = 16
	// keySecretLength gives 256 bits, so that a fast hash is enough for what is
	// stored: there are too many to try.
	keySecretLength = 43
)

var (
	// ErrInvalidKey is returned by [ParseKey] for a string that cannot be a key.
	// Its text says nothing about the string.
	ErrInvalidKey = errors.New("auth: not an API key")
	// ErrKeyKind is returned by [NewKey] for a kind of credential that is no key.
	ErrKeyKind = errors.New("auth: no key is of this kind")
)

// KeySecret is a whole key in the clear, as its owner gets it once. It prints as "[redacted]".
type KeySecret = secret.Value[string]

// NewKey makes a random key: hc_live_<id>_<secret> for [KindAPIKey],
// hc_agent_<id>_<secret> for [KindRuntimeKey], [ErrKeyKind] for any other kind.
// The id and the hash are what a record keeps; the key itself is shown once.
func NewKey(kind Kind) (id string, hash [sha256.Size]byte, key KeySecret, err error) {
	var prefix string
	switch kind {
	case KindAPIKey:
		prefix = tenantKeyPrefix
	case KindRuntimeKey:
		prefix = runtimeKeyPrefix
	case KindJWT, KindOperator:
		return "", hash, KeySecret{}, ErrKeyKind
	default:
		return "", hash, KeySecret{}, ErrKeyKind
	}
	id = randomBase62(keyIDLength)
	s := prefix + id + "_" + randomBase62(keySecretLength)
	return id, hashKey(s), secret.New(s), nil
}

// ParseKey takes a key apart: its kind, its id, and the hash of the whole. It
// says nothing about whether such a key exists; see [APIKey.Matches]. Anything
// but exactly one of the two forms, of exactly their length, is [ErrInvalidKey].
func ParseKey(s string) (kind Kind, id string, hash [sha256.Size]byte, err error) {
	rest, ok := strings.CutPrefix(s, tenantKeyPrefix)
	kind = KindAPIKey
	if !ok {
		rest, ok = strings.CutPrefix(s, runtimeKeyPrefix)
		kind = KindRuntimeKey
	}
	if !ok || len(rest) != keyIDLength+1+keySecretLength || rest[keyIDLength] != '_' ||
		!isBase62(rest[:keyIDLength]) || !isBase62(rest[keyIDLength+1:]) {
		return "", "", hash, ErrInvalidKey
	}
	return kind, strings.Clone(rest[:keyIDLength]), hashKey(s), nil
}

// Matches says, in a time that does not depend on the hashes, whether a key that
// [ParseKey] took apart is the one that the record is of. It does not look at
// expiry or revocation; see [APIKey.Live].
func (k APIKey) Matches(kind Kind, hash [sha256.Size]byte) bool {
	return k.Kind == kind && subtle.ConstantTimeCompare(k.Hash[:], hash[:]) == 1
}

// hashKey is the one function that hashes a key. It covers prefix and id too, so
// that a stored hash belongs to one kind and one id.
func hashKey(s string) [sha256.Size]byte { return sha256.Sum256([]byte(s)) }

// randomBase62 returns n characters, each equally likely.
func randomBase62(n int) string {
	// Bytes from 248, the largest multiple of 62, would favour the first
	// characters and are thrown away.
	const limit = 256 / len(base62) * len(base62)
	out := make([]byte, 0, n)
	var buf [64]byte
	for len(out) < n {
		_, _ = rand.Read(buf[:]) // Documented never to fail: it ends the program instead.
		for _, b := range buf {
			if int(b) < limit && len(out) < n {
				out = append(out, base62[int(b)%len(base62)])
			}
		}
	}
	return string(out)
}

func isBase62(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return true
}
