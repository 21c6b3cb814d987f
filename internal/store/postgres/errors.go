package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hydracore/hydrapin/internal/store"
)

// The codes that are looked at by themselves (PostgreSQL manual, appendix A).
const (
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
	)
	switch {
	case err == nil:
		return nil
	case isNamed(err):
		return err
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
	default:
		return fmt.Errorf("postgres: the driver failed with a %T", err)
	}
}

// isNamed says whether an error is one of the project's own already.
func isNamed(err error) bool {
	return errors.Is(err, store.ErrUnavailable) || errors.Is(err, store.ErrNotFound) ||
		errors.Is(err, store.ErrNotMigrated) || errors.Is(err, store.ErrNewerSchema) || errors.Is(err, ErrTooOld)
}

// fromServer names an error that the server sent. A constraint is told by its
// name; messages are left out, as that of a data exception quotes the value.
func fromServer(e *pgconn.PgError) error {
	switch {
	case isUnavailable(e.Code):
		return fmt.Errorf("%w: SQLSTATE %s", store.ErrUnavailable, e.Code)
	case e.Code == codeUndefinedTable:
		return fmt.Errorf("%w: SQLSTATE %s", store.ErrNotMigrated, e.Code)
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

// isReadOnly says whether the server takes no writes, as after a failover.
func isReadOnly(err error) bool {
	var refused *pgconn.PgError
	return errors.As(err, &refused) && refused.Code == codeReadOnly
}

// class returns the first two characters of a code, which name its class.
func class(code string) string { return code[:min(2, len(code))] }
