// Package httpapi implements the operations of the contract, openapi.yaml, over the service.
//
// It guarantees that no operation runs for a caller that the contract does not let in, and that a
// request is refused in the order of refusals. It must not know a rule of PINs, a store or a
// transaction: a handler converts, makes one call, and converts back.
package httpapi

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"github.com/hydracore/hydrapin/gen/api"
	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/limit"
	"github.com/hydracore/hydrapin/internal/openapi"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/service"
	"github.com/hydracore/hydrapin/internal/telemetry"
)

// Deps is what the operations need. All of it must be set.
type Deps struct {
	Service  *service.Service
	Verifier *auth.Verifier
	// Rules are those for a PIN that is set.
	Rules pin.Rules
	Links Links
	// Limit limits requests.
	Limit *limit.Requests
}

// Links makes the links of the person's pages.
type Links interface {
	// Confirm returns the link of a confirmation, SetPIN that of a PIN link.
	Confirm(id uuid.UUID) string
	SetPIN(id uuid.UUID) string
	// ConfirmQR returns the link of a confirmation as an SVG image.
	ConfirmQR(id uuid.UUID) ([]byte, error)
}

// Server answers the operations of the contract.
type Server struct {
	service  *service.Service
	verifier *auth.Verifier
	links    Links
	limit    *limit.Requests
}

var _ api.StrictServerInterface = (*Server)(nil)

// Register makes e answer the operations of the contract. e must be observed by telemetry, and
// have [AnswerError] as its error handler. A contract that is not understood completely is
// [openapi.ErrContract].
func Register(e *echo.Echo, d Deps) error {
	s := &Server{service: d.Service, verifier: d.Verifier, links: d.Links, limit: d.Limit}
	text, err := api.GetSpecJSON()
	if err != nil {
		return fmt.Errorf("httpapi: read the contract: %w", err)
	}
	contract, err := openapi.Load(text, d.Rules)
	if err != nil {
		return err
	}
	guards := map[string][]echo.MiddlewareFunc{}
	for id, op := range contract.Operations() {
		guards[id] = []echo.MiddlewareFunc{s.guard(op)}
	}
	api.RegisterHandlersWithOptions(router{e}, api.NewStrictHandler(s, nil), api.RegisterHandlersOptions{OperationMiddlewares: guards})
	return nil
}

// guard refuses what must not reach the handler of an operation, in the order of refusals: 429 for
// too many requests, 401, 403, 413 and 415, 422. The router has answered 404 and 405.
func (s *Server) guard(op *openapi.Operation) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			// No cache may keep an answer of the API.
			c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
			came := c.Request()
			ctx, done := keep(came, op)
			defer func() {
				done()
				// What follows asks whether the client is there, and not whether the operation is over.
				c.SetRequest(came)
			}()
			c.SetRequest(came.WithContext(ctx))
			r, err := telemetry.From(ctx)
			if err != nil {
				return err
			}
			r.Operation = op.ID
			credential, refused := op.ReadCredential(c.Request())
			if err := s.limit.Take(credential.Text, r.From); err != nil {
				r.Limited = true
				return err
			}
			if refused != nil {
				return refused
			}
			if r.Caller.Principal, err = s.authenticate(ctx, credential, op); err != nil {
				return err
			}
			value := func(name string) string { return pathParam(c, name) }
			instance := op.Instance(value)
			if err := op.Allows(r.Caller.Principal, instance); err != nil {
				s.service.Denied(ctx, r.Caller, instance, op.ID)
				return err
			}
			accepted, err := op.Check(c.Request(), value)
			if err != nil {
				return err
			}
			c.SetRequest(c.Request().WithContext(context.WithValue(ctx, acceptedKey{}, accepted)))
			return next(c)
		}
	}
}

// acceptedKey is the context's key for what the guard's validation read.
type acceptedKey struct{}

// acceptedOf returns what validation read of the request.
func acceptedOf(ctx context.Context) openapi.Accepted {
	accepted, _ := ctx.Value(acceptedKey{}).(openapi.Accepted)
	return accepted
}

// authenticate returns the principal of a credential. For an operation that writes a key is read anew.
func (s *Server) authenticate(ctx context.Context, credential openapi.Credential, op *openapi.Operation) (auth.Principal, error) {
	var principal auth.Principal
	var err error
	if credential.IsKey {
		principal, err = s.service.AuthenticateKey(ctx, credential.Text, op.Writes)
	} else {
		principal, err = s.verifier.Verify(ctx, credential.Text)
	}
	if err == nil && principal.Kind == "" {
		err = service.ErrUnauthorized
	}
	switch {
	case err == nil:
		s.limit.Know(credential.Text)
	case errors.Is(err, service.ErrUnauthorized), errors.Is(err, auth.ErrInvalidToken):
		s.limit.Forget(credential.Text)
	}
	return principal, err
}

// errUnguarded says that a request reached a handler without its guard. It is a bug in this
// program, and ends in a 500.
var errUnguarded = errors.New("httpapi: the operation was reached without its guard")

// callerOf returns the authenticated caller. A handler that gets an error must not go on: its guard
// did not run.
func callerOf(ctx context.Context) (service.Caller, error) {
	r, err := telemetry.From(ctx)
	if err != nil {
		return service.Caller{}, err
	}
	if r.Caller.Kind == "" {
		return service.Caller{}, errUnguarded
	}
	return r.Caller, nil
}

// pathParam returns a parameter without its percent-encoding; the router matches an encoded path
// as it came.
func pathParam(c echo.Context, name string) string {
	raw := c.Param(name)
	if c.Request().URL.RawPath == "" {
		return raw
	}
	decoded, err := url.PathUnescape(raw)
	if err != nil {
		return raw
	}
	return decoded
}
