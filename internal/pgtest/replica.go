package pgtest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/jackc/pgx/v5"
)

// Pair is a primary and its synchronous standby.
type Pair struct {
	Primary, Standby *Own
	// URL names both hosts.
	URL string
}

// StartPair starts a primary of the test's own and a standby that each commit waits
// for.
func StartPair(tb testing.TB) *Pair {
	tb.Helper()
	primary := StartOwn(tb)
	cluster, err := primary.cluster.standby(tb.Context())
	if err != nil {
		tb.Fatalf("pgtest: %v", err)
	}
	tb.Cleanup(func() {
		if err := cluster.Remove(); err != nil {
			tb.Errorf("pgtest: %v", err)
		}
	})
	standby := &Own{URL: cluster.URL(), tb: tb, cluster: cluster}
	both, err := url.Parse(primary.URL)
	if err != nil {
		tb.Fatal(err)
	}
	both.Host += "," + net.JoinHostPort("127.0.0.1", strconv.Itoa(cluster.port))
	if err := run(tb.Context(), primary.URL,
		"ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()"); err != nil {
		tb.Fatalf("pgtest: %v", err)
	}
	return &Pair{Primary: primary, Standby: standby, URL: both.String()}
}

// Kill ends the server as a crash does, without closing its connections. Start does
// not start it again before its last process has ended.
func (o *Own) Kill() {
	o.tb.Helper()
	if err := o.cluster.end("KILL"); err != nil {
		o.tb.Fatalf("pgtest: %v", err)
	}
}

// Promote lets the standby take writes. It returns once that is so.
func (p *Pair) Promote() {
	p.Standby.tb.Helper()
	if err := run(p.Standby.tb.Context(), p.Standby.URL, "SELECT pg_promote(true, 30)"); err != nil {
		p.Standby.tb.Fatalf("pgtest: %v", err)
	}
}

func run(ctx context.Context, address string, statements ...string) error {
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	for _, sql := range statements {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return fmt.Errorf("%s: %w", sql, err)
		}
	}
	return nil
}

// standby makes a copy of a running cluster that follows it, and starts it.
func (c *Cluster) standby(ctx context.Context) (_ *Cluster, err error) {
	dir, attr, err := clusterDir()
	if err != nil {
		return nil, err
	}
	copied := &Cluster{bin: c.bin, dir: dir, attr: attr, password: c.password}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}()
	backup := exec.CommandContext(ctx, filepath.Join(c.bin, "pg_basebackup"), "--pgdata", filepath.Join(dir, "data"),
		"--dbname", c.URL(), "--write-recovery-conf", "--checkpoint=fast", "--no-sync", "--wal-method=stream")
	backup.Dir, backup.SysProcAttr = dir, attr
	if out, err := backup.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("pg_basebackup: %w\n%s", err, out)
	}
	for range startTries {
		if copied.port, err = freePort(ctx); err != nil {
			return nil, err
		}
		if err = copied.Start(ctx); err == nil {
			return copied, nil
		}
	}
	return nil, err
}
