package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	driver "modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"github.com/hydracore/hydrapin/internal/store"
)

// interpretError is the one place that knows the driver's errors.
//
// What may pass by itself, or with room on the disk, is store.ErrUnavailable. A
// damaged file is not: it stays damaged however often one asks, so it is an
// internal fault and keeps its own error.
func interpretError(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, sql.ErrNoRows) {
		return store.ErrNotFound
	}
	if cause := ctx.Err(); cause != nil {
		return fmt.Errorf("%w: %w", store.ErrUnavailable, cause)
	}
	if errors.Is(err, sql.ErrConnDone) || isUnavailable(err) {
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	return fmt.Errorf("sqlite: %w", err)
}

func isUnavailable(err error) bool {
	var e *driver.Error
	if !errors.As(err, &e) {
		return false
	}
	switch e.Code() {
	case lib.SQLITE_IOERR_SHORT_READ, lib.SQLITE_IOERR_DATA, lib.SQLITE_IOERR_CORRUPTFS:
		return false // damage
	}
	// The low byte is the primary code, https://www.sqlite.org/rescode.html.
	switch e.Code() & 0xff {
	case lib.SQLITE_BUSY, lib.SQLITE_LOCKED, lib.SQLITE_NOMEM, lib.SQLITE_READONLY,
		lib.SQLITE_INTERRUPT, lib.SQLITE_IOERR, lib.SQLITE_FULL, lib.SQLITE_CANTOPEN:
		return true
	default:
		return false
	}
}
