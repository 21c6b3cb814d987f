package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/wire"
)

// id is a flag that is a UUID.
type id struct{ uuid.UUID }

// UnmarshalText implements encoding.TextUnmarshaler.
func (i *id) UnmarshalText(text []byte) error {
	parsed, err := wire.ParseUUID(string(text))
	if err != nil || parsed == uuid.Nil {
		return errors.New("is not a UUID like 6f1b2c34-5d6e-4f70-8a9b-0c1d2e3f4a5b")
	}
	i.UUID = parsed
	return nil
}

// scope is a flag that is a right of an API key.
type scope struct{ auth.Scope }

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *scope) UnmarshalText(text []byte) error {
	s.Scope = auth.Scope(text)
	if slices.Contains(auth.Scopes(), s.Scope) {
		return nil
	}
	return errors.New("is none of " + scopeNames())
}

// scopeNames lists every scope for people.
func scopeNames() string {
	names := make([]string, 0, len(auth.Scopes()))
	for _, known := range auth.Scopes() {
		names = append(names, string(known))
	}
	return strings.Join(names, ", ")
}

// lifetime is a flag that is a duration above zero.
type lifetime struct{ time.Duration }

// maxLifetime is far more than anything should live, and far from overflowing.
const maxLifetime = 10 * 365 * 24 * time.Hour

// UnmarshalText implements encoding.TextUnmarshaler.
func (l *lifetime) UnmarshalText(text []byte) error {
	d, err := time.ParseDuration(string(text))
	if err != nil || d < time.Second || d > maxLifetime {
		return fmt.Errorf("is not a duration from 1s to %dh, written like 30m or 720h", int(maxLifetime.Hours()))
	}
	l.Duration = d
	return nil
}

const maxName = 100

func checkName(s string) error {
	if len(s) > maxName || strings.ContainsFunc(s, unicode.IsControl) {
		return usage("--name must be one line of at most %d bytes", maxName)
	}
	return nil
}
