package service

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/store"
	"github.com/hydracore/hydrapin/internal/trail"
)

// ErrNotSealable is returned by [Service.SealTrail] for a head that is not the tenant's, or that
// the trail does not begin with.
var ErrNotSealable = errors.New("service: the trail does not begin with this head")

// pruneBatch is how many events are removed in one transaction.
const pruneBatch = 500

// SignedHead returns the signed head of a tenant's trail, and its size; [ErrNotFound] without one.
func (s *Service) SignedHead(ctx context.Context, tenant uuid.UUID) (string, int64, error) {
	tree, err := s.treeOf(ctx, tenant)
	if err == nil && tree.Head == "" {
		err = ErrNotFound
	}
	return tree.Head, tree.Size, err
}

// ExportEvents returns the events from one index up to another as they are in the database, for
// whoever checks them: with what is missing, and whatever they were changed to.
func (s *Service) ExportEvents(ctx context.Context, tenant uuid.UUID, from, to int64) ([]trail.ExportedEvent, error) {
	kept, err := s.config.Store.ScanEvents(ctx, audit.Scan{Tenant: tenant, Lowest: from, Limit: int(to - from)})
	if err != nil {
		return nil, err
	}
	events := make([]trail.ExportedEvent, to-from)
	indexes := make([]int64, to-from)
	for n := range events {
		indexes[n] = from + int64(n)
		events[n].Index = indexes[n]
	}
	for _, row := range kept {
		if row.Index < to {
			events[row.Index-from].Leaf = row.Leaf
		}
	}
	rows, err := s.hashRows(ctx, tenant, indexes)
	if err != nil {
		return nil, err
	}
	for n := range events {
		if hash, err := rows.Leaf(events[n].Index); err == nil {
			events[n].LeafHash = hash[:]
		}
	}
	return events, nil
}

// ExportBlock returns the proof of a block of events, or nothing when a hash of it is missing.
func (s *Service) ExportBlock(ctx context.Context, tenant uuid.UUID, block, size int64) ([]trail.Hash, error) {
	rows, err := s.hashRows(ctx, tenant, trail.BlockNeeds(block, size))
	if err != nil {
		return nil, err
	}
	proof, err := trail.BlockProof(block, size, rows)
	if errors.Is(err, trail.ErrHashMissing) {
		return nil, nil
	}
	return proof, err
}

// ProveEvent returns what proves one event to a third party.
func (s *Service) ProveEvent(ctx context.Context, tenant uuid.UUID, index int64) (trail.EventProof, error) {
	c := system(tenant)
	head, size, err := s.SignedHead(ctx, tenant)
	if err != nil {
		return trail.EventProof{}, err
	}
	event, err := s.TrailEvent(ctx, c, index)
	if err != nil {
		return trail.EventProof{}, err
	}
	proof, err := s.Inclusion(ctx, c, index, size)
	return trail.NewEventProof(index, event.Leaf, size, proof.Hashes, head), err
}

// TrailLog returns the name of the log, and every public key that has signed its heads.
func (s *Service) TrailLog(ctx context.Context) (audit.Log, []audit.LogKey, error) {
	return s.readTrailLog(ctx)
}

// PublishedLog is TrailLog for everyone: it names the log, and records this node's keys, first.
func (s *Service) PublishedLog(ctx context.Context) (audit.Log, []audit.LogKey, error) {
	if err := s.prepareTrail(ctx); err != nil {
		return audit.Log{}, nil, err
	}
	return s.readTrailLog(ctx)
}

// SealTrail records that the events which a head covers were exported and verified, so that they
// may be removed after their retention.
func (s *Service) SealTrail(ctx context.Context, c Caller, head trail.Head) error {
	rows, err := s.hashRows(ctx, c.Tenant, trail.Edge(head.Size))
	if err != nil {
		return err
	}
	if root, err := trail.Root(head.Size, rows); err != nil || root != head.Root || !head.OfTenant(c.Tenant) {
		return ErrNotSealable
	}
	_, err = run(ctx, s, act{op: OpSealTrail, caller: c, repeats: true}, func(ctx context.Context, st *step) (struct{}, error) {
		var trees []audit.Tree
		st.LockTree(c.Tenant, &trees)
		if err := st.Fetch(ctx); err != nil {
			return struct{}{}, err
		}
		if len(trees) == 0 || trees[0].SealedSize >= head.Size {
			return struct{}{}, nil
		}
		st.SealTree(c.Tenant, head.Size, st.Now())
		st.record(about{}, audit.AuditSealed{Size: head.Size, Root: head.Root.String()})
		return struct{}{}, nil
	})
	return err
}

// PruneTrail removes a batch of events that are sealed and older than their retention, and says
// whether there may be more. Their hashes and heads stay, and an event says which were removed.
func (s *Service) PruneTrail(ctx context.Context) (more bool, err error) {
	if s.config.AuditRetention == 0 {
		return false, nil
	}
	return run(ctx, s, act{op: OpPruneTrail, caller: system(uuid.Nil)}, func(ctx context.Context, st *step) (bool, error) {
		if err := st.Fetch(ctx); err != nil { // the time
			return false, err
		}
		var due []store.Prunable
		st.LockPrunable(st.Now().Add(-s.config.AuditRetention), pruneBatch, &due)
		if err := st.Fetch(ctx); err != nil {
			return false, err
		}
		for _, p := range due {
			st.PruneEvents(p)
			st.recordAs(system(p.Tenant), about{}, audit.AuditPruned{From: p.From, To: p.To})
		}
		return len(due) > 0, nil
	})
}
