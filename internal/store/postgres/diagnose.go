package postgres

import (
	"context"
	"time"

	gen "github.com/hydracore/hydrapin/gen/postgres"
)

// Diagnosis is what an operator should know of the server.
type Diagnosis struct {
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

// Diagnose asks the server. Errors: store.ErrUnavailable.
func (s *Store) Diagnose(ctx context.Context) (Diagnosis, error) {
	var d Diagnosis
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
		d = Diagnosis{
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
