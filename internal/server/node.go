package server

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/hydracore/hydrapin/internal/argon2id"
	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/config"
	"github.com/hydracore/hydrapin/internal/jobs"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/receipt"
	"github.com/hydracore/hydrapin/internal/service"
	"github.com/hydracore/hydrapin/internal/store"
	"github.com/hydracore/hydrapin/internal/telemetry"
	"github.com/hydracore/hydrapin/internal/trail"
)

// Options is what a node needs beside its settings.
type Options struct {
	Log *slog.Logger
	// Now is the clock of credentials and, on SQLite, of records; nil for time.Now.
	Now func() time.Time
}

// Node is everything that answers requests, ready to. It is made whole by [New], and closed with
// [Node.Close].
type Node struct {
	database  store.Database
	hasher    *argon2id.Pool
	receipts  receipt.Ring
	verifier  *auth.Verifier
	service   *service.Service
	jobs      *jobs.Jobs
	telemetry *telemetry.Telemetry
	limits    limits
	log       *slog.Logger
	now       func() time.Time
	handler   http.Handler
	draining  atomic.Bool
}

// New opens, migrates and checks everything that a request will need. The settings must be
// complete: in embedded mode those of the data folder included.
func New(ctx context.Context, cfg config.Config, opts Options) (*Node, error) {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	peppers, receipts, err := parseRings(cfg)
	if err != nil {
		return nil, err
	}
	n := &Node{receipts: receipts, log: opts.Log, now: opts.Now, telemetry: telemetry.New(opts.Log, cfg.TrustedProxies)}
	if err := n.start(ctx, cfg, peppers, opts); err != nil {
		n.Close()
		return nil, err
	}
	return n, nil
}

// start fills the node. What it started is closed by [Node.Close], also after an error.
func (n *Node) start(ctx context.Context, cfg config.Config, peppers argon2id.Ring, opts Options) error {
	var err error
	if n.database, err = openMigrated(ctx, cfg, opts.Log, opts.Now); err != nil {
		return fmt.Errorf("the database %s cannot be used: %w; check that it is running and that HYDRAPIN_DATABASE_URL is correct", cfg.Database, err)
	}
	if err := service.CheckRings(ctx, n.database, peppers, n.receipts); err != nil {
		return err
	}
	params := argon2id.Params{MemoryKiB: cfg.Argon2MemoryKiB, Time: cfg.Argon2Time, Parallelism: argon2id.DefaultParams().Parallelism}
	workers := cfg.HashWorkers
	if workers == 0 {
		workers = argon2id.DefaultWorkers()
	}
	argon2id.Tune(params, workers)
	n.hasher, err = argon2id.NewPool(argon2id.PoolConfig{Ring: peppers, Params: params, Workers: workers, Queue: cfg.HashQueue})
	if err != nil {
		return err
	}
	tokens := verifierConfig(cfg)
	tokens.Logger, tokens.Now = opts.Log, opts.Now
	if n.verifier, err = auth.NewVerifier(tokens); err != nil {
		return err
	}
	rules := pin.Rules{MinLength: cfg.PINMinLength, MaxLength: cfg.PINMaxLength}
	headKeys, err := trail.ParseRing(cfg.ReceiptKeys.Reveal())
	if err != nil {
		return fmt.Errorf("HYDRAPIN_RECEIPT_KEYS: %w", err)
	}
	n.service = service.New(service.Config{
		Store: n.database, Hasher: n.hasher, Receipts: n.receipts, HeadKeys: headKeys, Log: opts.Log, Now: opts.Now,
		Issuer: cfg.PublicURL, Limits: cfg.Limits, Rules: rules,
		RedeemWithin: cfg.RedeemWithin, CoolingOff: cfg.CoolingOff,
		Retention: cfg.Retention, AuditNotRequired: cfg.AuditNotRequired,
		SelfSetup: cfg.SelfSetup,
	})
	n.limits = newLimits(cfg, opts.Now)
	n.jobs = jobs.New(n.service, opts.Log)
	n.handler, err = n.routes(cfg, rules)
	return err
}

// Handler answers every request.
func (n *Node) Handler() http.Handler { return n.handler }

// Service is the node's service.
func (n *Node) Service() *service.Service { return n.service }

// Hasher is the node's hash pool.
func (n *Node) Hasher() *argon2id.Pool { return n.hasher }

// Database is the node's database.
func (n *Node) Database() store.Database { return n.database }

// Receipts are the node's receipt keys.
func (n *Node) Receipts() receipt.Ring { return n.receipts }

// Run does what the node does in the background until ctx ends. Requests can be answered as long
// as it runs.
func (n *Node) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return n.service.Run(ctx) })
	g.Go(func() error { return n.jobs.Run(ctx) })
	return g.Wait()
}

// Drain makes the node report that it is not ready, and answers whoever waits for a confirmation.
func (n *Node) Drain() {
	n.draining.Store(true)
	n.service.StopWaiting()
}

// Close ends what [New] started, in reverse order. Hashes that an attempt was spent on are finished.
func (n *Node) Close() {
	if n.verifier != nil {
		n.verifier.Close()
	}
	if n.hasher != nil {
		n.hasher.Close()
	}
	if n.database != nil {
		_ = n.database.Close()
	}
}
