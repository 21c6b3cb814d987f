package sqlite

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"os"
	"sync"
	"time"

	gen "github.com/hydracore/hydrapin/gen/sqlite"
)

const (
	// probeEvery bounds how often a ping writes.
	probeEvery = time.Second
	// probeFiller is more than fits into pages that are there already, so that a probe
	// after a failed write needs new space, as that did.
	probeFiller = 64 << 10
	// tidyEvery is how often one looks whether the log is long, tidyAbove how long.
	tidyEvery = time.Second
	tidyAbove = 4 << 20
)

// probing remembers the last probe, and whether writes have failed since one went well.
type probing struct {
	mu      sync.Mutex
	at      time.Time
	err     error
	failing bool
}

// failed remembers that a write failed for want of the disk.
func (p *probing) failed() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failing, p.at = true, time.Time{}
}

// probe says whether the database takes writes.
func (s *Store) probe(ctx context.Context) error {
	s.probing.mu.Lock()
	defer s.probing.mu.Unlock()
	if time.Since(s.probing.at) < probeEvery {
		return s.probing.err
	}
	err := s.tryWrite(ctx, s.probing.failing)
	if ctx.Err() != nil {
		return err // it says nothing of the database
	}
	s.probing.at, s.probing.err = time.Now(), err
	if err == nil {
		s.probing.failing = false
	}
	return err
}

// tryWrite commits a small write; a large one first, which is undone.
func (s *Store) tryWrite(ctx context.Context, large bool) error {
	if large {
		filler := make([]byte, probeFiller)
		_, _ = rand.Read(filler) // never fails
		if err := s.writeProbe(ctx, filler, (*sql.Tx).Rollback); err != nil {
			return err
		}
	}
	return s.writeProbe(ctx, nil, (*sql.Tx).Commit)
}

func (s *Store) writeProbe(ctx context.Context, filler []byte, end func(*sql.Tx) error) error {
	tx, err := s.writer.BeginTx(ctx, nil)
	if err != nil {
		return interpretError(ctx, err)
	}
	defer func() { _ = tx.Rollback() }()
	err = queries.Probe(ctx, tx, gen.ProbeParams{ProbedAt: toDBTime(s.clock.read()), Filler: filler})
	if err == nil {
		err = end(tx)
	}
	if err = interpretError(ctx, err); err != nil {
		return fmt.Errorf("the database cannot be written: %w", err)
	}
	return nil
}

// tidy cuts the log when it is long and nobody writes: after a long read it would stay
// as long as it has become. It waits for nobody, and tries again later.
func (s *Store) tidy() {
	tick := time.NewTicker(tidyEvery)
	defer tick.Stop()
	for {
		select {
		case <-s.tidying:
			return
		case <-tick.C:
		}
		info, err := os.Stat(s.path + "-wal")
		if err == nil && info.Size() > tidyAbove && s.writer.Stats().InUse == 0 {
			s.truncateLog()
		}
	}
}

// truncateLog tries to, on a connection of its own that waits for no lock.
func (s *Store) truncateLog() {
	db, err := sql.Open("sqlite", dataSource(s.path, 0))
	if err != nil {
		return
	}
	defer func() { _ = db.Close() }()
	ctx, cancel := context.WithTimeout(context.Background(), tidyEvery)
	defer cancel()
	// Whoever reads or writes meanwhile makes it answer "busy", which is no error.
	_, _ = db.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)")
}
