package config

import "github.com/hydracore/hydrapin/internal/secret"

const redacted = secret.Redacted

// Secret is a setting that nobody may see: it prints as "[redacted]". The zero Secret is none.
type Secret = secret.Value[string]

// NewSecret returns a secret; an empty s gives the zero Secret.
func NewSecret(s string) Secret {
	if s == "" {
		return Secret{}
	}
	return secret.New(s)
}
