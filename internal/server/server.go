// Package server wires the parts of hydrapin together and runs them: it opens the
// database, starts the hash pool and the service, listens, and on the way out
// answers who waits, lets requests finish and closes everything in order. It
// knows no rule; the settings come checked from config.
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

	"github.com/hydracore/hydrapin/internal/argon2id"
	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/config"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/service"
)

const (
	// drainFor is how long requests may take to finish once the server stops;
	// with what follows it stays under ten seconds.
	drainFor = 8 * time.Second

	readHeaderTimeout = 5 * time.Second
	readTimeout       = 15 * time.Second
	// writeTimeout is longer than the longest wait for a confirmation.
	writeTimeout = 60 * time.Second
	idleTimeout  = 90 * time.Second
	// maxHeaderBytes lets a token of 8 KiB, and one that is too long, reach the
	// check that refuses it.
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

// Run serves until ctx ends, and then stops within ten seconds. ready is called
// once, when requests are answered. A fault at the start, or of what runs in the
// background, is returned.
func Run(ctx context.Context, cfg config.Config, log *slog.Logger, ready func(Info)) (err error) {
	var made []string
	if cfg.Embedded() {
		folder, filled, err := config.OpenFolder(cfg)
		if err != nil {
			return err
		}
		defer func() { _ = folder.Close() }()
		cfg, made = filled, folder.Made()
	}
	n, err := newNode(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer n.close()

	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", cfg.Addr)
	if err != nil {
		return fmt.Errorf("cannot listen on %s: %w; set HYDRAPIN_ADDR to a free address", cfg.Addr, err)
	}
	defer func() { _ = ln.Close() }()
	// Port 0 is any free one: the public URL is known only now.
	addr := ln.Addr().String()
	if cfg.Source("HYDRAPIN_PUBLIC_URL") == config.FromDefault {
		cfg.PublicURL = cfg.URLFor(addr)
	}
	n.service = newService(cfg, n, log)
	handler, err := n.handler(cfg, log)
	if err != nil {
		return err
	}
	info := Info{URL: cfg.PublicURL, Addr: addr, Made: made, HasJWTSecret: !cfg.JWTSecret.IsZero()}
	if err := n.greet(ctx, cfg, &info); err != nil {
		return err
	}
	srv := &http.Server{
		Handler: handler, ReadHeaderTimeout: readHeaderTimeout, ReadTimeout: readTimeout,
		WriteTimeout: writeTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderBytes,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	return serve(ctx, srv, ln, cfg, n, func() { ready(info) })
}

// serve runs the server and the service until ctx ends or one of them fails.
func serve(ctx context.Context, srv *http.Server, ln net.Listener, cfg config.Config, n *node, ready func()) error {
	// The service outlives the listener: requests that drain still need it.
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return n.service.Run(background) })
	g.Go(func() error {
		err := listen(srv, ln, cfg)
		if errors.Is(err, http.ErrServerClosed) {
			return nil
		}
		return err
	})
	g.Go(func() error {
		<-ctx.Done()
		defer stop()
		n.draining.Store(true)
		n.service.StopWaiting()
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

// newNode opens and checks everything that a request will need.
func newNode(ctx context.Context, cfg config.Config, log *slog.Logger) (n *node, err error) {
	params := argon2id.Params{MemoryKiB: cfg.Argon2MemoryKiB, Time: cfg.Argon2Time, Parallelism: argon2id.DefaultParams().Parallelism}
	workers := cfg.HashWorkers
	if workers == 0 {
		workers = argon2id.DefaultWorkers()
	}
	peppers, receipts, err := parseRings(cfg)
	if err != nil {
		return nil, err
	}
	n = &node{receipts: receipts}
	defer func() {
		if err != nil {
			n.close()
			n = nil
		}
	}()
	if n.db, err = OpenStore(ctx, cfg, true); err != nil {
		return n, fmt.Errorf("the database %s cannot be used: %w; see that it is there and that HYDRAPIN_DATABASE_URL is right", cfg.Database, err)
	}
	if err := service.CheckRings(ctx, n.db, peppers, n.receipts); err != nil {
		return n, err
	}
	argon2id.Tune(params, workers)
	n.hasher, err = argon2id.NewPool(argon2id.PoolConfig{Ring: peppers, Params: params, Workers: workers, Queue: cfg.HashQueue})
	if err != nil {
		return n, err
	}
	tokens := verifierConfig(cfg)
	tokens.Logger = log
	n.verifier, err = auth.NewVerifier(tokens)
	return n, err
}

func newService(cfg config.Config, n *node, log *slog.Logger) *service.Service {
	return service.New(service.Config{
		Store: n.db, Hasher: n.hasher, Receipts: n.receipts, Log: log,
		Issuer: cfg.PublicURL, Limits: cfg.Limits,
		Rules:        pin.Rules{MinLength: cfg.PINMinLength, MaxLength: cfg.PINMaxLength},
		RedeemWithin: cfg.RedeemWithin, CoolingOff: cfg.CoolingOff,
		Retention: cfg.Retention, AuditNotRequired: cfg.AuditNotRequired,
	})
}

// greet completes what a first start has to say. On a database without a key an
// embedded start makes the first admin key, for a tenant of its own.
func (n *node) greet(ctx context.Context, cfg config.Config, info *Info) error {
	keys, err := n.db.APIKeys(ctx, uuid.Nil)
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
