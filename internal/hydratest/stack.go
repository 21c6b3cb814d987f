// Package hydratest is the test kit of the project: a whole node on a database of its own, with
// credentials for it; the program as it ships; and what every test needs, Must and Eventually.
//
// It guarantees that what a test talks to is built as serve builds it. It is for tests alone.
package hydratest

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/base64"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/config"
	"github.com/hydracore/hydrapin/internal/pgtest"
	"github.com/hydracore/hydrapin/internal/server"
	"github.com/hydracore/hydrapin/internal/service"
)

// JWTSecret signs the tokens of [Stack.Token].
const JWTSecret = "0123456789abcdef0123456789abcdef"

// Engine is one of the two kinds of database.
type Engine string

// The engines.
const (
	SQLite     Engine = "SQLite"
	PostgreSQL Engine = "PostgreSQL"
)

// Engines returns every engine.
func Engines() []Engine { return []Engine{SQLite, PostgreSQL} }

// Options say what a stack is like. The zero Options are a stack on SQLite.
type Options struct {
	Engine Engine
	// Settings are settings of the node, each as NAME=value, besides those of the kit: hashing that
	// costs next to nothing, no limit of requests, fixed secrets, and the database.
	Settings []string
	// Now is the clock of credentials and, on SQLite, of records; nil for time.Now.
	Now func() time.Time
	// LogLevel is the level from which Log has lines.
	LogLevel slog.Level
	// Prefix is a path that the node is served under, as behind a proxy.
	Prefix string
}

// Stack is a running node and credentials for it.
type Stack struct {
	Node *server.Node
	// URL is where the node is served, with the prefix and without a slash at its end.
	URL    string
	Server *httptest.Server
	Log    *Buffer

	Tenant, Instance, Customer, Identity uuid.UUID
	// Key has every scope; RuntimeKey opens the instance.
	Key, RuntimeKey string
	// KeyID is the id of Key.
	KeyID string

	driver, source string
	now            func() time.Time
	cleanup        []func()
}

// Start starts a stack that ends with the test. The log of a failed test is printed.
func Start(tb testing.TB, o Options) *Stack {
	tb.Helper()
	if o.Engine == PostgreSQL {
		o.Settings = append([]string{"HYDRAPIN_DATABASE_URL=" + pgtest.Empty(tb)}, o.Settings...)
	}
	s, err := Open(tb.TempDir(), o)
	tb.Cleanup(func() {
		s.Close()
		if tb.Failed() {
			tb.Logf("log of the server:\n%s", s.Log)
		}
	})
	Must(tb, err)
	return s
}

// Open starts a stack that keeps its database in a folder, for what is no test. It must be closed,
// also after an error.
func Open(folder string, o Options) (*Stack, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Stack{
		Tenant: uuid.New(), Instance: uuid.New(), Customer: uuid.New(), Identity: uuid.New(),
		Log: &Buffer{}, now: o.Now,
	}
	cfg, err := s.settings(folder, o)
	if err != nil {
		return s, err
	}
	ctx, stop := context.WithCancel(context.Background())
	s.later(stop)
	log := slog.New(slog.NewJSONHandler(s.Log, &slog.HandlerOptions{Level: o.LogLevel}))
	// The server listens before its node is there, as the program does.
	s.Server = httptest.NewUnstartedServer(nil)
	s.URL = "http://" + s.Server.Listener.Addr().String() + o.Prefix
	if cfg.Source("HYDRAPIN_PUBLIC_URL") == config.FromDefault {
		cfg.PublicURL = s.URL
	}
	if s.Node, err = server.New(ctx, cfg, server.Options{Log: log, Now: o.Now, Resolver: offline()}); err != nil {
		s.later(s.Server.Close)
		return s, err
	}
	s.later(s.Node.Close)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = s.Node.Run(ctx)
	}()
	s.later(func() {
		stop()
		<-ended
	})
	s.Server.Config = s.Node.HTTPServer()
	s.Server.Config.Handler = http.StripPrefix(o.Prefix, s.Node.Handler())
	s.Server.Start()
	s.later(func() {
		s.Node.Drain()
		s.Server.Close()
	})
	err = s.mintKeys(ctx)
	return s, err
}

// errOffline is what a look-up of a name ends with: tests talk to this machine alone.
var errOffline = errors.New("hydratest: no name is looked up")

// offline is a resolver that asks nobody. Names of this machine it finds in the system's files.
func offline() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) { return nil, errOffline }}
}

// settings returns the settings of a node whose database is in the folder, unless they name
// another.
func (s *Stack) settings(folder string, o Options) (config.Config, error) {
	path := filepath.Join(folder, "hydrapin.db")
	ring := func(id string) string {
		return id + ":" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte(id[:1]), 32))
	}
	settings := []string{
		"HYDRAPIN_ADDR=127.0.0.1:0", "HYDRAPIN_DATABASE_URL=sqlite://" + path,
		"HYDRAPIN_PEPPERS=" + ring("p1"), "HYDRAPIN_RECEIPT_KEYS=" + ring("r1"),
		"HYDRAPIN_ARGON2_MEMORY_KIB=8", "HYDRAPIN_ARGON2_TIME=1", "HYDRAPIN_HASH_WORKERS=2",
		"HYDRAPIN_RATE_PER_KEY=0", "HYDRAPIN_RATE_PER_ADDRESS=0",
	}
	if !strings.Contains(strings.Join(o.Settings, "\n"), "HYDRAPIN_JWT_JWKS=") {
		settings = append(settings, "HYDRAPIN_JWT_HS256_SECRET="+JWTSecret)
	}
	cfg, err := config.Load(append(settings, o.Settings...))
	s.driver, s.source = "sqlite", cfg.Database.Path
	if cfg.Database.Engine == config.Postgres {
		s.driver, s.source = "pgx", cfg.Database.URL.Reveal()
	}
	return cfg, err
}

func (s *Stack) mintKeys(ctx context.Context) error {
	key, text, err := s.mint(ctx, service.KeySpec{Tenant: s.Tenant, Scopes: auth.Scopes()})
	if err != nil {
		return err
	}
	s.Key, s.KeyID = text, key.ID
	_, s.RuntimeKey, err = s.mint(ctx, service.KeySpec{Tenant: s.Tenant, Instance: s.Instance})
	return err
}

func (s *Stack) mint(ctx context.Context, spec service.KeySpec) (auth.APIKey, string, error) {
	key, text, err := s.Node.Service().MintKey(ctx, service.Operator(spec.Tenant), spec)
	return key, text.Reveal(), err
}

// Mint makes a key. It tries until the node is not too busy for it.
func (s *Stack) Mint(tb testing.TB, spec service.KeySpec) (auth.APIKey, string) {
	tb.Helper()
	var key auth.APIKey
	var text string
	var err error
	Eventually(tb, "a key is made", func() bool {
		key, text, err = s.mint(context.Background(), spec)
		return !errors.Is(err, service.ErrTooManyWaiting) && !errors.Is(err, service.ErrTooBusy)
	})
	Must(tb, err)
	return key, text
}

// Token makes a JWT of the tenant's user, whose claims edit may change.
func (s *Stack) Token(tb testing.TB, edit func(*auth.Claims)) string {
	tb.Helper()
	claims := auth.Claims{Subject: "user-1", Tenant: s.Tenant, IssuedAt: s.now()}
	if edit != nil {
		edit(&claims)
	}
	token, err := auth.MintHS256(auth.NewSecret([]byte(JWTSecret)), claims, time.Hour)
	Must(tb, err)
	return token
}

// Connect opens the database beside the node, until the test ends.
func (s *Stack) Connect(tb testing.TB) *sql.DB {
	tb.Helper()
	source := s.source
	if s.driver == "sqlite" {
		source = "file:" + source + "?_pragma=busy_timeout(5000)"
	}
	db, err := sql.Open(s.driver, source)
	Must(tb, err)
	tb.Cleanup(func() { _ = db.Close() })
	return db
}

// SQL runs statements on the database, past the node.
func (s *Stack) SQL(tb testing.TB, statements ...string) {
	tb.Helper()
	db := s.Connect(tb)
	for _, statement := range statements {
		_, err := db.ExecContext(context.Background(), statement)
		Must(tb, err)
	}
	Must(tb, db.Close())
}

func (s *Stack) later(f func()) { s.cleanup = append(s.cleanup, f) }

// Close ends the stack. It may be called again.
func (s *Stack) Close() {
	for i := range s.cleanup {
		s.cleanup[len(s.cleanup)-1-i]()
	}
	s.cleanup = nil
}
