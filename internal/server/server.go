// Package server builds a node from its settings and runs it: it opens the database, starts the
// hash pool and the service, listens, and when it stops, answers whoever waits, lets requests
// finish and closes everything in order. It knows no rule; the settings come checked from config.
package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/config"
	"github.com/hydracore/hydrapin/internal/service"
)

const (
	// drainFor is how long requests may take to finish once the server stops; with what follows it
	// stays under ten seconds.
	drainFor = 8 * time.Second

	readHeaderTimeout = 5 * time.Second
	readTimeout       = 15 * time.Second
	// writeTimeout is longer than the longest wait for a confirmation.
	writeTimeout = 60 * time.Second
	idleTimeout  = 90 * time.Second
	// maxHeaderBytes lets a token of 8 KiB, and one that is too long, reach the check that refuses
	// it.
	maxHeaderBytes = 32 << 10
)

// Info is what is known once a server listens.
type Info struct {
	// URL is where the server can be reached.
	URL string
	// Addr is the address that it listens on.
	Addr string
	// Tenant and FirstKey are of the admin key that the first embedded start
	// made; uuid.Nil and the zero KeySecret otherwise.
	Tenant   uuid.UUID
	FirstKey auth.KeySecret
	// NoKeys says that the database has no API key and this start made none.
	NoKeys bool
	// Made are the files that this start made.
	Made []string
	// HasJWTSecret says that `hydrapin token` can sign.
	HasJWTSecret bool
}

// Run serves until ctx ends, and then stops within ten seconds. ready is called once, when requests
// are answered. An error at the start, or of what runs in the background, is returned.
func Run(ctx context.Context, cfg config.Config, log *slog.Logger, ready func(Info)) error {
	var made []string
	if cfg.Embedded() {
		folder, filled, err := config.OpenFolder(cfg)
		if err != nil {
			return err
		}
		defer func() { _ = folder.Close() }()
		cfg, made = filled, folder.Made()
	}
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", cfg.Addr)
	if err != nil {
		return fmt.Errorf("cannot listen on %s: %w; set HYDRAPIN_ADDR to a free address", cfg.Addr, err)
	}
	defer func() { _ = ln.Close() }()
	addr := ln.Addr().String()
	if cfg.Source("HYDRAPIN_PUBLIC_URL") == config.FromDefault {
		// Port 0 is any free one, so that the address is known only now.
		cfg.PublicURL = cfg.URLFor(addr)
	}
	var handler handover
	srv := httpServer(&handler, log)
	defer func() { _ = srv.Close() }()
	served := make(chan error, 1)
	go func() { served <- listen(srv, ln, cfg) }()
	n, err := New(ctx, cfg, Options{Log: log})
	if err != nil {
		return unlessStopped(ctx, err)
	}
	defer n.Close()
	info := Info{URL: cfg.PublicURL, Addr: addr, Made: made, HasJWTSecret: !cfg.JWTSecret.IsZero()}
	if err := n.greet(ctx, cfg, &info); err != nil {
		return unlessStopped(ctx, err)
	}
	handler.to(n.handler)
	return n.serve(ctx, srv, served, func() { ready(info) })
}

// unlessStopped returns an error of the start, or nil where a stop was asked for, as while it
// waits for another node that migrates the database.
func unlessStopped(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil //nolint:nilerr // the error is that of the stop
	}
	return err
}

// HTTPServer returns a server of the node's handler, with the limits of the program.
func (n *Node) HTTPServer() *http.Server { return httpServer(n.handler, n.log) }

func httpServer(handler http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler: handler, ReadHeaderTimeout: readHeaderTimeout, ReadTimeout: readTimeout,
		WriteTimeout: writeTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderBytes,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}

// serve runs the service beside the server, whose end served returns, until ctx ends or one of them
// fails.
func (n *Node) serve(ctx context.Context, srv *http.Server, served <-chan error, ready func()) error {
	// The service outlives the listener: requests that drain still need it.
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return n.Run(background) })
	g.Go(func() error {
		err := <-served
		if errors.Is(err, http.ErrServerClosed) {
			return nil
		}
		return err
	})
	g.Go(func() error {
		<-ctx.Done()
		defer stop()
		n.Drain()
		drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainFor)
		defer cancel()
		if err := srv.Shutdown(drain); err != nil {
			_ = srv.Close()
		}
		return nil
	})
	ready()
	return g.Wait()
}

func listen(srv *http.Server, ln net.Listener, cfg config.Config) error {
	if cfg.TLSCertFile == "" {
		return srv.Serve(ln)
	}
	return srv.ServeTLS(ln, cfg.TLSCertFile, cfg.TLSKeyFile)
}

// greet completes what a first start has to say. On a database without a key an
// embedded start makes the first admin key, for a tenant of its own.
func (n *Node) greet(ctx context.Context, cfg config.Config, info *Info) error {
	keys, err := n.service.Keys(ctx, uuid.Nil)
	if err != nil || len(keys) > 0 {
		return err
	}
	if info.NoKeys = !cfg.Embedded(); info.NoKeys {
		return nil
	}
	info.Tenant = uuid.New()
	_, info.FirstKey, err = n.service.MintKey(ctx, service.Operator(info.Tenant), service.KeySpec{
		Tenant: info.Tenant, Scopes: auth.Scopes(), Name: "first admin key",
	})
	return err
}
