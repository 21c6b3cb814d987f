package service

import (
	"context"
	"math"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/trail"
)

const (
	// trailExamined is how many events one reading of the trail examines at most.
	trailExamined = 10_000
	// trailChunk is how many of them are loaded at once, where not all of them match.
	trailChunk = 1000
)

// Events returns events of a tenant for who is at the database itself: those that have their index
// and then those that are queued.
func (s *Service) Events(ctx context.Context, f audit.Filter) ([]audit.Stored, error) {
	return s.config.Store.Events(ctx, f)
}

// TrailQuery asks for a page of the trail.
type TrailQuery struct {
	audit.Query
	// After is the cursor of the page before; nil for the first page.
	After *audit.Cursor
	// Back reads the newest event first.
	Back  bool
	Limit int
}

// TrailPage is a page of the trail. Next is the cursor of the next one, or nil when there is none
// now. A page may be short, or empty, although there is a next one: not all that was examined
// matched.
type TrailPage struct {
	Events []audit.Stored
	Next   *audit.Cursor
}

// Trail returns a page of the tenant's trail.
func (s *Service) Trail(ctx context.Context, c Caller, q TrailQuery) (TrailPage, error) {
	scan := audit.Scan{Tenant: c.Tenant, Query: q.Query, Before: math.MaxInt64, Back: q.Back}
	if !q.From.IsZero() {
		var err error
		if scan.Lowest, err = s.config.Store.SizeBefore(ctx, c.Tenant, q.From); err != nil {
			return TrailPage{}, err
		}
	}
	if q.After != nil {
		scan.GoOn(*q.After)
	}
	page := TrailPage{Events: []audit.Stored{}}
	for examined := 0; ; {
		scan.Limit = min(trailExamined-examined, max(trailChunk, q.Limit+1))
		if !q.Narrows() {
			scan.Limit = q.Limit + 1
		}
		rows, err := s.config.Store.ScanEvents(ctx, scan)
		if err != nil {
			return TrailPage{}, err
		}
		for _, row := range rows {
			if len(page.Events) == q.Limit {
				return page, nil
			}
			page.Next = &audit.Cursor{Index: row.Index}
			if q.Matches(row) {
				page.Events = append(page.Events, audit.Stored{Index: row.Index, Leaf: row.Leaf})
			}
		}
		examined += len(rows)
		switch {
		case len(rows) < scan.Limit:
			page.Next = nil
			return page, nil
		case examined >= trailExamined:
			return page, nil
		}
		scan.GoOn(*page.Next)
	}
}

// LeafOf is an event of the trail as it is hashed.
type LeafOf struct {
	audit.Stored
	Hash trail.Hash
}

// TrailEvent returns one event of the tenant's trail, or [ErrNotFound].
func (s *Service) TrailEvent(ctx context.Context, c Caller, index int64) (LeafOf, error) {
	leaf, err := s.config.Store.SequencedEvent(ctx, audit.Place{Tenant: c.Tenant, Index: index})
	if err != nil {
		return LeafOf{}, notFound(err)
	}
	hash, err := s.leafHash(ctx, c.Tenant, index)
	return LeafOf{Stored: audit.Stored{Index: index, Leaf: leaf}, Hash: hash}, err
}

// Checkpoint returns the signed head of the tenant's trail, or [ErrNotFound] before its first event
// has its index.
func (s *Service) Checkpoint(ctx context.Context, c Caller) (string, error) {
	tree, err := s.treeOf(ctx, c.Tenant)
	if err == nil && tree.Head == "" {
		err = ErrNotFound
	}
	return tree.Head, err
}

// InclusionProof proves that an event is in the tree of some size.
type InclusionProof struct {
	Index, Size int64
	LeafHash    trail.Hash
	Hashes      []trail.Hash
}

// Inclusion returns the proof that an event is in the tenant's tree of a size, or with 0 of the
// size that it has. An event that is not in it, or a size that it has not reached, is
// [ErrNotFound].
func (s *Service) Inclusion(ctx context.Context, c Caller, index, size int64) (InclusionProof, error) {
	tree, err := s.treeOf(ctx, c.Tenant)
	if err != nil {
		return InclusionProof{}, err
	}
	if size == 0 {
		size = tree.Size
	}
	if size > tree.Size || index >= size {
		return InclusionProof{}, ErrNotFound
	}
	rows, err := s.hashRows(ctx, c.Tenant, append(trail.InclusionNeeds(size, index), index))
	if err != nil {
		return InclusionProof{}, err
	}
	p := InclusionProof{Index: index, Size: size}
	if p.LeafHash, err = rows.Leaf(index); err != nil {
		return InclusionProof{}, err
	}
	p.Hashes, err = trail.Inclusion(size, index, rows)
	return p, err
}

// ConsistencyProof proves that a tree begins with a smaller one.
type ConsistencyProof struct {
	From, To int64
	Hashes   []trail.Hash
}

// Consistency returns the proof that the tenant's tree of the size to, or with 0 of the size that
// it has, begins with that of the size from. Sizes that it has not reached, or that are in the
// wrong order, are [ErrNotFound].
func (s *Service) Consistency(ctx context.Context, c Caller, from, to int64) (ConsistencyProof, error) {
	tree, err := s.treeOf(ctx, c.Tenant)
	if err != nil {
		return ConsistencyProof{}, err
	}
	if to == 0 {
		to = tree.Size
	}
	if to > tree.Size || from > to {
		return ConsistencyProof{}, ErrNotFound
	}
	rows, err := s.hashRows(ctx, c.Tenant, trail.ConsistencyNeeds(from, to))
	if err != nil {
		return ConsistencyProof{}, err
	}
	p := ConsistencyProof{From: from, To: to}
	p.Hashes, err = trail.Consistency(from, to, rows)
	return p, err
}

func (s *Service) treeOf(ctx context.Context, tenant uuid.UUID) (audit.Tree, error) {
	var trees []audit.Tree
	r := s.config.Store.Reads()
	r.Trees([]uuid.UUID{tenant}, &trees)
	if err := r.Fetch(ctx); err != nil || len(trees) == 0 {
		return audit.Tree{Tenant: tenant}, err
	}
	return trees[0], nil
}

func (s *Service) hashRows(ctx context.Context, tenant uuid.UUID, indexes []int64) (trail.Rows, error) {
	places := make([]audit.Place, len(indexes))
	for n, index := range indexes {
		places[n] = audit.Place{Tenant: tenant, Index: index}
	}
	var hashes []audit.Hashes
	r := s.config.Store.Reads()
	r.EventHashes(places, &hashes)
	if err := r.Fetch(ctx); err != nil {
		return nil, err
	}
	rows := make(trail.Rows, len(hashes))
	for _, h := range hashes {
		rows[h.Index] = h.Hashes
	}
	return rows, nil
}

func (s *Service) leafHash(ctx context.Context, tenant uuid.UUID, index int64) (trail.Hash, error) {
	rows, err := s.hashRows(ctx, tenant, []int64{index})
	if err != nil {
		return trail.Hash{}, err
	}
	return rows.Leaf(index)
}
