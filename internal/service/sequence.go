package service

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/store"
	"github.com/hydracore/hydrapin/internal/trail"
	"github.com/hydracore/hydrapin/internal/webhook"
)

const (
	// sequenceBatch is how many events move in one transaction.
	sequenceBatch = 2000
	// sequenceTries is how often a tree that nobody else extends may fail to be extended
	// before it is stopped.
	sequenceTries = 3
)

// The reasons for which a tree is stopped.
const (
	stoppedHead     = "the last head is not signed with a known key, or is of another tenant"
	stoppedSize     = "the tree has another size than its last signed head"
	stoppedRoot     = "the stored hashes do not give the root of the last signed head"
	stoppedBeyond   = "there are hashes beyond the last signed head"
	stoppedConflict = "events are stored beyond the last signed head"
)

// Sequenced is what a pass of the sequencer did.
type Sequenced struct {
	// Moved is how many events got their index.
	Moved int
	// More says that more may wait.
	More bool
	// Stopped are the trees that do not match their last signed head, with the reason.
	Stopped map[uuid.UUID]string
	// suspects are the tenants whose trees seem not to match.
	suspects []uuid.UUID
}

// Sequence moves one batch of queued events into the trail: it gives them their indexes, extends
// the trees of their tenants and signs the new heads, in one transaction. Any number of nodes may
// do it at once: a tree changes only if its size is the one that was read, so that of two that
// move the same events one changes nothing.
func (s *Service) Sequence(ctx context.Context) (Sequenced, error) {
	if err := s.prepareTrail(ctx); err != nil {
		return Sequenced{}, err
	}
	got, err := s.sequence(ctx, uuid.Nil)
	switch {
	case isOvertaken(err) && s.log.overtaken() < sequenceTries:
		// Another node was faster.
		return Sequenced{More: true}, nil
	case isOvertaken(err):
		// Or the trail of a tenant holds what it must not, and keeps the others waiting.
		return s.sequenceWaiting(ctx)
	case err != nil:
		return Sequenced{}, err
	}
	s.log.advanced()
	if len(got.suspects) == 0 {
		return got, nil
	}
	return s.sequenceEach(ctx, got, got.suspects)
}

// isOvertaken says whether a write of the sequencer found the trail changed.
func isOvertaken(err error) bool {
	return errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrKeyTaken)
}

// sequenceWaiting moves what waits of each tenant in a transaction of its own.
func (s *Service) sequenceWaiting(ctx context.Context) (Sequenced, error) {
	tenants, err := run(ctx, s, act{op: OpSequence, caller: system(uuid.Nil), insists: true}, func(ctx context.Context, st *step) ([]uuid.UUID, error) {
		var queued []audit.Queued
		st.QueuedEvents(sequenceBatch, &queued)
		if err := st.Fetch(ctx); err != nil {
			return nil, err
		}
		return tenantsOf(queued), nil
	})
	if err != nil {
		return Sequenced{}, err
	}
	return s.sequenceEach(ctx, Sequenced{More: true}, tenants)
}

// sequenceEach goes on with tenants one by one, and stops the trees that do not match their head,
// or cannot be extended although nobody else extends them.
func (s *Service) sequenceEach(ctx context.Context, total Sequenced, tenants []uuid.UUID) (Sequenced, error) {
	total.Stopped = map[uuid.UUID]string{}
	for _, tenant := range tenants {
		got, err := s.sequence(ctx, tenant)
		if isOvertaken(err) {
			got, err = s.stopAfterTries(ctx, tenant)
			total.More = true
		}
		if err != nil {
			return total, err
		}
		total.Moved += got.Moved
		for tenant, reason := range got.Stopped {
			total.Stopped[tenant] = reason
			s.config.Log.ErrorContext(ctx, "the audit trail of a tenant does not match its last signed head; no event is added to it until this is settled",
				"tenant", tenant, "reason", reason)
		}
	}
	return total, nil
}

// stopAfterTries stops a tree that has failed often at the size that it has.
func (s *Service) stopAfterTries(ctx context.Context, tenant uuid.UUID) (Sequenced, error) {
	return run(ctx, s, act{op: OpSequence, caller: system(tenant), insists: true}, func(ctx context.Context, st *step) (Sequenced, error) {
		var trees []audit.Tree
		st.LockTree(tenant, &trees)
		if err := st.Fetch(ctx); err != nil {
			return Sequenced{}, err
		}
		size := int64(0)
		if len(trees) > 0 {
			size = trees[0].Size
		}
		if s.log.failedAt(tenant, size) < sequenceTries {
			return Sequenced{}, nil
		}
		st.StopTree(tenant, st.Now(), stoppedConflict)
		return Sequenced{Stopped: map[uuid.UUID]string{tenant: stoppedConflict}}, nil
	})
}

// sequence moves one batch: of all tenants, whose trees it only reads; or of one, whose tree it
// locks. Only what was locked is stopped: of a tree that another node extends meanwhile the hashes
// are read after its size.
func (s *Service) sequence(ctx context.Context, only uuid.UUID) (Sequenced, error) {
	known := s.log.keys()
	return run(ctx, s, act{op: OpSequence, caller: system(only), insists: true}, func(ctx context.Context, st *step) (Sequenced, error) {
		var queued []audit.Queued
		st.QueuedEvents(sequenceBatch, &queued)
		if err := st.Fetch(ctx); err != nil || len(queued) == 0 {
			return Sequenced{}, err
		}
		done := Sequenced{More: len(queued) == sequenceBatch}
		trees, err := st.growing(ctx, queued, only)
		if err != nil {
			return Sequenced{}, err
		}
		grown := make([]*growing, 0, len(trees))
		for _, g := range trees {
			reason := g.mismatch(known)
			switch {
			case reason == "":
				if err := g.grow(s.config.HeadKeys, s.log.name(), st.Now()); err != nil {
					return Sequenced{}, err
				}
				grown = append(grown, g)
				done.Moved += len(g.events)
			case only == uuid.Nil:
				done.suspects = append(done.suspects, g.tree.Tenant)
			case g.tree.Size == 0:
				return Sequenced{}, store.ErrNotFound // no row to lock: see stopAfterTries
			default:
				st.StopTree(g.tree.Tenant, st.Now(), reason)
				done.Stopped = map[uuid.UUID]string{g.tree.Tenant: reason}
			}
		}
		st.saveGrown(grown)
		return done, nil
	})
}

// growing is a tree with the events that it gets.
type growing struct {
	tree audit.Tree
	// read is the size that the tree had.
	read   int64
	rows   trail.Rows
	events []audit.Placed
	// hooks are the tenant's webhooks.
	hooks []webhook.Endpoint
	// guessed are the instances on which the events record an incorrect guess.
	guessed []*guessed
}

// growing reads the trees of queued events, and those of their hashes that the trees' heads depend
// on.
func (st *step) growing(ctx context.Context, queued []audit.Queued, only uuid.UUID) ([]*growing, error) {
	var trees []audit.Tree
	if only != uuid.Nil {
		queued = slices.DeleteFunc(queued, func(q audit.Queued) bool { return q.Tenant != only })
		st.LockTree(only, &trees)
	}
	tenants := tenantsOf(queued)
	if only == uuid.Nil {
		st.Trees(tenants, &trees)
	}
	hooks := make([][]webhook.Endpoint, len(tenants))
	for n, tenant := range tenants {
		st.WebhooksOf(tenant, &hooks[n])
	}
	// What else depends on the events, like who wants to hear of them, is read here too.
	onInstances := st.readGuesses(queued)
	if err := st.Fetch(ctx); err != nil {
		return nil, err
	}
	of := make(map[uuid.UUID]*growing, len(tenants))
	for n, tenant := range tenants {
		of[tenant] = &growing{tree: audit.Tree{Tenant: tenant}, rows: trail.Rows{}, hooks: hooks[n]}
	}
	for _, tree := range trees {
		if g := of[tree.Tenant]; g != nil {
			g.tree = tree
		}
	}
	var places []audit.Place
	all := make([]*growing, 0, len(tenants))
	for _, tenant := range tenants {
		g := of[tenant]
		g.read, g.guessed = g.tree.Size, onInstances[tenant]
		all = append(all, g)
		// The row after the last is there only if somebody else put it there.
		for _, row := range append(trail.Edge(g.read), g.read) {
			places = append(places, audit.Place{Tenant: tenant, Index: row})
		}
	}
	var hashes []audit.Hashes
	st.EventHashes(places, &hashes)
	if err := st.Fetch(ctx); err != nil {
		return nil, err
	}
	for _, h := range hashes {
		of[h.Tenant].rows[h.Index] = h.Hashes
	}
	// By time, and then by place in their transaction, which Seq keeps.
	slices.SortStableFunc(queued, func(a, b audit.Queued) int {
		return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.Seq, b.Seq))
	})
	for _, q := range queued {
		g := of[q.Tenant]
		g.events = append(g.events, audit.Placed{Queued: q, Index: g.read + int64(len(g.events))})
	}
	return all, nil
}

// mismatch returns why the tree does not match its last signed head, or nothing.
func (g *growing) mismatch(known []trail.PublicKey) string {
	switch {
	case !g.tree.StoppedAt.IsZero():
		return g.tree.StoppedReason
	case g.rows[g.read] != nil:
		return stoppedBeyond
	case g.read == 0:
		return ""
	}
	head, err := trail.Open(g.tree.Head, known)
	if err != nil || !head.OfTenant(g.tree.Tenant) {
		return stoppedHead
	}
	if head.Size != g.read {
		return stoppedSize
	}
	if root, err := trail.Root(head.Size, g.rows); err != nil || root != head.Root {
		return stoppedRoot
	}
	return ""
}

// grow adds the events to the tree, and signs its head.
func (g *growing) grow(keys trail.Ring, log string, now time.Time) error {
	leaves := make([][]byte, len(g.events))
	for n, e := range g.events {
		leaves[n] = e.Leaf
		if e.Time.After(g.tree.LatestAt) {
			g.tree.LatestAt = e.Time
		}
	}
	root, err := trail.Grow(g.read, g.rows, leaves)
	if err != nil {
		return err
	}
	g.tree.Size = g.read + int64(len(leaves))
	if g.read == 0 {
		g.tree.KeptAt = now
	}
	g.tree.Head, err = keys.Sign(trail.Head{
		Origin: trail.Origin(log, g.tree.Tenant), Size: g.tree.Size, Root: root,
	})
	return err
}

// saveGrown stores the trees that grew. Whatever follows from an event having its index is written
// here.
func (st *step) saveGrown(all []*growing) {
	var trees []audit.Growth
	var hashes []audit.Hashes
	var events []audit.Placed
	var hooks []webhook.Endpoint
	for _, g := range all {
		trees = append(trees, audit.Growth{Tree: g.tree, ReadSize: g.read})
		for _, e := range g.events {
			hashes = append(hashes, audit.Hashes{
				Place: audit.Place{Tenant: e.Tenant, Index: e.Index}, Hashes: g.rows[e.Index],
			})
		}
		events = append(events, g.events...)
		hooks = append(hooks, g.hooks...)
	}
	// The trees first: who was overtaken ends there.
	st.SaveTrees(trees...)
	st.InsertEventHashes(hashes...)
	st.MoveEvents(events...)
	st.deliver(hooks, events)
	for _, g := range all {
		for _, on := range g.guessed {
			st.judgeSpraying(on)
		}
	}
}

// tenantsOf returns the tenants of queued events, each once and in the order of their ids, in
// which their trees are locked.
func tenantsOf(queued []audit.Queued) []uuid.UUID {
	seen := map[uuid.UUID]bool{}
	var tenants []uuid.UUID
	for _, q := range queued {
		if !seen[q.Tenant] {
			seen[q.Tenant] = true
			tenants = append(tenants, q.Tenant)
		}
	}
	slices.SortFunc(tenants, func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
	return tenants
}
