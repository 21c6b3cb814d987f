package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/hydracore/hydrapin/internal/openapi"
)

// router is where the generated code registers the operations. HEAD is answered wherever GET is;
// the server leaves the body out.
type router struct{ *echo.Echo }

// GET registers a route for GET and for HEAD.
func (r router) GET(path string, h echo.HandlerFunc, m ...echo.MiddlewareFunc) *echo.Route {
	r.Echo.HEAD(path, h, m...)
	return r.Echo.GET(path, h, m...)
}

const (
	// writeWithin is how long a write may take that nobody waits for any more.
	writeWithin = 30 * time.Second
	// spendWithin is how long an attempt may still be spent, and a read still go on, after its
	// caller has gone.
	spendWithin = time.Second
)

// keep returns the context for an operation.
//
// A client may close its half of the connection once it has sent its request, and still wait for
// the answer. That looks to the server like a client that has gone, and ends the context of the
// request. So a write goes on. An operation that spends an attempt goes on for a moment, which is
// enough for a client that waits: of one that has gone no attempt may be spent later, for example
// after a long wait for a lock. From the spend on the service finishes it in any case. A read has
// the same moment, which is enough for all but a long poll.
func keep(req *http.Request, op *openapi.Operation) (context.Context, context.CancelFunc) {
	ctx := req.Context()
	if op.Writes && !op.Spends {
		return context.WithTimeout(context.WithoutCancel(ctx), writeWithin)
	}
	kept, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		timer := time.NewTimer(spendWithin)
		defer timer.Stop()
		select {
		case <-timer.C:
			cancel()
		case <-kept.Done():
		}
	})
	return kept, func() {
		stop()
		cancel()
	}
}
