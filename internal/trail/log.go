package trail

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/hydracore/hydrapin/internal/audit"
)

// publishedLog is what /.well-known/hydrapin-log.json has: never a tenant.
type publishedLog struct {
	Name string         `json:"name"`
	Keys []publishedKey `json:"keys"`
}

type publishedKey struct {
	ID        string  `json:"id"`
	Algorithm string  `json:"algorithm"`
	PublicKey []byte  `json:"public_key"`
	AddedAt   string  `json:"added_at"`
	RetiredAt *string `json:"retired_at"`
}

const algorithm = "Ed25519"

// PublishLog returns the document that publishes a log's name and its keys, retired ones included.
func PublishLog(log audit.Log, keys []audit.LogKey) ([]byte, error) {
	doc := publishedLog{Name: log.Name, Keys: make([]publishedKey, 0, len(keys))}
	for _, k := range keys {
		p := publishedKey{ID: k.ID, Algorithm: algorithm, PublicKey: k.PublicKey, AddedAt: audit.FormatTime(k.AddedAt)}
		if !k.RetiredAt.IsZero() {
			retired := audit.FormatTime(k.RetiredAt)
			p.RetiredAt = &retired
		}
		doc.Keys = append(doc.Keys, p)
	}
	text, err := json.Marshal(doc)
	if err != nil {
		return nil, fmt.Errorf("trail: %w", err)
	}
	return text, nil
}

// errNoLog is returned by [ParseLog] for what is no such document.
var errNoLog = errors.New("trail: not the keys of a log")

// ParseLog reads the keys of a document that [PublishLog] made.
func ParseLog(text []byte) ([]PublicKey, error) {
	var doc publishedLog
	if err := json.Unmarshal(text, &doc); err != nil || len(doc.Keys) == 0 {
		return nil, errNoLog
	}
	keys := make([]PublicKey, 0, len(doc.Keys))
	for _, k := range doc.Keys {
		if k.Algorithm != algorithm || len(k.PublicKey) != ed25519.PublicKeySize {
			return nil, errNoLog
		}
		keys = append(keys, PublicKey{ID: k.ID, Key: k.PublicKey})
	}
	return keys, nil
}
