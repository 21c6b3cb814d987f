// Package httpapi is the edge of the contract: it implements the operations of
// openapi.yaml over the service.
//
// It guarantees that no operation runs for a caller whom the contract does not
// let in, that a request is refused with every one of its faults at once and in
// the order of refusals that the design tells, and that no answer and no line of
// the log holds a PIN, a key or a token. It must not know a rule of PINs, a store
// or a transaction: a handler converts, makes one call, and converts back.
package httpapi

import (
	"fmt"
	"log/slog"
	"net/netip"

	"github.com/labstack/echo/v4"

	"github.com/hydracore/hydrapin/gen/api"
	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/service"
)

// Deps is what the operations need. All but TrustedProxies must be set.
type Deps struct {
	Service  *service.Service
	Verifier *auth.Verifier
	Log      *slog.Logger
	// Rules say which PINs may be set.
	Rules pin.Rules
	// TrustedProxies are the peers whose X-Forwarded-For is believed.
	TrustedProxies []netip.Prefix
}

// Server answers the operations of the contract.
type Server struct {
	service  *service.Service
	verifier *auth.Verifier
	log      *slog.Logger
	proxies  []netip.Prefix
}

var _ api.StrictServerInterface = (*Server)(nil)

// Register makes e answer the operations of the contract. It sets e's error
// handler, and adds a middleware that gives every request an id, logs it and
// turns a panic into a 500, for routes that are registered elsewhere too. A
// contract that it does not understand completely is an error: what is not
// checked must not be served.
func Register(e *echo.Echo, d Deps) error {
	s := &Server{service: d.Service, verifier: d.Verifier, log: d.Log, proxies: d.TrustedProxies}
	doc, err := api.GetSpec()
	if err != nil {
		return fmt.Errorf("httpapi: read the contract: %w", err)
	}
	operations, err := compileOperations(doc, d.Rules)
	if err != nil {
		return err
	}
	guards := make(map[string][]echo.MiddlewareFunc, len(operations))
	for _, op := range operations {
		guards[op.id] = []echo.MiddlewareFunc{s.guard(op)}
	}
	e.HTTPErrorHandler = s.answerError
	e.Use(s.observe)
	api.RegisterHandlersWithOptions(e, api.NewStrictHandler(s, nil), api.RegisterHandlersOptions{OperationMiddlewares: guards})
	return nil
}

// guard refuses what must not reach the handler of an operation, in the order of
// refusals: 401, 403, 413 and 415, 422. The router has answered 404 and 405.
func (s *Server) guard(op *operation) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			// Nothing that the API tells may be kept by a cache on the way.
			c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
			r, err := requestOf(c.Request().Context())
			if err != nil {
				return err
			}
			r.operation = op.id
			if err := s.authenticate(c.Request(), r, op.writes); err != nil {
				return err
			}
			if instance := op.instance(c); !op.rule.Allows(r.caller.Principal, instance) {
				s.service.Denied(c.Request().Context(), r.caller, instance, op.id)
				return errForbidden
			}
			if err := op.check(c); err != nil {
				return err
			}
			return next(c)
		}
	}
}
