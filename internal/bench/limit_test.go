package bench_test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/base64"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/labstack/echo/v4"
	_ "modernc.org/sqlite" // the driver that hydrapin has

	"github.com/hydracore/hydrapin/internal/argon2id"
	"github.com/hydracore/hydrapin/internal/limit"
	"github.com/hydracore/hydrapin/internal/pin"
)

// Environment of this binary when it is started as a limit.
const (
	envLimit    = "HYDRAPIN_BENCH_LIMIT"
	envDatabase = "HYDRAPIN_BENCH_DATABASE"
	envAddr     = "HYDRAPIN_BENCH_ADDR"
	envSpan     = "HYDRAPIN_BENCH_SPAN"

	limitSQLite   = "sqlite"
	limitPostgres = "postgres"
	limitHash     = "hash"
)

// runLimit is the whole of a process that is a limit.
func runLimit(mode string) error {
	switch mode {
	case limitSQLite:
		return serveSQLite(os.Getenv(envDatabase))
	case limitPostgres:
		return servePostgres(os.Getenv(envDatabase))
	case limitMCPStdio:
		return serveMCPStdio()
	case limitMCPHTTP:
		return serveMCPHTTP()
	case limitHash:
		return hashAlone(os.Getenv(envSpan))
	default:
		return fmt.Errorf("bench: unknown limit %q", mode)
	}
}

// startLimit starts this binary as a bare server for the kind of database.
func startLimit(b *testing.B, s store) *process {
	b.Helper()
	mode, database := s.limit(b)
	addr := freeAddr(b)
	env := environ(envLimit+"="+mode, envDatabase+"="+database, envAddr+"="+addr)
	p := start(b, addr, env, self(b))
	p.awaitOK(b, "/hello")
	return p
}

func self(b *testing.B) string {
	b.Helper()
	name, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	return name
}

// The bare servers' rows.
const (
	bareTable  = `CREATE TABLE bare (id uuid PRIMARY KEY, note text NOT NULL)`
	bareInsert = `INSERT INTO bare (id, note) VALUES ($1, $2)`
	bareSelect = `SELECT note FROM bare WHERE id = $1`
)

var firstRow = uuid.MustParse("6f1b2c34-5d6e-4f70-8a9b-0c1d2e3f4a5b")

// serveBare answers /hello, and /row by the two functions.
func serveBare(read func(context.Context) (string, error), write func(context.Context) error) error {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.GET("/hello", func(c echo.Context) error { return c.String(http.StatusOK, "hello") })
	e.GET("/row", func(c echo.Context) error {
		note, err := read(c.Request().Context())
		if err != nil {
			return err
		}
		return c.JSON(http.StatusOK, map[string]string{"note": note})
	})
	e.POST("/row", func(c echo.Context) error {
		if err := write(c.Request().Context()); err != nil {
			return err
		}
		return c.NoContent(http.StatusNoContent)
	})
	return e.Start(os.Getenv(envAddr))
}

func servePostgres(url string) error {
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return err
	}
	cfg.MaxConns = 16 // as many as hydrapin has
	ctx := context.Background()
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return err
	}
	if _, err := pool.Exec(ctx, bareTable); err != nil {
		return err
	}
	if _, err := pool.Exec(ctx, bareInsert, firstRow, "hello"); err != nil {
		return err
	}
	return serveBare(
		func(ctx context.Context) (note string, err error) {
			err = pool.QueryRow(ctx, bareSelect, firstRow).Scan(&note)
			return note, err
		},
		func(ctx context.Context) error {
			_, err := pool.Exec(ctx, bareInsert, uuid.New(), "hello")
			return err
		})
}

func serveSQLite(path string) error {
	db, err := sql.Open("sqlite", "file://"+path+
		"?_txlock=immediate&_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	ctx := context.Background()
	for _, statement := range []string{bareTable, `INSERT INTO bare VALUES ('` + firstRow.String() + `', 'hello')`} {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	insert, err := db.PrepareContext(ctx, bareInsert) //nolint:sqlclosecheck // it is kept until the process ends
	if err != nil {
		return err
	}
	return serveBare(
		func(ctx context.Context) (note string, err error) {
			err = db.QueryRowContext(ctx, bareSelect, firstRow.String()).Scan(&note)
			return note, err
		},
		func(ctx context.Context) error {
			_, err := insert.ExecContext(ctx, uuid.New(), "hello")
			return err
		})
}

// hashRate returns how many PINs a second the pool looks at when nothing but it
// runs, with as many callers as the benchmarks have clients.
func hashRate(b *testing.B) float64 {
	b.Helper()
	p := start(b, "", environ(envLimit+"="+limitHash, envSpan+"="+span.String()), self(b))
	select {
	case <-p.done:
	case <-time.After(*span + 30*time.Second):
		b.Fatal("the pool did not end")
	}
	out, err := os.ReadFile(p.cmd.Stdout.(*os.File).Name())
	if err != nil || p.err != nil {
		b.Fatal(err, p.err, string(out))
	}
	var rate float64
	if _, err := fmt.Sscan(strings.TrimSpace(string(out)), &rate); err != nil {
		b.Fatalf("%q: %v", out, err)
	}
	return rate
}

// hashAlone keeps a pool busy for the span, set up as the server's is, and prints
// the hashes that it did a second.
func hashAlone(lasts string) error {
	within, err := time.ParseDuration(lasts)
	if err != nil {
		return err
	}
	key := make([]byte, 32)
	_, _ = rand.Read(key) // documented never to fail
	ring, err := argon2id.ParseRing("k1:" + base64.StdEncoding.EncodeToString(key))
	if err != nil {
		return err
	}
	params, workers := argon2id.DefaultParams(), argon2id.DefaultWorkers()
	argon2id.Tune(params, workers)
	pool, err := argon2id.NewPool(argon2id.PoolConfig{Ring: ring, Params: params, Workers: workers, Queue: 2 * verifiers})
	if err != nil {
		return err
	}
	defer pool.Close()
	secret, err := pin.Parse(rightPIN)
	if err != nil {
		return err
	}
	holder := pin.CustomerHolder(uuid.New(), uuid.New())
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	var done atomic.Int64
	var all sync.WaitGroup
	began := time.Now()
	for range verifiers {
		all.Go(func() {
			for {
				place, err := pool.Reserve(limit.Caller{Tenant: holder.Tenant})
				if err != nil {
					return
				}
				if _, err := place.Hash(ctx, holder, secret); err != nil {
					return // the span is over
				}
				done.Add(1)
			}
		})
	}
	all.Wait()
	_, err = fmt.Println(float64(done.Load()) / time.Since(began).Seconds())
	return err
}
