package contract_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/base64"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/config"
	"github.com/hydracore/hydrapin/internal/contract"
	"github.com/hydracore/hydrapin/internal/pgtest"
	"github.com/hydracore/hydrapin/internal/server"
	"github.com/hydracore/hydrapin/internal/service"
)

// jwtSecret signs the tests' tokens.
const jwtSecret = "0123456789abcdef0123456789abcdef"

// node is a server as the program runs it, in this process, on a database of its
// own, and a client for it.
type node struct {
	client
	// driver and source open its database beside it.
	driver, source string
}

// engine names a database and says how to get one.
type engine struct {
	name   string
	driver string
	// source returns the settings that name a fresh database, and how database/sql
	// opens it.
	source func(testing.TB) (settings []string, source string)
}

// engines are the stores that the program has.
func engines() []engine {
	return []engine{
		{"SQLite", "sqlite", freshSQLite},
		{"PostgreSQL", "pgx", freshPostgres},
	}
}

func freshSQLite(tb testing.TB) (settings []string, source string) {
	tb.Helper()
	// The server makes it, closed to others.
	folder := filepath.Join(tb.TempDir(), "data")
	return []string{"HYDRAPIN_DATA_DIR=" + folder}, filepath.Join(folder, "hydrapin.db")
}

func freshPostgres(tb testing.TB) (settings []string, source string) {
	tb.Helper()
	return onPostgres(pgtest.Empty(tb))
}

func onPostgres(url string) (settings []string, source string) {
	key := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("k"), 32))
	return []string{"HYDRAPIN_DATABASE_URL=" + url, "HYDRAPIN_PEPPERS=p1:" + key, "HYDRAPIN_RECEIPT_KEYS=r1:" + key}, url
}

// start starts a node whose answers are counted in seen. Hashing costs next to
// nothing unless the settings say otherwise.
func start(t *testing.T, seen *contract.Coverage, e engine, settings ...string) *node {
	t.Helper()
	named, source := e.source(t)
	return startOn(t, seen, e.driver, source, append(named, settings...)...)
}

func startOn(t *testing.T, seen *contract.Coverage, driver, source string, settings ...string) *node {
	t.Helper()
	spec, err := contract.Current()
	must(t, err)
	cfg, err := config.Load(append([]string{
		"HYDRAPIN_ADDR=127.0.0.1:0", "HYDRAPIN_JWT_HS256_SECRET=" + jwtSecret, "HYDRAPIN_LOG_LEVEL=warn",
		"HYDRAPIN_ARGON2_MEMORY_KIB=8", "HYDRAPIN_ARGON2_TIME=1", "HYDRAPIN_HASH_WORKERS=2",
	}, settings...))
	must(t, err)

	// The log tells why a test failed, and nothing else.
	var log safeBuffer
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ready, ended := make(chan server.Info, 1), make(chan error, 1)
	go func() {
		ended <- server.Run(ctx, cfg, slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: cfg.LogLevel})),
			func(i server.Info) { ready <- i })
	}()
	base := &http.Transport{MaxIdleConnsPerHost: 16}
	t.Cleanup(func() {
		base.CloseIdleConnections()
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the server ended with %v", err)
		}
		if t.Failed() {
			t.Logf("log of the server:\n%s", log.String())
		}
	})
	var info server.Info
	select {
	case info = <-ready:
	case err := <-ended:
		ended <- nil
		t.Fatalf("the server did not start: %v", err)
	}

	n := &node{driver: driver, source: source}
	n.client = client{
		TB: t, spec: spec, url: "http://" + info.Addr, creds: mint(t, cfg),
		http: &http.Client{Transport: &contract.Transport{Spec: spec, Base: base, Report: t.Error, Seen: seen}},
	}
	return n
}

// mint makes credentials of a new tenant beside the running server, as the
// commands do.
func mint(tb testing.TB, cfg config.Config) creds {
	tb.Helper()
	db, err := server.OpenStore(tb.Context(), cfg, false)
	must(tb, err)
	defer func() { must(tb, db.Close()) }()
	keys := service.New(service.Config{Store: db, Log: slog.New(slog.DiscardHandler)})
	c := creds{tenant: uuid.New(), instance: uuid.New(), customer: uuid.New()}
	key := func(spec service.KeySpec) string {
		spec.Tenant = c.tenant
		_, secret, err := keys.MintKey(tb.Context(), service.Operator(c.tenant), spec)
		must(tb, err)
		return secret.Reveal()
	}
	c.key = key(service.KeySpec{Scopes: auth.Scopes()})
	c.agent = key(service.KeySpec{Instance: c.instance})
	c.mine, err = auth.MintHS256(auth.NewSecret([]byte(jwtSecret)),
		auth.Claims{Subject: "contract", Tenant: c.tenant, CustomerID: c.customer}, time.Hour)
	must(tb, err)
	return c
}

// sql runs statements on the node's database, past the node.
func (n *node) sql(statements ...string) {
	n.Helper()
	db, err := sql.Open(n.driver, n.source)
	must(n, err)
	defer func() { must(n, db.Close()) }()
	for _, statement := range statements {
		_, err := db.ExecContext(n.Context(), statement)
		must(n, err)
	}
}

// safeBuffer is a buffer that a server writes to while a test reads it.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// envReport names a file that [report] appends to.
const envReport = "HYDRAPIN_TEST_CONTRACT_REPORT"

// report tells what is to be read even when everything is well: in the log, and
// in the file that make contract prints.
func report(t *testing.T, text string) {
	t.Helper()
	t.Log(text)
	name := os.Getenv(envReport)
	if name == "" {
		return
	}
	f, err := os.OpenFile(name, os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o600)
	must(t, err)
	_, err = f.WriteString(text + "\n")
	must(t, errors.Join(err, f.Close()))
}
