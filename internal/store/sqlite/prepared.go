package sqlite

import (
	"context"
	"database/sql"
	"sync"

	gen "github.com/hydracore/hydrapin/gen/sqlite"
)

// prepared runs queries through a pool, each text prepared once a connection:
// for a read by its key, SQLite's parser takes longer than the read. It keeps
// every text that it sees, so it is for the generated queries alone, whose number
// is fixed.
type prepared struct {
	db    *sql.DB
	stmts sync.Map // query → *sql.Stmt, closed with db
}

var _ gen.DBTX = (*prepared)(nil)

func (p *prepared) stmt(ctx context.Context, query string) (*sql.Stmt, error) {
	if known, ok := p.stmts.Load(query); ok {
		return known.(*sql.Stmt), nil //nolint:forcetypeassert // nothing else is stored
	}
	stmt, err := p.db.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	if known, ok := p.stmts.LoadOrStore(query, stmt); ok {
		_ = stmt.Close()              //nolint:sqlclosecheck // the other one is kept, and only this one closed
		return known.(*sql.Stmt), nil //nolint:forcetypeassert // nothing else is stored
	}
	return stmt, nil
}

// QueryContext implements gen.DBTX.
func (p *prepared) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	stmt, err := p.stmt(ctx, query) //nolint:sqlclosecheck // it is kept for the next
	if err != nil {
		return nil, err
	}
	return stmt.QueryContext(ctx, args...)
}

// QueryRowContext implements gen.DBTX.
func (p *prepared) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	stmt, err := p.stmt(ctx, query) //nolint:sqlclosecheck // it is kept for the next
	if err != nil {
		// A row cannot be made of an error; what failed to prepare fails here too.
		return p.db.QueryRowContext(ctx, query, args...)
	}
	return stmt.QueryRowContext(ctx, args...)
}

// ExecContext implements gen.DBTX; readers have nothing to execute.
func (p *prepared) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	return p.db.ExecContext(ctx, query, args...)
}

// PrepareContext implements gen.DBTX.
func (p *prepared) PrepareContext(ctx context.Context, query string) (*sql.Stmt, error) {
	return p.db.PrepareContext(ctx, query)
}
