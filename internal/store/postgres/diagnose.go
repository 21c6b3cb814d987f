package postgres

import (
	"cmp"
	"context"
	"time"

	"github.com/hydracore/hydrapin/internal/store"

	gen "github.com/hydracore/hydrapin/gen/postgres"
)

// examination is what an operator should know of the server.
type examination struct {
	// Version is as the server writes it, such as "15.18".
	Version string
	// SynchronousCommit is what hydrapin's own transactions commit with: "on", or
	// "remote_apply" where that was set.
	SynchronousCommit string
	// SynchronousStandbys names the synchronous standbys; empty means that a
	// failover may lose what was acknowledged, spent attempts too.
	SynchronousStandbys string
	// Fsync and FullPageWrites must be true for anything to survive a power cut.
	Fsync, FullPageWrites bool
	// ClockOffset is how far the database's clock is ahead of this machine's,
	// give or take half of RoundTrip.
	ClockOffset time.Duration
	// RoundTrip is the time of one query.
	RoundTrip time.Duration
}

// examine asks the server.
func (s *Store) examine(ctx context.Context) (examination, error) {
	var d examination
	err := s.read(ctx, func(ctx context.Context, db gen.DBTX) error {
		// The first query pays for the connection and the plan.
		if _, err := queries.Diagnose(ctx, db); err != nil {
			return err
		}
		begin := time.Now()
		row, err := queries.Diagnose(ctx, db)
		if err != nil {
			return err
		}
		d = examination{
			Version: row.ServerVersion, SynchronousCommit: row.SynchronousCommit,
			SynchronousStandbys: row.SynchronousStandbyNames,
			Fsync:               row.Fsync == "on", FullPageWrites: row.FullPageWrites == "on",
			RoundTrip: time.Since(begin),
		}
		d.ClockOffset = row.ReadAt.Sub(begin.Add(d.RoundTrip / 2))
		return nil
	})
	return d, err
}

// Diagnose implements store.Database. Errors: store.ErrUnavailable.
func (s *Store) Diagnose(ctx context.Context) (store.Diagnosis, error) {
	e, err := s.examine(ctx)
	if err != nil {
		return store.Diagnosis{}, err
	}
	d := store.Diagnosis{Facts: []store.Fact{
		{Name: "PostgreSQL", Value: e.Version},
		{Name: "synchronous_commit", Value: e.SynchronousCommit},
		{Name: "synchronous_standby_names", Value: cmp.Or(e.SynchronousStandbys, "none")},
		{Name: "round trip", Value: e.RoundTrip.Round(time.Microsecond).String()},
	}}
	if !e.Fsync || !e.FullPageWrites {
		d.Wrong = append(d.Wrong, "fsync or full_page_writes is off: a power cut may give spent attempts back; set both to on")
	}
	if e.SynchronousStandbys == "" {
		d.Weak = append(d.Weak, "no synchronous standby: a failover may lose what was acknowledged, so a spent attempt or a redeemed confirmation may come back; set synchronous_standby_names where there are standbys")
	}
	return d, nil
}
