package openapi

import (
	"errors"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/wire"
)

const (
	headerAuthorization = "Authorization"
	headerAPIKey        = "X-Api-Key" //nolint:gosec // a header's name
)

var (
	// ErrNoCredential means: the request has no credential of a known scheme.
	ErrNoCredential = errors.New("openapi: no credential")
	// ErrNoToken means: the request has no credential of a known scheme, and the operation is for the
	// token of a customer alone.
	ErrNoToken = errors.New("openapi: no token")
	// ErrRepeatedCredential means: a credential header came more than once, so that two readers could
	// see two callers in one request.
	ErrRepeatedCredential = errors.New("openapi: a credential header came more than once")
	// ErrForbidden means: a valid credential that does not open the operation.
	ErrForbidden = errors.New("openapi: the credential does not open this operation")
)

// Credential is what a request authenticates with: a key, or else a token.
type Credential struct {
	// IsKey is true for an API key or a runtime key.
	IsKey bool
	// Text is the key or the token as it came, which may be empty.
	Text string
}

// ReadCredential returns the credential of a request. When it has a key and a token, the key
// decides. Errors are [ErrNoCredential] or [ErrNoToken], and [ErrRepeatedCredential].
func (op *Operation) ReadCredential(req *http.Request) (Credential, error) {
	keys, tokens := req.Header.Values(headerAPIKey), req.Header.Values(headerAuthorization)
	switch {
	case len(keys) > 1 || len(tokens) > 1:
		return Credential{}, ErrRepeatedCredential
	case len(keys) == 1:
		return Credential{IsKey: true, Text: keys[0]}, nil
	case len(tokens) == 1:
		if token, ok := bearer(tokens[0]); ok {
			return Credential{Text: token}, nil
		}
	}
	if op.access == (auth.Rule{Customer: true}) {
		return Credential{}, ErrNoToken
	}
	return Credential{}, ErrNoCredential
}

// bearer returns the token of an Authorization header of the Bearer scheme (RFC 6750 section 2.1),
// whose name is compared without regard to case (RFC 9110 section 11.1).
func bearer(value string) (token string, ok bool) {
	scheme, token, _ := strings.Cut(value, " ")
	return strings.TrimLeft(token, " "), strings.EqualFold(scheme, "Bearer")
}

// Allows returns [ErrForbidden] unless the principal may call the operation on the instance.
func (op *Operation) Allows(p auth.Principal, instance uuid.UUID) error {
	if !op.access.Allows(p, instance) {
		return ErrForbidden
	}
	return nil
}

// Instance returns the instance that the path names. It is uuid.Nil, which no credential opens,
// when the path names none or the value is no UUID.
func (op *Operation) Instance(value PathValue) uuid.UUID {
	id, err := wire.ParseUUID(value("instance_id"))
	if err != nil {
		return uuid.Nil
	}
	return id
}
