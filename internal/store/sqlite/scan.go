package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/google/uuid"

	gen "github.com/hydracore/hydrapin/gen/sqlite"
	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/store"
)

// ScanEvents implements store.TrailLists.
func (s *Store) ScanEvents(ctx context.Context, scan audit.Scan) ([]audit.Row, error) {
	read := scanForward
	if scan.Back {
		read = scanBack
	}
	rows, err := read(ctx, s.reading, scan)
	return rows, interpretError(ctx, err)
}

// SequencedEvent implements store.TrailLists.
func (s *Store) SequencedEvent(ctx context.Context, place audit.Place) ([]byte, error) {
	leaf, err := queries.GetSequencedEvent(ctx, s.reading, gen.GetSequencedEventParams{TenantID: place.Tenant, EventIndex: place.Index})
	if errors.Is(err, sql.ErrNoRows) {
		return nil, store.ErrNotFound
	}
	return leaf, interpretError(ctx, err)
}

// SizeBefore implements store.TrailLists.
func (s *Store) SizeBefore(ctx context.Context, tenant uuid.UUID, at time.Time) (int64, error) {
	size, err := queries.LastHeadBefore(ctx, s.reading, gen.LastHeadBeforeParams{TenantID: tenant, FromAt: toDBTime(at)})
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return size, interpretError(ctx, err)
}

// scanForward reads from the oldest event on.
func scanForward(ctx context.Context, db gen.DBTX, s audit.Scan) ([]audit.Row, error) {
	switch s.Query.By() {
	case audit.ByIndex:
		rows, err := queries.ScanEvents(ctx, db, gen.ScanEventsParams{
			TenantID: s.Tenant, Lowest: s.Lowest, MaxRows: int64(s.Limit),
		})
		return scanned(rows, err, fromDBRow)
	case audit.ByType:
		rows, err := queries.ScanEventsByType(ctx, db, gen.ScanEventsByTypeParams{
			TenantID: s.Tenant, Type: string(s.Query.Type), Lowest: s.Lowest, MaxRows: int64(s.Limit),
		})
		return scanned(rows, err, func(row gen.ScanEventsByTypeRow) audit.Row { return fromDBRow(gen.ScanEventsRow(row)) })
	case audit.ByActor:
		rows, err := queries.ScanEventsByActor(ctx, db, gen.ScanEventsByActorParams{
			TenantID: s.Tenant, ActorID: s.Query.Actor, Lowest: s.Lowest, MaxRows: int64(s.Limit),
		})
		return scanned(rows, err, func(row gen.ScanEventsByActorRow) audit.Row { return fromDBRow(gen.ScanEventsRow(row)) })
	case audit.ByHolder:
		rows, err := queries.ScanEventsByHolder(ctx, db, gen.ScanEventsByHolderParams{
			TenantID: s.Tenant, HolderID: &s.Query.Holder, Lowest: s.Lowest, MaxRows: int64(s.Limit),
		})
		return scanned(rows, err, func(row gen.ScanEventsByHolderRow) audit.Row { return fromDBRow(gen.ScanEventsRow(row)) })
	case audit.ByInstance:
		rows, err := queries.ScanEventsByInstance(ctx, db, gen.ScanEventsByInstanceParams{
			TenantID: s.Tenant, InstanceID: s.Query.Instance, Lowest: s.Lowest, MaxRows: int64(s.Limit),
		})
		return scanned(rows, err, func(row gen.ScanEventsByInstanceRow) audit.Row { return fromDBRow(gen.ScanEventsRow(row)) })
	case audit.ByConfirmation:
		rows, err := queries.ScanEventsByConfirmation(ctx, db, gen.ScanEventsByConfirmationParams{
			TenantID: s.Tenant, ConfirmationID: s.Query.Confirmation, Lowest: s.Lowest, MaxRows: int64(s.Limit),
		})
		return scanned(rows, err, func(row gen.ScanEventsByConfirmationRow) audit.Row { return fromDBRow(gen.ScanEventsRow(row)) })
	}
	return nil, nil
}

// scanBack reads from the newest event back.
func scanBack(ctx context.Context, db gen.DBTX, s audit.Scan) ([]audit.Row, error) {
	switch s.Query.By() {
	case audit.ByIndex:
		rows, err := queries.ScanEventsBack(ctx, db, gen.ScanEventsBackParams{
			TenantID: s.Tenant, Before: s.Before, Lowest: s.Lowest, MaxRows: int64(s.Limit),
		})
		return scanned(rows, err, func(row gen.ScanEventsBackRow) audit.Row { return fromDBRow(gen.ScanEventsRow(row)) })
	case audit.ByType:
		rows, err := queries.ScanEventsByTypeBack(ctx, db, gen.ScanEventsByTypeBackParams{
			TenantID: s.Tenant, Type: string(s.Query.Type), Before: s.Before, Lowest: s.Lowest, MaxRows: int64(s.Limit),
		})
		return scanned(rows, err, func(row gen.ScanEventsByTypeBackRow) audit.Row { return fromDBRow(gen.ScanEventsRow(row)) })
	case audit.ByActor:
		rows, err := queries.ScanEventsByActorBack(ctx, db, gen.ScanEventsByActorBackParams{
			TenantID: s.Tenant, ActorID: s.Query.Actor, Before: s.Before, Lowest: s.Lowest, MaxRows: int64(s.Limit),
		})
		return scanned(rows, err, func(row gen.ScanEventsByActorBackRow) audit.Row { return fromDBRow(gen.ScanEventsRow(row)) })
	case audit.ByHolder:
		rows, err := queries.ScanEventsByHolderBack(ctx, db, gen.ScanEventsByHolderBackParams{
			TenantID: s.Tenant, HolderID: &s.Query.Holder, Before: s.Before, Lowest: s.Lowest, MaxRows: int64(s.Limit),
		})
		return scanned(rows, err, func(row gen.ScanEventsByHolderBackRow) audit.Row { return fromDBRow(gen.ScanEventsRow(row)) })
	case audit.ByInstance:
		rows, err := queries.ScanEventsByInstanceBack(ctx, db, gen.ScanEventsByInstanceBackParams{
			TenantID: s.Tenant, InstanceID: s.Query.Instance, Before: s.Before, Lowest: s.Lowest, MaxRows: int64(s.Limit),
		})
		return scanned(rows, err, func(row gen.ScanEventsByInstanceBackRow) audit.Row { return fromDBRow(gen.ScanEventsRow(row)) })
	case audit.ByConfirmation:
		rows, err := queries.ScanEventsByConfirmationBack(ctx, db, gen.ScanEventsByConfirmationBackParams{
			TenantID: s.Tenant, ConfirmationID: s.Query.Confirmation, Before: s.Before, Lowest: s.Lowest, MaxRows: int64(s.Limit),
		})
		return scanned(rows, err, func(row gen.ScanEventsByConfirmationBackRow) audit.Row { return fromDBRow(gen.ScanEventsRow(row)) })
	}
	return nil, nil
}

// scanned converts the rows of a scan.
func scanned[Row any](rows []Row, err error, from func(Row) audit.Row) ([]audit.Row, error) {
	if err != nil {
		return nil, err
	}
	all := make([]audit.Row, 0, len(rows))
	for _, row := range rows {
		all = append(all, from(row))
	}
	return all, nil
}

func fromDBRow(row gen.ScanEventsRow) audit.Row {
	return audit.Row{
		Index: row.EventIndex, Time: fromDBTime(row.OccurredAt), Type: audit.Type(row.Type), Actor: row.ActorID,
		HolderType: pin.HolderType(value(row.HolderType)), Holder: value(row.HolderID),
		Instance: value(row.InstanceID), Confirmation: value(row.ConfirmationID), Leaf: row.Leaf,
	}
}
