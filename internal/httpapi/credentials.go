package httpapi

import (
	"errors"
	"net/http"
	"strings"

	"github.com/hydracore/hydrapin/internal/service"
)

const (
	headerAuthorization = "Authorization"
	headerAPIKey        = "X-Api-Key" //nolint:gosec // a header's name
)

var (
	// errNoCredential: the request carries none that is known.
	errNoCredential = errors.New("httpapi: no credential")
	// errRepeatedCredential: a credential header came more than once, so that two
	// readers could take two callers from the request.
	errRepeatedCredential = errors.New("httpapi: a credential header came more than once")
	// errForbidden: a valid credential that does not open the operation.
	errForbidden = errors.New("httpapi: the credential does not open this operation")
)

// authenticate finds who makes the request. When both credentials are sent, the
// key decides. fresh reads a key anew, for whatever writes.
func (s *Server) authenticate(req *http.Request, r *request, fresh bool) error {
	keys, tokens := req.Header.Values(headerAPIKey), req.Header.Values(headerAuthorization)
	if len(keys) > 1 || len(tokens) > 1 {
		return errRepeatedCredential
	}
	var err error
	switch {
	case len(keys) == 1:
		r.caller.Principal, err = s.service.AuthenticateKey(req.Context(), keys[0], fresh)
	case len(tokens) == 1:
		token, ok := bearer(tokens[0])
		if !ok {
			return errNoCredential
		}
		r.caller.Principal, err = s.verifier.Verify(req.Context(), token)
	default:
		return errNoCredential
	}
	if err == nil && r.caller.Kind == "" {
		return service.ErrUnauthorized
	}
	return err
}

// bearer returns the token of an Authorization header of the Bearer scheme
// (RFC 6750 section 2.1), whose name is compared without regard to case
// (RFC 9110 section 11.1).
func bearer(value string) (token string, ok bool) {
	scheme, token, _ := strings.Cut(value, " ")
	return strings.TrimLeft(token, " "), strings.EqualFold(scheme, "Bearer")
}
