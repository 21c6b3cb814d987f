package hydrapin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
)

// ErrCredential is wrapped when a call was not sent because its credential is missing or not valid:
// a key or token is empty or contains anything but visible ASCII, or a [TokenSource] returned an
// error, which is wrapped as well.
var ErrCredential = errors.New("hydrapin: no usable credential")

// Credential identifies the caller: a [Key] or a [TokenSource].
type Credential interface {
	// check returns an error if the value cannot be a credential, as far as that is known
	// beforehand.
	check() error
	authorize(ctx context.Context, r *http.Request) error
}

// TokenSource returns a bearer token (a JWT) that is valid now. It is called for each request, so
// it should cache its token while the token is valid. Several goroutines may call it at once.
type TokenSource func(ctx context.Context) (string, error)

// Token returns the source of one token that does not change.
func Token(jwt string) TokenSource {
	s := hide(jwt)
	return func(context.Context) (string, error) { return s.value(), nil }
}

func (k Key) check() error { return headerSafe(k.secret.value()) }

func (k Key) authorize(_ context.Context, r *http.Request) error {
	r.Header.Set("X-Api-Key", k.secret.value())
	return nil
}

func (t TokenSource) check() error {
	if t == nil {
		return ErrCredential
	}
	return nil
}

func (t TokenSource) authorize(ctx context.Context, r *http.Request) error {
	token, err := t(ctx)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrCredential, err)
	}
	if err := headerSafe(token); err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	return nil
}

// headerSafe refuses what a header cannot contain. The usual case is a line break in a key that was
// read from a file.
func headerSafe(s string) error {
	if s == "" {
		return ErrCredential
	}
	for i := range len(s) {
		if s[i] < '!' || s[i] > '~' {
			return ErrCredential
		}
	}
	return nil
}
