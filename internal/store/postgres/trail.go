package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	gen "github.com/hydracore/hydrapin/gen/postgres"
	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/policy"
	"github.com/hydracore/hydrapin/internal/store"
)

// prunedAtOnce is of how many tenants events are removed in one transaction.
const prunedAtOnce = 20

// Lease implements store.Store.
func (s *Store) Lease(ctx context.Context, l store.Lease) (bool, error) {
	err := s.read(ctx, func(ctx context.Context, db gen.DBTX) error {
		_, err := queries.TakeLease(ctx, db, gen.TakeLeaseParams{Name: string(l.Duty), Holder: l.Holder, Lasts: l.Lasts})
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// EndLease implements store.Store.
func (s *Store) EndLease(ctx context.Context, l store.Lease) error {
	return s.read(ctx, func(ctx context.Context, db gen.DBTX) error {
		return queries.EndLease(ctx, db, gen.EndLeaseParams{Name: string(l.Duty), Holder: l.Holder})
	})
}

// Events implements store.TrailLists.
func (s *Store) Events(ctx context.Context, f audit.Filter) ([]audit.Stored, error) {
	return list(ctx, s, func(ctx context.Context, db gen.DBTX) ([]gen.ListEventsRow, error) {
		return queries.ListEvents(ctx, db, gen.ListEventsParams{
			TenantID: f.Tenant, FromIndex: f.From, AfterSeq: f.AfterSeq, MaxRows: int64(f.Limit),
		})
	}, func(row gen.ListEventsRow) audit.Stored {
		return audit.Stored{Index: row.EventIndex, Seq: row.Seq, Leaf: row.Leaf}
	})
}

// OldestQueued implements store.TrailLists.
func (s *Store) OldestQueued(ctx context.Context) (at time.Time, err error) {
	err = s.read(ctx, func(ctx context.Context, db gen.DBTX) (err error) {
		at, err = queries.OldestQueuedEvent(ctx, db)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return time.Time{}, nil
	}
	return at, err
}

// StoppedTrees implements store.TrailLists.
func (s *Store) StoppedTrees(ctx context.Context) (n int, err error) {
	err = s.read(ctx, func(ctx context.Context, db gen.DBTX) error {
		count, err := queries.CountStoppedTrees(ctx, db)
		n = int(count)
		return err
	})
	return n, err
}

// TrailLog implements store.TrailLists.
func (s *Store) TrailLog(ctx context.Context) (audit.Log, error) {
	var row gen.GetTrailLogRow
	err := s.read(ctx, func(ctx context.Context, db gen.DBTX) (err error) {
		row, err = queries.GetTrailLog(ctx, db)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return audit.Log{}, nil
	}
	return audit.Log{Name: row.Name, CreatedAt: row.CreatedAt}, err
}

// TrailKeys implements store.TrailLists.
func (s *Store) TrailKeys(ctx context.Context) ([]audit.LogKey, error) {
	return list(ctx, s, func(ctx context.Context, db gen.DBTX) ([]gen.TrailKey, error) {
		return queries.ListTrailKeys(ctx, db)
	}, func(row gen.TrailKey) audit.LogKey {
		return audit.LogKey{ID: row.ID, PublicKey: row.PublicKey, AddedAt: row.AddedAt, RetiredAt: value(row.RetiredAt)}
	})
}

// Trees implements store.Reads.
func (q *queue) Trees(tenants []uuid.UUID, into *[]audit.Tree) {
	addRows(q, into, func(ctx context.Context, db gen.DBTX) ([]gen.PINEventTree, error) {
		return queries.ListTrees(ctx, db, tenants)
	}, fromDBTree)
}

// EventHashes implements store.Reads.
func (q *queue) EventHashes(places []audit.Place, into *[]audit.Hashes) {
	var p gen.ListEventHashesParams
	for _, place := range places {
		p.TenantIds, p.EventIndexes = append(p.TenantIds, place.Tenant), append(p.EventIndexes, place.Index)
	}
	addRows(q, into, func(ctx context.Context, db gen.DBTX) ([]gen.PINEventHash, error) {
		return queries.ListEventHashes(ctx, db, p)
	}, func(row gen.PINEventHash) audit.Hashes {
		return audit.Hashes{Place: audit.Place{Tenant: row.TenantID, Index: row.EventIndex}, Hashes: row.Hashes}
	})
}

// Guesses implements store.Reads.
func (q *queue) Guesses(i policy.Instance, since time.Time, into *[]audit.Guess) {
	addRows(q, into, func(ctx context.Context, db gen.DBTX) ([]gen.ListGuessesRow, error) {
		return queries.ListGuesses(ctx, db, gen.ListGuessesParams{TenantID: i.Tenant, InstanceID: &i.ID, Since: since})
	}, func(row gen.ListGuessesRow) audit.Guess { return fromDBGuess(i.Tenant, row) })
}

// QueuedEvents implements store.Locks.
func (t *tx) QueuedEvents(limit int, into *[]audit.Queued) {
	addRows(&t.queue, into, func(ctx context.Context, db gen.DBTX) ([]gen.ListQueuedEventsRow, error) {
		return queries.ListQueuedEvents(ctx, db, int64(limit))
	}, fromDBQueued)
}

// LockTree implements store.Locks.
func (t *tx) LockTree(tenant uuid.UUID, into *[]audit.Tree) {
	addRows(&t.queue, into, func(ctx context.Context, db gen.DBTX) ([]gen.PINEventTree, error) {
		return queries.LockTree(ctx, db, tenant)
	}, fromDBTree)
}

// LockUnkeptTrees implements store.Locks.
func (t *tx) LockUnkeptTrees(before time.Time, limit int, into *[]audit.Tree) {
	addRows(&t.queue, into, func(ctx context.Context, db gen.DBTX) ([]gen.PINEventTree, error) {
		return queries.LockUnkeptTrees(ctx, db, gen.LockUnkeptTreesParams{Before: before, MaxRows: int64(limit)})
	}, fromDBTree)
}

// SaveTrees implements store.TrailWrites.
func (t *tx) SaveTrees(trees ...audit.Growth) {
	if len(trees) == 0 {
		return
	}
	var p gen.SaveTreesParams
	for _, tree := range trees {
		p.TenantIds, p.ReadSizes = append(p.TenantIds, tree.Tenant), append(p.ReadSizes, tree.ReadSize)
		p.Sizes, p.Heads = append(p.Sizes, tree.Size), append(p.Heads, tree.Head)
		p.LatestAts, p.KeptAts = append(p.LatestAts, tree.LatestAt), append(p.KeptAts, tree.KeptAt)
	}
	t.write(func(ctx context.Context, db gen.DBTX) error { return queries.SaveTrees(ctx, db, p) })
}

// InsertEventHashes implements store.TrailWrites.
func (t *tx) InsertEventHashes(hashes ...audit.Hashes) {
	if len(hashes) == 0 {
		return
	}
	var p gen.InsertEventHashesParams
	for _, h := range hashes {
		p.TenantIds, p.EventIndexes = append(p.TenantIds, h.Tenant), append(p.EventIndexes, h.Index)
		p.Hashes = append(p.Hashes, h.Hashes)
	}
	t.write(func(ctx context.Context, db gen.DBTX) error { return queries.InsertEventHashes(ctx, db, p) })
}

// MoveEvents implements store.TrailWrites.
func (t *tx) MoveEvents(events ...audit.Placed) {
	if len(events) == 0 {
		return
	}
	var p gen.MoveEventsParams
	for _, e := range events {
		p.TenantIds, p.Seqs = append(p.TenantIds, e.Tenant), append(p.Seqs, e.Seq)
		p.EventIndexes = append(p.EventIndexes, e.Index)
	}
	t.write(func(ctx context.Context, db gen.DBTX) error { return queries.MoveEvents(ctx, db, p) })
}

// StopTree implements store.TrailWrites.
func (t *tx) StopTree(tenant uuid.UUID, at time.Time, reason string) {
	t.write(func(ctx context.Context, db gen.DBTX) error {
		return queries.StopTree(ctx, db, gen.StopTreeParams{TenantID: tenant, StoppedAt: at, StoppedReason: reason})
	})
	t.write(func(ctx context.Context, db gen.DBTX) error { return queries.HoldEvents(ctx, db, tenant) })
}

// KeepHead implements store.TrailWrites.
func (t *tx) KeepHead(tree audit.Tree) {
	t.write(func(ctx context.Context, db gen.DBTX) error {
		return queries.InsertHead(ctx, db, gen.InsertHeadParams{
			TenantID: tree.Tenant, Size: tree.Size, Head: tree.Head, LatestAt: tree.LatestAt, KeptAt: tree.KeptAt,
		})
	})
	t.write(func(ctx context.Context, db gen.DBTX) error {
		return queries.SaveKept(ctx, db, gen.SaveKeptParams{TenantID: tree.Tenant, KeptSize: tree.Size, KeptAt: tree.KeptAt})
	})
}

// SealTree implements store.TrailWrites.
func (t *tx) SealTree(tenant uuid.UUID, size int64, at time.Time) {
	t.write(func(ctx context.Context, db gen.DBTX) error {
		return queries.SealTree(ctx, db, gen.SealTreeParams{TenantID: tenant, SealedSize: size, SealedAt: at})
	})
}

// LockPrunable implements store.Locks.
func (t *tx) LockPrunable(before time.Time, limit int, into *[]store.Prunable) {
	addRows(&t.queue, into, func(ctx context.Context, db gen.DBTX) ([]gen.LockPrunableTreesRow, error) {
		return queries.LockPrunableTrees(ctx, db, gen.LockPrunableTreesParams{
			Before: before, Batch: int64(limit), MaxRows: prunedAtOnce,
		})
	}, func(row gen.LockPrunableTreesRow) store.Prunable {
		return store.Prunable{Tenant: row.TenantID, From: row.PrunedSize, To: row.UpTo}
	})
}

// PruneEvents implements store.TrailWrites.
func (t *tx) PruneEvents(p store.Prunable) {
	t.write(func(ctx context.Context, db gen.DBTX) error {
		return queries.PruneEvents(ctx, db, gen.PruneEventsParams{TenantID: p.Tenant, FromIndex: p.From, UpTo: p.To})
	})
	t.write(func(ctx context.Context, db gen.DBTX) error {
		return queries.SavePruned(ctx, db, gen.SavePrunedParams{TenantID: p.Tenant, PrunedSize: p.To})
	})
}

// InsertTrailLog implements store.TrailWrites.
func (t *tx) InsertTrailLog(l audit.Log) {
	t.write(func(ctx context.Context, db gen.DBTX) error {
		return queries.InsertTrailLog(ctx, db, gen.InsertTrailLogParams{Name: l.Name, CreatedAt: l.CreatedAt})
	})
}

// SaveTrailKey implements store.TrailWrites.
func (t *tx) SaveTrailKey(k audit.LogKey) {
	t.write(func(ctx context.Context, db gen.DBTX) error {
		return queries.SaveTrailKey(ctx, db, gen.SaveTrailKeyParams{
			ID: k.ID, PublicKey: k.PublicKey, AddedAt: k.AddedAt, RetiredAt: optional(k.RetiredAt),
		})
	})
}

func fromDBTree(row gen.PINEventTree) audit.Tree {
	return audit.Tree{
		Tenant: row.TenantID, Size: row.Size, Head: row.Head, LatestAt: row.LatestAt,
		KeptSize: row.KeptSize, KeptAt: row.KeptAt,
		StoppedAt: value(row.StoppedAt), StoppedReason: row.StoppedReason,
		SealedSize: row.SealedSize, SealedAt: value(row.SealedAt), PrunedSize: row.PrunedSize,
	}
}

func fromDBGuess(tenant uuid.UUID, row gen.ListGuessesRow) audit.Guess {
	return audit.Guess{
		Holder: pin.Holder{
			Tenant: tenant, Type: pin.HolderType(value(row.HolderType)),
			Instance: value(row.HolderInstanceID), ID: value(row.HolderID),
		},
		At: row.GuessedAt, Correct: audit.Type(row.Type) == audit.TypePINVerified,
	}
}

func fromDBQueued(row gen.ListQueuedEventsRow) audit.Queued {
	q := audit.Queued{
		Tenant: row.TenantID, Seq: row.Seq, ID: row.ID, Time: row.OccurredAt,
		Type: audit.Type(row.Type), Leaf: row.Leaf,
	}
	q.Instance = value(row.InstanceID)
	if row.HolderType != nil {
		q.Holder = pin.Holder{
			Tenant: row.TenantID, Type: pin.HolderType(*row.HolderType),
			Instance: value(row.HolderInstanceID), ID: value(row.HolderID),
		}
	}
	return q
}
