package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hydracore/hydrapin/internal/store"
)

// The codes that are looked at by themselves (PostgreSQL manual, appendix A).
const (
	codeNoEffect         = "22012" // division by zero: how a write says that it had no effect
	codeBadFormat        = "22P03"
	codeStalePlan        = "0A000"
	codeStaleStatement   = "26000"
	codeUniqueViolation  = "23505"
	codeOutcomeUnknown   = "40003"
	codeDiskFull         = "53100"
	codeDuplicateObject  = "42710"
	codeDuplicateTable   = "42P07"
	codeIOError          = "58030"
	codeReadOnly         = "25006"
	codeIdleInTx         = "25P03"
	codeSerialization    = "40001"
	codeDeadlock         = "40P01"
	codeUndefinedTable   = "42P01"
	codeLockNotAvailable = "55P03"
	codeQueryCanceled    = "57014"
)

// interpretError names the errors of the driver. What it returns holds no value
// of a statement, and so neither the server's message nor the driver's own error,
// which prints arguments that it cannot encode.
func interpretError(err error) error {
	var (
		refused *pgconn.PgError
		connect *pgconn.ConnectError
		scan    pgx.ScanArgError
		own     mistake
	)
	switch {
	case err == nil:
		return nil
	case isNamed(err):
		return err
	case errors.As(err, &own):
		return own.error
	case errors.Is(err, pgx.ErrNoRows):
		return store.ErrNotFound
	case errors.As(err, &connect):
		// Its text names the hosts, the user and the database, never the password.
		return fmt.Errorf("%w: %s", store.ErrUnavailable, connect.Error())
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("%w: %w", store.ErrUnavailable, context.Canceled)
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%w: no answer in time: %w", store.ErrUnavailable, context.DeadlineExceeded)
	case errors.As(err, &refused):
		return fromServer(refused)
	case isLost(err):
		return fmt.Errorf("%w: connection lost", store.ErrUnavailable)
	case errors.As(err, &scan):
		return fmt.Errorf("%w: column %d has another type than this program knows", store.ErrUnavailable, scan.ColumnIndex)
	case errors.Is(err, errNotCommitted):
		return fmt.Errorf("%w: rolled back", store.ErrUnavailable)
	default:
		return fmt.Errorf("postgres: the driver failed with a %T", err)
	}
}

// mistake is an error of the step itself, not of the database.
type mistake struct{ error }

func (m mistake) Unwrap() error { return m.error }

// isNamed says whether an error is one of the project's own already.
func isNamed(err error) bool {
	for _, named := range []error{
		store.ErrUnavailable, store.ErrNotFound, store.ErrNotMigrated, store.ErrNewerSchema,
		store.ErrKeyTaken, store.ErrReadAfterWrite, ErrTooOld, ErrPooler, ErrOldSchema,
	} {
		if errors.Is(err, named) {
			return true
		}
	}
	return false
}

// fromServer names an error that the server sent. It recognises a constraint by its
// name, and leaves out messages, because that of a data exception quotes the value.
func fromServer(e *pgconn.PgError) error {
	switch {
	case e.Code == codeDiskFull, e.Code == codeIOError:
		return fmt.Errorf("%w: the disk of the database is full or fails: SQLSTATE %s", store.ErrUnavailable, e.Code)
	case isUnavailable(e.Code):
		return fmt.Errorf("%w: SQLSTATE %s", store.ErrUnavailable, e.Code)
	case e.Code == codeUndefinedTable:
		return fmt.Errorf("%w: %w: SQLSTATE %s", store.ErrUnavailable, store.ErrNotMigrated, e.Code)
	case isSchemaChanged(e.Code):
		return fmt.Errorf("%w: the schema is not the one that this program knows: SQLSTATE %s", store.ErrUnavailable, e.Code)
	case e.Code == codeNoEffect:
		return store.ErrNotFound
	case e.Code == codeUniqueViolation && isKey(e.ConstraintName):
		return fmt.Errorf("%w: constraint %s", store.ErrKeyTaken, e.ConstraintName)
	case e.ConstraintName != "":
		return fmt.Errorf("postgres: constraint %s, SQLSTATE %s", e.ConstraintName, e.Code)
	default:
		return fmt.Errorf("postgres: SQLSTATE %s", e.Code)
	}
}

// isUnavailable says whether a code means that the database cannot take the work
// now, while the same work may pass later.
func isUnavailable(code string) bool {
	switch code {
	case codeReadOnly, codeIdleInTx, codeSerialization, codeDeadlock, codeLockNotAvailable:
		return true
	}
	switch class(code) {
	case "08", "53", "57", "58": // connection, resources, operator, operating system
		return true
	}
	return false
}

// isLost says whether the connection is gone, so that a read may be tried on
// another one.
func isLost(err error) bool {
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		return refused.Code != codeQueryCanceled &&
			(class(refused.Code) == "08" || class(refused.Code) == "57" || refused.Code == codeIdleInTx)
	}
	var network net.Error
	return pgconn.SafeToRetry(err) || errors.As(err, &network) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, pgconn.ErrConnClosed)
}

// isKey says whether a constraint is a key that an inserted row brings with it.
func isKey(constraint string) bool {
	switch constraint {
	case "confirmations_pkey", "confirmations_id", "confirmations_idempotency_key", "confirmations_call_key",
		"api_keys_pkey", "api_keys_id", "key_checks_pkey", "pin_attempts_pkey",
		"pin_links_pkey", "pin_links_id", "pin_links_open",
		"pin_events_pkey", "pin_events_id", "pin_event_hashes_pkey", "pin_event_heads_pkey":
		return true
	}
	return false
}

// isSchemaChanged says whether a code is that of a table which is not as this program
// knows it: a column that is gone, or of another type.
func isSchemaChanged(code string) bool {
	return class(code) == "42" || code == codeStalePlan || code == codeStaleStatement || code == codeBadFormat
}

func hasCode(err error, codes ...string) bool {
	var refused *pgconn.PgError
	return errors.As(err, &refused) && slices.Contains(codes, refused.Code)
}

// isReadOnly says whether the server takes no writes, as after a failover.
func isReadOnly(err error) bool { return hasCode(err, codeReadOnly) }

// isConflict says whether the server asks for the transaction again.
func isConflict(err error) bool { return hasCode(err, codeSerialization, codeDeadlock) }

// isStale says whether a prepared statement no longer fits the table.
func isStale(err error) bool { return hasCode(err, codeStalePlan, codeStaleStatement) }

// isElsewhere says whether the same may go well on another connection.
func isElsewhere(err error) bool { return isLost(err) || isReadOnly(err) || isStale(err) }

// isNoEffect says whether a write found nothing to write to.
func isNoEffect(err error) bool { return hasCode(err, codeNoEffect) }

// mayBeCommitted says whether the error of a batch that ends with COMMIT leaves open
// what became of it. A server that refuses a statement skips the COMMIT; what was
// never sent did nothing.
func mayBeCommitted(err error) bool {
	var (
		refused  *pgconn.PgError
		unsent   pgx.ErrPreprocessingBatch
		received = errors.As(err, &refused)
	)
	switch {
	case errors.As(err, &unsent), pgconn.SafeToRetry(err), errors.Is(err, errNotCommitted), errors.Is(err, store.ErrNewerSchema):
		return false
	case received:
		return refused.Code == codeOutcomeUnknown || class(refused.Code) == "08" || refused.SeverityUnlocalized != "ERROR"
	default:
		return true
	}
}

// class returns the first two characters of a code, which name its class.
func class(code string) string { return code[:min(2, len(code))] }
