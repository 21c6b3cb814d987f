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
// What may pass by itself, or once the disk has room, becomes store.ErrUnavailable. A
// damaged file does not, because retries cannot repair it: its error stays as it is,
// and becomes an internal error.
func interpretError(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	for _, named := range []error{store.ErrNotFound, store.ErrKeyTaken, store.ErrNewerSchema, store.ErrNotMigrated} {
		if errors.Is(err, named) {
			return err
		}
	}
	if cause := ctx.Err(); cause != nil {
		return fmt.Errorf("%w: %w", store.ErrUnavailable, cause)
	}
	if isDiskTrouble(err) {
		return fmt.Errorf("%w: the disk of the database is full or fails: %w", store.ErrUnavailable, err)
	}
	if errors.Is(err, sql.ErrConnDone) || isUnavailable(err) {
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	return fmt.Errorf("sqlite: %w", err)
}

// takenKey names the error of an inserted row whose key is another's. SQLite tells the
// kind of a constraint but not its name; the row's keys are the only ones of its table.
func takenKey(table string, err error) error {
	var e *driver.Error
	if !errors.As(err, &e) {
		return err
	}
	switch e.Code() {
	case lib.SQLITE_CONSTRAINT_UNIQUE, lib.SQLITE_CONSTRAINT_PRIMARYKEY,
		// The trail's triggers against INSERT OR REPLACE.
		lib.SQLITE_CONSTRAINT_TRIGGER:
		return fmt.Errorf("%w: table %s", store.ErrKeyTaken, table)
	}
	return err
}

// isNoTable says whether a statement could not be understood, as one that names a
// table which is not there.
func isNoTable(err error) bool {
	var e *driver.Error
	return errors.As(err, &e) && e.Code() == lib.SQLITE_ERROR
}

// isDiskTrouble reports whether the disk is full or failing. A damaged file is not disk
// trouble.
func isDiskTrouble(err error) bool {
	var e *driver.Error
	return errors.As(err, &e) && isUnavailable(err) && (e.Code()&0xff == lib.SQLITE_FULL || isIOError(err))
}

// isIOError says whether the disk failed, so that it is not known what it holds.
func isIOError(err error) bool {
	var e *driver.Error
	return errors.As(err, &e) && e.Code()&0xff == lib.SQLITE_IOERR
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
