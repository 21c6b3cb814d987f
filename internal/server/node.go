package server

import (
	"context"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"github.com/hydracore/hydrapin/internal/argon2id"
	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/config"
	"github.com/hydracore/hydrapin/internal/httpapi"
	"github.com/hydracore/hydrapin/internal/receipt"
	"github.com/hydracore/hydrapin/internal/service"
	"github.com/hydracore/hydrapin/internal/store"
	"github.com/hydracore/hydrapin/internal/web"
)

// probeTimeout bounds what a probe may wait for the database.
const probeTimeout = 2 * time.Second

// node is what a running server holds.
type node struct {
	db       store.Database
	hasher   *argon2id.Pool
	receipts receipt.Ring
	verifier *auth.Verifier
	service  *service.Service
	draining atomic.Bool
}

// close ends what newNode started, last things first. Hashes that were paid for
// are finished.
func (n *node) close() {
	if n.verifier != nil {
		n.verifier.Close()
	}
	if n.hasher != nil {
		n.hasher.Close()
	}
	if n.db != nil {
		_ = n.db.Close()
	}
}

// handler returns everything that the server answers.
func (n *node) handler(cfg config.Config, log *slog.Logger) (http.Handler, error) {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	metrics := newMetrics(n.hasher)
	e.Use(metrics.middleware)
	if len(cfg.CORSOrigins) > 0 {
		e.Use(cors(cfg.CORSOrigins))
	}
	err := httpapi.Register(e, httpapi.Deps{
		Service: n.service, Verifier: n.verifier, Log: log, Rules: rules(cfg), TrustedProxies: cfg.TrustedProxies,
	})
	if err != nil {
		return nil, err
	}
	docs, err := web.New()
	if err != nil {
		return nil, err
	}
	for _, path := range docs.Paths() {
		e.Match([]string{http.MethodGet, http.MethodHead}, path, echo.WrapHandler(docs))
	}
	get := func(path string, h echo.HandlerFunc) { e.Match([]string{http.MethodGet, http.MethodHead}, path, h) }
	get("/.well-known/jwks.json", func(c echo.Context) error {
		c.Response().Header().Set("Cache-Control", "public, max-age=300")
		return c.Blob(http.StatusOK, "application/jwk-set+json", n.receipts.JWKS())
	})
	get("/healthz", func(c echo.Context) error { return c.String(http.StatusOK, "ok\n") })
	get("/readyz", n.ready(log))
	get("/metrics", echo.WrapHandler(metrics.handler()))
	return e, nil
}

// ready answers whether requests can be answered: the database is reachable and
// migrated, the keys of the token issuer are loaded, and the server is not about
// to stop. Causes are for the log.
func (n *node) ready(log *slog.Logger) echo.HandlerFunc {
	checks := []struct {
		name  string
		check func(context.Context) error
	}{
		{"database", n.service.Ready},
		{"jwks", func(context.Context) error { return n.verifier.Ready() }},
	}
	return func(c echo.Context) error {
		ctx, cancel := context.WithTimeout(c.Request().Context(), probeTimeout)
		defer cancel()
		answer := map[string]string{}
		status := http.StatusOK
		for _, check := range checks {
			answer[check.name] = "ok"
			if err := check.check(ctx); err != nil {
				status, answer[check.name] = http.StatusServiceUnavailable, "unavailable"
				log.WarnContext(ctx, "not ready", "check", check.name, "error", err)
			}
		}
		if n.draining.Load() {
			status, answer["server"] = http.StatusServiceUnavailable, "stopping"
		}
		c.Response().Header().Set("Cache-Control", "no-store")
		return c.JSON(status, answer)
	}
}

func cors(origins []string) echo.MiddlewareFunc {
	return middleware.CORSWithConfig(middleware.CORSConfig{
		AllowOrigins:  origins,
		AllowMethods:  []string{http.MethodGet, http.MethodPost, http.MethodPatch, http.MethodDelete},
		AllowHeaders:  []string{"Authorization", "X-Api-Key", "Content-Type", "If-Match", "X-Request-Id"},
		ExposeHeaders: []string{"ETag", "Retry-After", "WWW-Authenticate", "X-Request-Id"},
		MaxAge:        600,
	})
}
