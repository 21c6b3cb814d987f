package postgres

import (
	"context"
	"crypto/rand"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	gen "github.com/hydracore/hydrapin/gen/postgres"
)

const (
	// probeEvery bounds how often a ping writes.
	probeEvery = time.Second
	// probeFiller is more than fits into pages that are there already, so that a probe
	// after a failed write needs new space, as that did.
	probeFiller = 64 << 10
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
		if err := s.writeProbe(ctx, filler, pgx.Tx.Rollback); err != nil {
			return err
		}
	}
	return s.writeProbe(ctx, nil, pgx.Tx.Commit)
}

func (s *Store) writeProbe(ctx context.Context, filler []byte, end func(pgx.Tx, context.Context) error) error {
	err := s.read(ctx, func(ctx context.Context, _ gen.DBTX) error {
		tx, err := s.pool.Begin(ctx)
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
		if err := queries.Probe(ctx, tx, filler); err != nil {
			s.resetAfter(err)
			return err
		}
		return end(tx, ctx)
	})
	if err != nil {
		return fmt.Errorf("the database cannot be written: %w", err)
	}
	return nil
}
