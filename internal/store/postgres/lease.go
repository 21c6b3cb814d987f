package postgres

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	gen "github.com/hydracore/hydrapin/gen/postgres"
	"github.com/hydracore/hydrapin/internal/store"
)

// One node migrates at a time: the one whose name is in the lease row, until its lease
// runs out. A row is what every engine has, and a pooler cannot hold it back, as both
// can a session's advisory lock. The table is no migration's, as it is there before.
const (
	leaseTime = 15 * time.Second
	// leaseWait is how long one node waits for another that migrates.
	leaseWait  = 10 * time.Minute
	leasePause = 200 * time.Millisecond
	// noticeAfter is when a wait is worth a word, and noticeEvery when another.
	noticeAfter = time.Second
	noticeEvery = 10 * time.Second

	leaseTable = `CREATE TABLE IF NOT EXISTS migration_lease (
		one        boolean     NOT NULL DEFAULT true,
		holder     text        NOT NULL,
		expires_at timestamptz NOT NULL,
		CONSTRAINT migration_lease_pkey PRIMARY KEY (one),
		CONSTRAINT migration_lease_one_row CHECK (one)
	)`
	takeLease = `INSERT INTO migration_lease (holder, expires_at) VALUES ($1, clock_timestamp() + $2::interval)
		ON CONFLICT (one) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at
		WHERE migration_lease.holder = excluded.holder OR migration_lease.expires_at < clock_timestamp()
		RETURNING holder`
	renewLease   = "UPDATE migration_lease SET expires_at = clock_timestamp() + $2::interval WHERE holder = $1 RETURNING holder"
	releaseLease = "DELETE FROM migration_lease WHERE holder = $1"
	leaseHolder  = "SELECT holder FROM migration_lease"
)

// errLeaseLost ends a migration whose lease another node has taken.
var errLeaseLost = fmt.Errorf("%w: another node has taken the lease of this migration", store.ErrUnavailable)

// withLease runs fn while this node alone migrates. It waits for another node that
// does, and says so.
func (s *Store) withLease(ctx context.Context, fn func(context.Context) error) error {
	own := leaseName()
	if err := s.awaitLease(ctx, own); err != nil {
		return err
	}
	ctx, lose := context.WithCancelCause(ctx)
	defer lose(nil)
	done := make(chan struct{})
	var renewing sync.WaitGroup
	renewing.Go(func() { s.keepLease(ctx, own, done, lose) })
	err := fn(ctx)
	close(done)
	renewing.Wait()
	if cause := context.Cause(ctx); errors.Is(cause, errLeaseLost) {
		err = cause
	}
	release, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishTimeout)
	defer cancel()
	// What is not released runs out.
	_ = s.read(release, func(ctx context.Context, db gen.DBTX) error {
		_, err := db.Exec(ctx, releaseLease, own)
		return err
	})
	return err
}

// leaseName says which process it is to whoever waits for it.
func leaseName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown host"
	}
	return fmt.Sprintf("%s, process %d, %s", host, os.Getpid(), rand.Text()[:8])
}

func (s *Store) awaitLease(ctx context.Context, own string) error {
	began, noticed := time.Now(), time.Time{}
	for {
		holder, err := s.tryLease(ctx, own)
		if err != nil || holder == own {
			return err
		}
		waited := time.Since(began)
		switch {
		case waited > leaseWait:
			return fmt.Errorf("%w: %s has been migrating the database for %v", store.ErrUnavailable, holder, leaseWait)
		case waited >= noticeAfter && time.Since(noticed) >= noticeEvery:
			noticed = time.Now()
			s.notice("waiting for another node that migrates the database", "node", holder, "waited", waited.Round(time.Second))
		}
		pause(ctx, leasePause)
		if err := ctx.Err(); err != nil {
			return interpretError(err)
		}
	}
}

// tryLease takes the lease if it is free, and returns who has it.
func (s *Store) tryLease(ctx context.Context, own string) (holder string, err error) {
	err = s.read(ctx, func(ctx context.Context, db gen.DBTX) error {
		err := db.QueryRow(ctx, takeLease, own, leaseTime).Scan(&holder)
		if isUndefinedTable(err) {
			// Of two that create it at once one fails, on the table, its type or their names in the
			// catalogue; the table is there then.
			_, err = db.Exec(ctx, leaseTable)
			if err != nil && !hasCode(err, codeUniqueViolation, codeDuplicateTable, codeDuplicateObject) {
				return err
			}
			err = db.QueryRow(ctx, takeLease, own, leaseTime).Scan(&holder)
		}
		if !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		if err = db.QueryRow(ctx, leaseHolder).Scan(&holder); errors.Is(err, pgx.ErrNoRows) {
			return nil // it has just been released
		}
		return err
	})
	return holder, err
}

// keepLease renews the lease until done, and ends the migration when it is another's.
func (s *Store) keepLease(ctx context.Context, own string, done <-chan struct{}, lose context.CancelCauseFunc) {
	tick := time.NewTicker(leaseTime / 5)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		err := s.read(ctx, func(ctx context.Context, db gen.DBTX) error {
			var holder string
			return db.QueryRow(ctx, renewLease, own, leaseTime).Scan(&holder)
		})
		if errors.Is(err, store.ErrNotFound) {
			lose(errLeaseLost)
			return
		}
	}
}
