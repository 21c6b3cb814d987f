package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	gen "github.com/hydracore/hydrapin/gen/sqlite"
	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/policy"
	"github.com/hydracore/hydrapin/internal/store"
)

// prunedAtOnce is of how many tenants events are removed in one transaction.
const prunedAtOnce = 20

// Lease implements store.Store. A file has one server.
func (s *Store) Lease(context.Context, store.Lease) (bool, error) { return true, nil }

// EndLease implements store.Store.
func (s *Store) EndLease(context.Context, store.Lease) error { return nil }

// Events implements store.TrailLists.
func (s *Store) Events(ctx context.Context, f audit.Filter) ([]audit.Stored, error) {
	return list(ctx, s, func(ctx context.Context, db gen.DBTX) ([]gen.ListEventsRow, error) {
		return queries.ListEvents(ctx, db, gen.ListEventsParams{
			TenantID: f.Tenant, FromIndex: f.From, AfterSeq: f.AfterSeq, MaxRows: int64(f.Limit),
		})
	}, infallible(func(row gen.ListEventsRow) audit.Stored {
		return audit.Stored{Index: row.EventIndex, Seq: row.Seq, Leaf: row.Leaf}
	}))
}

// OldestQueued implements store.TrailLists.
func (s *Store) OldestQueued(ctx context.Context) (time.Time, error) {
	at, err := queries.OldestQueuedEvent(ctx, s.reading)
	if errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, interpretError(ctx, err)
	}
	return fromDBTime(at), nil
}

// StoppedTrees implements store.TrailLists.
func (s *Store) StoppedTrees(ctx context.Context) (int, error) {
	n, err := queries.CountStoppedTrees(ctx, s.reading)
	return int(n), interpretError(ctx, err)
}

// TrailLog implements store.TrailLists.
func (s *Store) TrailLog(ctx context.Context) (audit.Log, error) {
	row, err := queries.GetTrailLog(ctx, s.reading)
	if errors.Is(err, sql.ErrNoRows) {
		return audit.Log{}, nil
	}
	if err != nil {
		return audit.Log{}, interpretError(ctx, err)
	}
	return audit.Log{Name: row.Name, CreatedAt: fromDBTime(row.CreatedAt)}, nil
}

// TrailKeys implements store.TrailLists.
func (s *Store) TrailKeys(ctx context.Context) ([]audit.LogKey, error) {
	return list(ctx, s, func(ctx context.Context, db gen.DBTX) ([]gen.TrailKey, error) {
		return queries.ListTrailKeys(ctx, db)
	}, infallible(func(row gen.TrailKey) audit.LogKey {
		return audit.LogKey{
			ID: row.ID, PublicKey: row.PublicKey, AddedAt: fromDBTime(row.AddedAt), RetiredAt: fromDBNullTime(row.RetiredAt),
		}
	}))
}

// Trees implements store.Reads.
func (q *queue) Trees(tenants []uuid.UUID, into *[]audit.Tree) {
	addRows(q, into, func(ctx context.Context, db gen.DBTX) ([]gen.PINEventTree, error) {
		text, err := json.Marshal(tenants)
		if err != nil {
			return nil, fmt.Errorf("sqlite: a list of tenants: %w", err)
		}
		return queries.ListTrees(ctx, db, string(text))
	}, infallible(fromDBTree))
}

// EventHashes implements store.Reads.
func (q *queue) EventHashes(places []audit.Place, into *[]audit.Hashes) {
	q.add(func(ctx context.Context, db gen.DBTX) error {
		*into = make([]audit.Hashes, 0, len(places))
		for first := 0; first < len(places); {
			last := first + 1
			for last < len(places) && places[last].Tenant == places[first].Tenant {
				last++
			}
			found, err := hashesOf(ctx, db, places[first:last])
			if err != nil {
				return err
			}
			*into = append(*into, found...)
			first = last
		}
		return nil
	})
}

// hashesOf returns the hashes at places of one tenant.
func hashesOf(ctx context.Context, db gen.DBTX, places []audit.Place) ([]audit.Hashes, error) {
	indexes := make([]int64, len(places))
	for n, place := range places {
		indexes[n] = place.Index
	}
	text, err := json.Marshal(indexes)
	if err != nil {
		return nil, fmt.Errorf("sqlite: a list of indexes: %w", err)
	}
	rows, err := queries.ListEventHashes(ctx, db, gen.ListEventHashesParams{
		TenantID: places[0].Tenant, EventIndexes: string(text),
	})
	if err != nil {
		return nil, err
	}
	return convert(rows, infallible(func(row gen.PINEventHash) audit.Hashes {
		return audit.Hashes{Place: audit.Place{Tenant: row.TenantID, Index: row.EventIndex}, Hashes: row.Hashes}
	}))
}

// Guesses implements store.Reads.
func (q *queue) Guesses(i policy.Instance, since time.Time, into *[]audit.Guess) {
	addRows(q, into, func(ctx context.Context, db gen.DBTX) ([]gen.ListGuessesRow, error) {
		return queries.ListGuesses(ctx, db, gen.ListGuessesParams{TenantID: i.Tenant, InstanceID: &i.ID, Since: toDBTime(since)})
	}, infallible(func(row gen.ListGuessesRow) audit.Guess { return fromDBGuess(i.Tenant, row) }))
}

// QueuedEvents implements store.Locks.
func (t *tx) QueuedEvents(limit int, into *[]audit.Queued) {
	addRows(&t.queue, into, func(ctx context.Context, db gen.DBTX) ([]gen.ListQueuedEventsRow, error) {
		return queries.ListQueuedEvents(ctx, db, int64(limit))
	}, infallible(fromDBQueued))
}

// LockTree implements store.Locks.
func (t *tx) LockTree(tenant uuid.UUID, into *[]audit.Tree) { t.Trees([]uuid.UUID{tenant}, into) }

// LockUnkeptTrees implements store.Locks.
func (t *tx) LockUnkeptTrees(before time.Time, limit int, into *[]audit.Tree) {
	addRows(&t.queue, into, func(ctx context.Context, db gen.DBTX) ([]gen.PINEventTree, error) {
		return queries.LockUnkeptTrees(ctx, db, gen.LockUnkeptTreesParams{Before: toDBTime(before), MaxRows: int64(limit)})
	}, infallible(fromDBTree))
}

// SaveTrees implements store.TrailWrites.
func (t *tx) SaveTrees(trees ...audit.Growth) {
	for _, tree := range trees {
		t.write(func(ctx context.Context, db gen.DBTX) error {
			if tree.ReadSize == 0 {
				return found(queries.InsertTree(ctx, db, gen.InsertTreeParams{
					TenantID: tree.Tenant, Size: tree.Size, Head: tree.Head,
					LatestAt: toDBTime(tree.LatestAt), KeptAt: toDBTime(tree.KeptAt),
				}))
			}
			return found(queries.SaveTree(ctx, db, gen.SaveTreeParams{
				TenantID: tree.Tenant, ReadSize: tree.ReadSize, Size: tree.Size, Head: tree.Head,
				LatestAt: toDBTime(tree.LatestAt),
			}))
		})
	}
}

// InsertEventHashes implements store.TrailWrites.
func (t *tx) InsertEventHashes(hashes ...audit.Hashes) {
	for _, h := range hashes {
		t.insert("pin_event_hashes", func(ctx context.Context, db gen.DBTX) error {
			return queries.InsertEventHash(ctx, db, gen.InsertEventHashParams{
				TenantID: h.Tenant, EventIndex: h.Index, Hashes: h.Hashes,
			})
		})
	}
}

// MoveEvents implements store.TrailWrites.
func (t *tx) MoveEvents(events ...audit.Placed) {
	for _, e := range events {
		t.insert("pin_events", func(ctx context.Context, db gen.DBTX) error {
			if err := found(queries.PlaceEvent(ctx, db, gen.PlaceEventParams{EventIndex: e.Index, Seq: e.Seq})); err != nil {
				return err
			}
			return queries.UnqueueEvent(ctx, db, e.Seq)
		})
	}
}

// StopTree implements store.TrailWrites.
func (t *tx) StopTree(tenant uuid.UUID, at time.Time, reason string) {
	t.write(func(ctx context.Context, db gen.DBTX) error {
		err := queries.StopTree(ctx, db, gen.StopTreeParams{
			TenantID: tenant, At: toDBTime(at), StoppedReason: reason,
		})
		if err != nil {
			return err
		}
		return queries.HoldEvents(ctx, db, tenant)
	})
}

// KeepHead implements store.TrailWrites.
func (t *tx) KeepHead(tree audit.Tree) {
	t.insert("pin_event_heads", func(ctx context.Context, db gen.DBTX) error {
		err := queries.InsertHead(ctx, db, gen.InsertHeadParams{
			TenantID: tree.Tenant, Size: tree.Size, Head: tree.Head,
			LatestAt: toDBTime(tree.LatestAt), KeptAt: toDBTime(tree.KeptAt),
		})
		if err != nil {
			return err
		}
		return queries.SaveKept(ctx, db, gen.SaveKeptParams{
			TenantID: tree.Tenant, KeptSize: tree.Size, KeptAt: toDBTime(tree.KeptAt),
		})
	})
}

// SealTree implements store.TrailWrites.
func (t *tx) SealTree(tenant uuid.UUID, size int64, at time.Time) {
	t.write(func(ctx context.Context, db gen.DBTX) error {
		return queries.SealTree(ctx, db, gen.SealTreeParams{TenantID: tenant, SealedSize: size, SealedAt: toDBNullTime(at)})
	})
}

// LockPrunable implements store.Locks.
func (t *tx) LockPrunable(before time.Time, limit int, into *[]store.Prunable) {
	addRows(&t.queue, into, func(ctx context.Context, db gen.DBTX) ([]gen.LockPrunableTreesRow, error) {
		return queries.LockPrunableTrees(ctx, db, gen.LockPrunableTreesParams{
			Before: toDBTime(before), Batch: int64(limit), MaxRows: prunedAtOnce,
		})
	}, infallible(func(row gen.LockPrunableTreesRow) store.Prunable {
		return store.Prunable{Tenant: row.TenantID, From: row.PrunedSize, To: row.UpTo}
	}))
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
		return queries.InsertTrailLog(ctx, db, gen.InsertTrailLogParams{Name: l.Name, CreatedAt: toDBTime(l.CreatedAt)})
	})
}

// SaveTrailKey implements store.TrailWrites.
func (t *tx) SaveTrailKey(k audit.LogKey) {
	t.write(func(ctx context.Context, db gen.DBTX) error {
		return queries.SaveTrailKey(ctx, db, gen.SaveTrailKeyParams{
			ID: k.ID, PublicKey: k.PublicKey, AddedAt: toDBTime(k.AddedAt), RetiredAt: toDBNullTime(k.RetiredAt),
		})
	})
}

func fromDBTree(row gen.PINEventTree) audit.Tree {
	return audit.Tree{
		Tenant: row.TenantID, Size: row.Size, Head: row.Head, LatestAt: fromDBTime(row.LatestAt),
		KeptSize: row.KeptSize, KeptAt: fromDBTime(row.KeptAt),
		StoppedAt: fromDBNullTime(row.StoppedAt), StoppedReason: row.StoppedReason,
		SealedSize: row.SealedSize, SealedAt: fromDBNullTime(row.SealedAt), PrunedSize: row.PrunedSize,
	}
}

func fromDBGuess(tenant uuid.UUID, row gen.ListGuessesRow) audit.Guess {
	return audit.Guess{
		Holder: pin.Holder{
			Tenant: tenant, Type: pin.HolderType(value(row.HolderType)),
			Instance: value(row.HolderInstanceID), ID: value(row.HolderID),
		},
		At: fromDBTime(row.GuessedAt), Correct: audit.Type(row.Type) == audit.TypePINVerified,
	}
}

func fromDBQueued(row gen.ListQueuedEventsRow) audit.Queued {
	q := audit.Queued{
		Tenant: row.TenantID, Seq: row.Seq, ID: row.ID, Time: fromDBTime(row.OccurredAt),
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
