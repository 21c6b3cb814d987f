package bench_test

import (
	"crypto/rand"
	"encoding/base64"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/hydracore/hydrapin/internal/hydratest"
	"github.com/hydracore/hydrapin/internal/pgtest"
)

// process is a server that runs as a child.
type process struct {
	cmd  *exec.Cmd
	addr string
	env  []string
	done chan struct{}
	err  error
}

// start starts a command that will listen on the address. What it prints goes to a
// file, as a server's log does, and not through a pipe that this process would
// have to empty while it measures.
func start(b *testing.B, addr string, env []string, name string, args ...string) *process {
	b.Helper()
	out, err := os.Create(filepath.Join(b.TempDir(), "output"))
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = out.Close() }()
	p := &process{cmd: exec.Command(name, args...), addr: addr, env: env, done: make(chan struct{})}
	p.cmd.Env, p.cmd.Stdout, p.cmd.Stderr = env, out, out
	if err := p.cmd.Start(); err != nil {
		b.Fatal(err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	b.Cleanup(func() { p.stop(b) })
	return p
}

// stop ends the process as an operator does, and waits until it has ended. It may
// be called again.
func (p *process) stop(b *testing.B) {
	b.Helper()
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(10 * time.Second):
		b.Error("the process did not end when it was asked to")
		_ = p.cmd.Process.Kill()
		<-p.done
	}
}

// awaitOK asks for the path every millisecond until the answer is 200.
func (p *process) awaitOK(b *testing.B, path string) {
	b.Helper()
	ask := request(http.MethodGet, path, "", "")
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	give := time.After(30 * time.Second)
	for {
		if c, err := dial(p.addr); err == nil {
			status, _, err := c.do(ask)
			_ = c.c.Close()
			if err == nil && status == http.StatusOK {
				return
			}
		}
		select {
		case <-tick.C:
		case <-p.done:
			out, _ := os.ReadFile(p.cmd.Stderr.(*os.File).Name())
			b.Fatalf("%s ended at the start: %v\n%s", filepath.Base(p.cmd.Path), p.err, out)
		case <-give:
			b.Fatalf("%s does not answer on %s", filepath.Base(p.cmd.Path), p.addr)
		}
	}
}

// freeAddr returns an address that nothing listens on.
func freeAddr(b *testing.B) string {
	b.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	return ln.Addr().String()
}

// environ is this process's environment without settings of hydrapin; the Go
// runtime's, like GOMAXPROCS, reach the children.
func environ(more ...string) []string {
	own := slices.DeleteFunc(os.Environ(), func(entry string) bool { return strings.HasPrefix(entry, "HYDRAPIN_") })
	return append(own, more...)
}

// store is one of the two kinds of database: the settings of a server on it, and
// where the limit finds one of its own.
type store struct {
	name  string
	env   func(b *testing.B) []string
	limit func(b *testing.B) (mode, database string)
	// limitRead is what the limit of reads asks of it.
	limitRead string
}

var (
	onSQLite = store{
		name: "sqlite",
		env: func(b *testing.B) []string {
			b.Helper()
			return []string{"HYDRAPIN_DATA_DIR=" + filepath.Join(b.TempDir(), "data")}
		},
		limit: func(b *testing.B) (mode, database string) {
			b.Helper()
			return limitSQLite, filepath.Join(b.TempDir(), "limit.db")
		},
		limitRead: "/hello",
	}
	onPostgres = store{
		name: "postgres",
		env: func(b *testing.B) []string {
			b.Helper()
			ring := func() string {
				key := make([]byte, 32)
				_, _ = rand.Read(key) // documented never to fail
				return "k1:" + base64.StdEncoding.EncodeToString(key)
			}
			return []string{
				"HYDRAPIN_DATABASE_URL=" + durablePostgres(b),
				"HYDRAPIN_PEPPERS=" + ring(), "HYDRAPIN_RECEIPT_KEYS=" + ring(),
			}
		},
		limit:     func(b *testing.B) (mode, database string) { b.Helper(); return limitPostgres, durablePostgres(b) },
		limitRead: "/row",
	}
)

// onBoth runs a benchmark on each kind of database.
func onBoth(b *testing.B, run func(b *testing.B, s store)) {
	b.Helper()
	for _, s := range []store{onSQLite, onPostgres} {
		b.Run(s.name, func(b *testing.B) { run(b, s) })
	}
}

// durablePostgres returns a database on a throwaway server of its own, which is
// made to wait for its disk as a real one does.
func durablePostgres(b *testing.B) string {
	b.Helper()
	server := pgtest.StartOwn(b)
	conn, err := pgx.Connect(b.Context(), server.URL)
	if err != nil {
		b.Fatal(err)
	}
	for _, setting := range []string{"fsync", "full_page_writes"} {
		if _, err := conn.Exec(b.Context(), "ALTER SYSTEM SET "+setting+" = on"); err != nil {
			b.Fatal(err)
		}
	}
	if err := conn.Close(b.Context()); err != nil {
		b.Fatal(err)
	}
	server.Stop()
	server.Start()
	return server.URL
}

// serve starts the program on an empty database, and returns when it is ready.
func serve(b *testing.B, s store, settings ...string) *process {
	b.Helper()
	p := launch(b, environ(append(s.env(b), settings...)...))
	p.awaitOK(b, "/readyz")
	return p
}

// launch starts the program and does not wait for it.
func launch(b *testing.B, env []string) *process {
	b.Helper()
	addr := freeAddr(b)
	return start(b, addr, append(env, "HYDRAPIN_ADDR="+addr, "HYDRAPIN_RATE_PER_KEY=0", "HYDRAPIN_RATE_PER_ADDRESS=0"), hydratest.Binary(b), "serve")
}
