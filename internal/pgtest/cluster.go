package pgtest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	superuser    = "postgres"
	startTimeout = time.Minute
	startTries   = 5
)

// keeper runs the server as its child while a guard waits on a pipe from the
// test process. A line on it names the signal that ends the server and leaves
// its data. The pipe's end, be it by Remove or because the test process died in
// whatever way, ends the server at once and removes the cluster.
const keeper = `
exec 3<&0 </dev/null
"$1" -D "$2/data" -k "$2" -h 127.0.0.1 -p "$3" >>"$2/log" 2>&1 3<&- &
server=$!
(
	read -r signal <&3 || : >"$2/remove"
	kill -"${signal:-QUIT}" "$server"
) &
guard=$!
wait "$server"
kill "$guard"
[ ! -e "$2/remove" ] || rm -rf "$2"
`

// settings make the server quick to start and to write, as nothing in it has
// to outlive a power cut; synchronous_commit keeps its default, so that what
// the program sets is seen. The time zone is one that is off by half an hour,
// which shows code that forgets about zones.
const settings = `
max_connections = 300
shared_buffers = 128MB
fsync = off
full_page_writes = off
autovacuum_naptime = 10min
timezone = 'Asia/Kolkata'
log_timezone = 'UTC'
log_min_messages = warning
`

// Cluster is one throwaway PostgreSQL server. Its methods are not safe for
// concurrent use.
type Cluster struct {
	bin      string
	dir      string
	password string
	port     int
	attr     *syscall.SysProcAttr

	run   *exec.Cmd
	stdin io.WriteCloser
	done  chan struct{}
}

// NewCluster makes a cluster in a temporary directory and starts it on
// 127.0.0.1 and on a unix socket. The server ends, and the directory goes, with
// Remove or with this process, whichever comes first. As root it runs the
// server as an unprivileged user, because PostgreSQL refuses root.
// Errors: [ErrNoBinaries], or what initdb or the server said.
func NewCluster(ctx context.Context) (_ *Cluster, err error) {
	bin, err := FindBinaries(ctx)
	if err != nil {
		return nil, err
	}
	dir, attr, err := clusterDir()
	if err != nil {
		return nil, err
	}
	cluster := &Cluster{bin: bin, dir: dir, attr: attr, password: rand.Text()}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}()

	if err := cluster.initialise(ctx); err != nil {
		return nil, err
	}
	// The port is free when it is chosen and may be taken when it is used, so
	// a start that fails is tried again on another one.
	for range startTries {
		if cluster.port, err = freePort(ctx); err != nil {
			return nil, err
		}
		if err = cluster.Start(ctx); err == nil {
			return cluster, nil
		}
	}
	return nil, err
}

// URL is the connection string of the superuser on the maintenance database.
func (c *Cluster) URL() string {
	address := url.URL{
		Scheme:   "postgres",
		User:     url.UserPassword(superuser, c.password),
		Host:     net.JoinHostPort("127.0.0.1", strconv.Itoa(c.port)),
		Path:     "/postgres",
		RawQuery: "sslmode=disable",
	}
	return address.String()
}

// Start starts a cluster that was stopped, on the same port, and returns when
// it takes connections.
func (c *Cluster) Start(ctx context.Context) error {
	if c.run != nil {
		return errors.New("pgtest: the cluster runs already")
	}
	// The keeper must outlive ctx, and a signal to the tests' process group:
	// it ends by its pipe alone, which no child of the tests inherits.
	//nolint:noctx // a context would kill the keeper before it has cleaned up.
	run := exec.Command("/bin/sh", "-c", keeper, "keeper", filepath.Join(c.bin, "postgres"), c.dir, strconv.Itoa(c.port))
	run.Dir = c.dir
	run.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if c.attr != nil {
		run.SysProcAttr.Credential = c.attr.Credential
	}
	stdin, err := run.StdinPipe()
	if err != nil {
		return fmt.Errorf("pipe to the server's keeper: %w", err)
	}
	if err := run.Start(); err != nil {
		return fmt.Errorf("start the server's keeper: %w", err)
	}
	c.run, c.stdin, c.done = run, stdin, make(chan struct{})
	go func() {
		defer close(c.done)
		// The keeper's exit status says nothing: it is that of its last test.
		_ = run.Wait()
	}()

	if err := c.awaitReady(ctx); err != nil {
		// The server may be gone already, so that nobody hears the signal.
		_ = c.end("QUIT")
		return fmt.Errorf("%w\n%s", err, c.log())
	}
	return nil
}

// Stop shuts the server down at once, as an operator's fast shutdown does:
// clients get a message and are disconnected. The data stays; Start starts on it again.
func (c *Cluster) Stop() error { return c.end("INT") }

// Remove ends the server and deletes the cluster.
func (c *Cluster) Remove() error {
	return errors.Join(c.end(""), os.RemoveAll(c.dir))
}

// end tells the keeper with which signal to end the server; without one the
// keeper also removes the directory.
func (c *Cluster) end(signal string) error {
	if c.run == nil {
		return nil
	}
	var err error
	if signal != "" {
		_, err = io.WriteString(c.stdin, signal+"\n")
	}
	err = errors.Join(err, c.stdin.Close())
	<-c.done
	c.run, c.stdin, c.done = nil, nil, nil
	return err
}

func (c *Cluster) initialise(ctx context.Context) error {
	secret := filepath.Join(c.dir, "password")
	if err := os.WriteFile(secret, []byte(c.password+"\n"), 0o600); err != nil {
		return fmt.Errorf("write the superuser's password: %w", err)
	}
	if c.attr != nil {
		if err := os.Chown(secret, int(c.attr.Credential.Uid), int(c.attr.Credential.Gid)); err != nil {
			return fmt.Errorf("hand over the superuser's password: %w", err)
		}
	}
	data := filepath.Join(c.dir, "data")
	initdb := exec.CommandContext(ctx, filepath.Join(c.bin, "initdb"), "--pgdata", data,
		"--username", superuser, "--auth", "password", "--pwfile", secret,
		"--encoding", "UTF8", "--no-locale", "--no-sync", "--no-instructions")
	initdb.Dir = c.dir
	initdb.SysProcAttr = c.attr
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	conf, err := os.OpenFile(filepath.Join(data, "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("open the server's settings: %w", err)
	}
	if _, err := conf.WriteString(settings); err != nil {
		return errors.Join(fmt.Errorf("write the server's settings: %w", err), conf.Close())
	}
	return conf.Close()
}

// awaitReady returns when the server answers a query.
func (c *Cluster) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	pidFile := filepath.Join(c.dir, "data", "postmaster.pid")
	for pause := time.NewTicker(10 * time.Millisecond); ; {
		// The server's own word comes first: the port could be another's.
		status, err := os.ReadFile(pidFile)
		if err == nil && bytes.Contains(status, []byte("\nready")) {
			conn, err := pgx.Connect(ctx, c.URL())
			if err == nil {
				pause.Stop()
				return conn.Close(ctx)
			}
		}
		select {
		case <-pause.C:
		case <-c.done:
			return errors.New("the server ended as it started")
		case <-ctx.Done():
			return fmt.Errorf("the server is not ready: %w", ctx.Err())
		}
	}
}

func (c *Cluster) log() string {
	text, err := os.ReadFile(filepath.Join(c.dir, "log"))
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// clusterDir makes the cluster's directory, with the user to run it as when
// this process is root. A unix socket's path is short, so it has no test's name
// in it.
func clusterDir() (string, *syscall.SysProcAttr, error) {
	if os.Geteuid() != 0 {
		dir, err := os.MkdirTemp("", "hydrapin-pg-")
		return dir, nil, err
	}
	credential, err := unprivileged()
	if err != nil {
		return "", nil, err
	}
	// Root's own TMPDIR may be closed to others; /tmp is open to all.
	dir, err := os.MkdirTemp("/tmp", "hydrapin-pg-")
	if err != nil {
		return "", nil, err
	}
	if err := os.Chown(dir, int(credential.Uid), int(credential.Gid)); err != nil {
		return "", nil, errors.Join(err, os.RemoveAll(dir))
	}
	return dir, &syscall.SysProcAttr{Credential: credential}, nil
}

// unprivileged is the user that runs the server for root: the one that
// PostgreSQL's package made, else nobody.
func unprivileged() (*syscall.Credential, error) {
	account, err := user.Lookup("postgres")
	if err != nil {
		account, err = user.Lookup("nobody")
	}
	if err != nil {
		return nil, fmt.Errorf("root needs an unprivileged user to run PostgreSQL as: %w", err)
	}
	uid, err := strconv.ParseUint(account.Uid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("user id of %s: %w", account.Username, err)
	}
	gid, err := strconv.ParseUint(account.Gid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("group id of %s: %w", account.Username, err)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

func freePort(ctx context.Context) (int, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	return port, listener.Close()
}
