package server

import (
	"context"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"github.com/hydracore/hydrapin/internal/config"
	"github.com/hydracore/hydrapin/internal/httpapi"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/web"
)

// probeTimeout bounds how long a probe waits for the database.
const probeTimeout = 2 * time.Second

// routes returns everything that the server answers.
func (n *Node) routes(cfg config.Config, rules pin.Rules) (http.Handler, error) {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.HTTPErrorHandler = httpapi.AnswerError(n.log)
	n.telemetry.Observe(e)
	e.Use(headers)
	if len(cfg.CORSOrigins) > 0 {
		e.Use(cors(cfg.CORSOrigins))
	}
	links, err := pageLinks(cfg)
	if err != nil {
		return nil, err
	}
	if err := httpapi.Register(e, httpapi.Deps{Service: n.service, Verifier: n.verifier, Rules: rules, Links: links, Limit: n.limits.requests}); err != nil {
		return nil, err
	}
	if err := n.pages(e, cfg, links, rules); err != nil {
		return nil, err
	}
	docs, err := web.New(cfg.PublicURL)
	if err != nil {
		return nil, err
	}
	for _, path := range docs.Paths() {
		get(e, path, echo.WrapHandler(docs))
	}
	redirect(e, "/", "docs")
	redirect(e, "/docs/", "../docs")
	redirect(e, "/redoc/", "../redoc")
	get(e, "/.well-known/jwks.json", func(c echo.Context) error {
		c.Response().Header().Set("Cache-Control", "public, max-age=300")
		return c.Blob(http.StatusOK, "application/jwk-set+json", n.receipts.JWKS())
	})
	n.probes(e)
	return e, nil
}

// probes registers what tells an operator's machinery about the node.
func (n *Node) probes(e *echo.Echo) {
	get(e, "/healthz", func(c echo.Context) error { return c.String(http.StatusOK, "ok\n") })
	get(e, "/readyz", n.ready)
	get(e, "/metrics", echo.WrapHandler(n.telemetry.Metrics.Handler()))
	n.telemetry.Metrics.Gauge("hydrapin_hash_places_held", "Places of the hash queue that are held.", func() float64 {
		held, _ := n.hasher.Held()
		return float64(held)
	})
	n.telemetry.Metrics.Gauge("hydrapin_hash_places", "Places that the hash queue has.", func() float64 {
		_, capacity := n.hasher.Held()
		return float64(capacity)
	})
	n.telemetry.Metrics.Gauge("hydrapin_audit_sequencer_lag_seconds",
		"How long the oldest event has waited for its place in the audit trail.",
		func() float64 { return n.jobs.SequencerLag().Seconds() })
	n.telemetry.Metrics.Gauge("hydrapin_audit_stopped_trails",
		"Audit trails of tenants that do not match their last signed head, and get no more events.",
		func() float64 { return float64(n.jobs.StoppedTrees()) })
}

// hsts is how long browsers use HTTPS alone, once they have (RFC 6797): a year.
const hsts = "max-age=31536000"

// headers sets what every answer has.
func headers(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		h := c.Response().Header()
		h.Set("X-Content-Type-Options", "nosniff")
		if c.IsTLS() {
			h.Set("Strict-Transport-Security", hsts)
		}
		if c.Request().Method == http.MethodOptions {
			h.Set("Cache-Control", "no-store")
		}
		return next(c)
	}
}

// redirect sends browsers from a path to another, relative to it, so that a path prefix works.
func redirect(e *echo.Echo, from, to string) {
	get(e, from, func(c echo.Context) error {
		// Not http.Redirect, which makes the address absolute.
		c.Response().Header().Set("Location", to)
		return c.NoContent(http.StatusFound)
	})
}

func get(e *echo.Echo, path string, h echo.HandlerFunc) {
	e.Match([]string{http.MethodGet, http.MethodHead}, path, h)
}

// ready answers whether requests can be answered: the database is reachable and migrated, the keys
// of the token issuer are loaded, and the server is not about to stop. Causes are logged.
func (n *Node) ready(c echo.Context) error {
	ctx, cancel := context.WithTimeout(c.Request().Context(), probeTimeout)
	defer cancel()
	answer := map[string]string{}
	status := http.StatusOK
	for _, check := range []struct {
		name  string
		check func(context.Context) error
	}{
		{"database", n.service.Ready},
		{"jwks", func(context.Context) error { return n.verifier.Ready() }},
	} {
		answer[check.name] = "ok"
		if err := check.check(ctx); err != nil {
			status, answer[check.name] = http.StatusServiceUnavailable, "unavailable"
			n.log.WarnContext(ctx, "not ready", "check", check.name, "error", err)
		}
	}
	if n.draining.Load() {
		status, answer["server"] = http.StatusServiceUnavailable, "stopping"
	}
	c.Response().Header().Set("Cache-Control", "no-store")
	return c.JSON(status, answer)
}

func cors(origins []string) echo.MiddlewareFunc {
	return middleware.CORSWithConfig(middleware.CORSConfig{
		AllowOrigins:  origins,
		AllowMethods:  []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete},
		AllowHeaders:  []string{"Authorization", "X-Api-Key", "Content-Type", "If-Match", "If-None-Match", "X-Request-Id"},
		ExposeHeaders: []string{"Accept-Encoding", "Accept-Patch", "ETag", "Location", "RateLimit", "RateLimit-Policy", "Retry-After", "WWW-Authenticate", "X-Request-Id"},
		MaxAge:        600,
	})
}
