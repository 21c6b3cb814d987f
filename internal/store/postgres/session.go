package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// ErrExecMode is returned by [Open] for a URL that asks for statements without types.
var ErrExecMode = errors.New("postgres: default_query_exec_mode exec and simple_protocol send values without their types; remove it from the database URL")

// statementCache is how many statements a connection keeps; there are fewer.
const statementCache = 512

// checkExecMode lets through the modes in which a value is sent with its type, and
// gives each the cache that it needs.
func checkExecMode(cc *pgx.ConnConfig) error {
	switch cc.DefaultQueryExecMode {
	case pgx.QueryExecModeCacheStatement, pgx.QueryExecModeCacheDescribe, pgx.QueryExecModeDescribeExec:
	default:
		return ErrExecMode
	}
	cc.StatementCacheCapacity = max(cc.StatementCacheCapacity, statementCache)
	cc.DescriptionCacheCapacity = max(cc.DescriptionCacheCapacity, statementCache)
	return nil
}

// poolerRounds is how often one looks for a pooler: one that goes round its servers may
// give the same one twice by chance.
const poolerRounds = 3

// checkPooler refuses what pools transactions: settings, prepared statements and what
// LISTEN asks for belong to a server's session. While a second connection is in a
// transaction, the first must still speak to its own server.
func (s *Store) checkPooler(ctx context.Context) error {
	if s.pool.Config().MaxConns < 2 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	first, err := s.pool.Acquire(ctx)
	if err != nil {
		return s.interpret(err)
	}
	defer first.Release()
	second, err := s.pool.Acquire(ctx)
	if err != nil {
		return s.interpret(err)
	}
	defer second.Release()
	for range poolerRounds {
		same, err := keepsServer(ctx, first, second)
		if err != nil {
			return s.interpret(err)
		}
		if !same {
			return ErrPooler
		}
	}
	return nil
}

func keepsServer(ctx context.Context, first, second *pgxpool.Conn) (same bool, err error) {
	pid := func() (pid int64, err error) {
		err = first.QueryRow(ctx, "SELECT pg_backend_pid()", pgx.QueryExecModeSimpleProtocol).Scan(&pid)
		return pid, err
	}
	before, err := pid()
	if err != nil {
		return false, err
	}
	if _, err := second.Exec(ctx, "BEGIN"); err != nil {
		return false, err
	}
	after, err := pid()
	_, rollbackErr := second.Exec(ctx, "ROLLBACK")
	return before == after, errors.Join(err, rollbackErr)
}
