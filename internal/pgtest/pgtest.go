// Package pgtest gives a test a PostgreSQL database of its own on a throwaway
// server that it brings up itself from the installed binaries. It guarantees
// that a test which asked for PostgreSQL ran on PostgreSQL: without binaries it
// fails, and says how to install them. It is for tests alone, and knows neither
// hydrapin's schema nor its rules.
//
// One server is shared by a whole run: `make test` starts it with cmd/withpg,
// which names it in [EnvURL]. Without that variable the first test of a process
// starts a server that ends with the process.
package pgtest

import (
	"context"
	"database/sql"
	"net/url"
	"os"
	"reflect"
	"runtime"
	"sync"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // pgtestdb speaks through database/sql.
	"github.com/peterldowns/pgtestdb"
)

// EnvURL names the environment variable with the superuser's connection string
// of a throwaway server that is up already.
const EnvURL = "HYDRAPIN_TEST_POSTGRES"

// Migrate brings the empty database at url to the state that a test starts
// from, and closes its connections. Its name identifies the state: it must not
// depend on variables that it captured.
type Migrate func(ctx context.Context, url string) error

// New returns the connection string of a fresh database that migrate prepared.
// migrate runs once a server; each test gets a clone of the outcome. The
// database goes with the test, unless that failed.
func New(tb testing.TB, migrate Migrate) string {
	tb.Helper()
	server, err := url.Parse(sharedURL(tb))
	if err != nil {
		tb.Fatalf("pgtest: %s is not a URL", EnvURL)
	}
	password, _ := server.User.Password()
	database := pgtestdb.Custom(quiet{tb}, pgtestdb.Config{
		DriverName: "pgx",
		Host:       server.Hostname(),
		Port:       server.Port(),
		User:       server.User.Username(),
		Password:   password,
		Database:   server.Path[1:],
		Options:    server.RawQuery,
		// A killed child's connections may outlive it by a moment.
		ForceTerminateConnections: true,
	}, migrator(migrate))
	return database.URL()
}

// Empty returns the connection string of a fresh database with nothing in it.
func Empty(tb testing.TB) string {
	tb.Helper()
	return New(tb, empty)
}

func empty(context.Context, string) error { return nil }

// Own is a server that one test has for itself, to stop and start it.
type Own struct {
	// URL is the superuser's connection string; it outlives a restart.
	URL string

	tb      testing.TB
	cluster *Cluster
}

// StartOwn starts a server for this test alone, which takes about a second.
func StartOwn(tb testing.TB) *Own {
	tb.Helper()
	cluster, err := NewCluster(tb.Context())
	if err != nil {
		tb.Fatalf("pgtest: %v", err)
	}
	tb.Cleanup(func() {
		if err := cluster.Remove(); err != nil {
			tb.Errorf("pgtest: %v", err)
		}
	})
	return &Own{URL: cluster.URL(), tb: tb, cluster: cluster}
}

// Stop takes the database away: its clients are cut off and new ones refused.
func (o *Own) Stop() {
	o.tb.Helper()
	if err := o.cluster.Stop(); err != nil {
		o.tb.Fatalf("pgtest: %v", err)
	}
}

// Start brings the database back with all that was committed, and returns when
// it takes connections.
func (o *Own) Start() {
	o.tb.Helper()
	if err := o.cluster.Start(o.tb.Context()); err != nil {
		o.tb.Fatalf("pgtest: %v", err)
	}
}

// Log returns what the server has logged.
func (o *Own) Log() string { return o.cluster.log() }

// ownServer is the process's server. Nothing stops it but the process's end:
// a test binary has no last moment of its own, and the keeper sees to the rest.
var ownServer = sync.OnceValues(func() (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	cluster, err := NewCluster(ctx)
	if err != nil {
		return "", err
	}
	return cluster.URL(), nil
})

func sharedURL(tb testing.TB) string {
	tb.Helper()
	if address := os.Getenv(EnvURL); address != "" {
		return address
	}
	address, err := ownServer()
	if err != nil {
		tb.Fatalf("pgtest: %v", err)
	}
	return address
}

// migrator makes pgtestdb's interface of a function.
type migrator Migrate

// Hash identifies the template. A server lives no longer than a run, in which
// the code of a function does not change, so the function's name is enough.
func (m migrator) Hash() (string, error) {
	return runtime.FuncForPC(reflect.ValueOf(m).Pointer()).Name(), nil
}

func (m migrator) Migrate(ctx context.Context, _ *sql.DB, config pgtestdb.Config) error {
	return m(ctx, config.URL())
}

// quiet keeps pgtestdb's note of each connection string out of the output.
type quiet struct{ testing.TB }

func (q quiet) Logf(string, ...any) {}
