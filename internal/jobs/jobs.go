// Package jobs runs what a server does beside requests, each in a loop of its own until the
// server stops: it moves events into the audit trail, and keeps and logs its heads. It guarantees
// that a loop goes on after an error. What a pass does is decided in the service alone.
package jobs

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/hydracore/hydrapin/internal/service"
)

const (
	// sequenceEvery is how often the sequencer looks for events.
	sequenceEvery = 200 * time.Millisecond
	// leaseLasts is how long the sequencer's work stays with a node that has died.
	leaseLasts = 5 * time.Second
	// keepEvery is how often heads are looked at that are to be kept.
	keepEvery = time.Minute
	// repeatAfter is when an error that lasts is logged again.
	repeatAfter = time.Minute
	// endTimeout bounds what is done as the server stops.
	endTimeout = 2 * time.Second
)

// Jobs are the loops of one server.
type Jobs struct {
	service *service.Service
	log     *slog.Logger
	// node names this server in leases.
	node string
	// leasedUntil is when this node's lease must be renewed; of the sequencer's loop alone.
	leasedUntil time.Time

	lag, stopped atomic.Int64
}

// New returns the jobs of a server.
func New(s *service.Service, log *slog.Logger) *Jobs {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown host"
	}
	return &Jobs{service: s, log: log, node: fmt.Sprintf("%s, process %d, %s", host, os.Getpid(), rand.Text()[:8])}
}

// Run runs every loop until ctx ends.
func (j *Jobs) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		j.every(ctx, "sequence the audit trail", sequenceEvery, j.sequence)
		j.endLease(ctx)
		return nil
	})
	g.Go(func() error {
		j.every(ctx, "keep the heads of the audit trail", keepEvery, j.keepHeads)
		return nil
	})
	return g.Wait()
}

// SequencerLag returns how long the oldest event has waited for its place in the trail.
func (j *Jobs) SequencerLag() time.Duration { return time.Duration(j.lag.Load()) }

// StoppedTrees returns how many audit trails are stopped, because they do not match their last
// signed head.
func (j *Jobs) StoppedTrees() int { return int(j.stopped.Load()) }

// every runs a job again and again, the first time at once.
func (j *Jobs) every(ctx context.Context, name string, pause time.Duration, job func(context.Context) error) {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	var failed time.Time
	for {
		err := job(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			failed = time.Time{}
		case time.Since(failed) >= repeatAfter:
			failed = time.Now()
			j.log.WarnContext(ctx, "a background job failed; it is tried again", "job", name, "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// sequence moves what is queued, if this node has the lease.
func (j *Jobs) sequence(ctx context.Context) error {
	lag, err := j.service.TrailLag(ctx)
	if err != nil {
		return err
	}
	j.lag.Store(int64(lag))
	if lag == 0 {
		return nil
	}
	for more := true; more; {
		if mine, err := j.lease(ctx); err != nil || !mine {
			return err
		}
		done, err := j.service.Sequence(ctx)
		if err != nil {
			return err
		}
		if len(done.Stopped) > 0 {
			if err := j.countStopped(ctx); err != nil {
				return err
			}
		}
		more = done.More
	}
	return nil
}

// lease takes the sequencer's lease, or renews it once half of it is over.
func (j *Jobs) lease(ctx context.Context) (bool, error) {
	if time.Until(j.leasedUntil) > leaseLasts/2 {
		return true, nil
	}
	asked := time.Now()
	mine, err := j.service.LeaseSequencer(ctx, j.node, leaseLasts)
	if err != nil || !mine {
		j.leasedUntil = time.Time{}
		return false, err
	}
	j.leasedUntil = asked.Add(leaseLasts)
	return true, nil
}

// endLease lets another node go on at once.
func (j *Jobs) endLease(ctx context.Context) {
	if j.leasedUntil.IsZero() {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
	defer cancel()
	if err := j.service.EndSequencerLease(ctx, j.node); err != nil {
		j.log.DebugContext(ctx, "the sequencer's lease was left to run out", "error", err)
	}
}

func (j *Jobs) keepHeads(ctx context.Context) error {
	for more := true; more; {
		var err error
		if more, err = j.service.KeepHeads(ctx); err != nil {
			return errors.Join(err, j.countStopped(ctx))
		}
	}
	return j.countStopped(ctx)
}

func (j *Jobs) countStopped(ctx context.Context) error {
	n, err := j.service.StoppedTrees(ctx)
	if err == nil {
		j.stopped.Store(int64(n))
	}
	return err
}
