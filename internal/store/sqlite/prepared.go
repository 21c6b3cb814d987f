package sqlite

import (
	"context"
	"database/sql"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	gen "github.com/hydracore/hydrapin/gen/sqlite"
	"github.com/hydracore/hydrapin/internal/store"
)

// prepared runs queries through a pool, each text prepared once a connection:
// for a read by its key, SQLite's parser takes longer than the read. It keeps
// every text that it sees, so it is for the generated queries alone, whose number
// is fixed.
type prepared struct {
	db    *sql.DB
	stmts sync.Map // query → *sql.Stmt, closed with db
	// tracer is nil for no traces.
	tracer trace.Tracer
}

func newPrepared(db *sql.DB, traces trace.TracerProvider) *prepared {
	p := &prepared{db: db}
	if traces != nil {
		p.tracer = traces.Tracer("github.com/hydracore/hydrapin/internal/store/sqlite")
	}
	return p
}

// span begins the span of a query, and returns what ends it.
func (p *prepared) span(ctx context.Context, query string) (context.Context, func()) {
	if p.tracer == nil {
		return ctx, func() {}
	}
	ctx, span := p.tracer.Start(ctx, store.QueryName(query), trace.WithSpanKind(trace.SpanKindClient),
		trace.WithAttributes(attribute.String("db.system", "sqlite"), attribute.String("db.statement", query)))
	return ctx, func() { span.End() }
}

var _ gen.DBTX = (*prepared)(nil)

// known returns the statement of a text that was prepared.
func (p *prepared) known(query string) (*sql.Stmt, bool) {
	stmt, ok := p.stmts.Load(query)
	if !ok {
		return nil, false
	}
	return stmt.(*sql.Stmt), true //nolint:forcetypeassert // nothing else is stored
}

func (p *prepared) stmt(ctx context.Context, query string) (*sql.Stmt, error) {
	if stmt, ok := p.known(query); ok {
		return stmt, nil
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

// learn prepares texts for the next time. One that cannot be prepared fails there.
func (p *prepared) learn(ctx context.Context, queries []string) {
	for _, query := range queries {
		_, _ = p.stmt(ctx, query) //nolint:sqlclosecheck // it is kept for the next
	}
}

// QueryContext implements gen.DBTX.
func (p *prepared) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	ctx, done := p.span(ctx, query)
	defer done()
	stmt, err := p.stmt(ctx, query) //nolint:sqlclosecheck // it is kept for the next
	if err != nil {
		return nil, err
	}
	return stmt.QueryContext(ctx, args...) //nolint:sqlclosecheck // its caller closes the rows
}

// QueryRowContext implements gen.DBTX.
func (p *prepared) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	ctx, done := p.span(ctx, query)
	defer done()
	stmt, err := p.stmt(ctx, query) //nolint:sqlclosecheck // it is kept for the next
	if err != nil {
		// A row cannot be made of an error; what failed to prepare fails here too.
		return p.db.QueryRowContext(ctx, query, args...)
	}
	return stmt.QueryRowContext(ctx, args...)
}

// ExecContext implements gen.DBTX; readers have nothing to execute.
func (p *prepared) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	ctx, done := p.span(ctx, query)
	defer done()
	return p.db.ExecContext(ctx, query, args...)
}

// PrepareContext implements gen.DBTX.
func (p *prepared) PrepareContext(ctx context.Context, query string) (*sql.Stmt, error) {
	return p.db.PrepareContext(ctx, query)
}

// preparedTx runs queries in a transaction, by the statements that its pool has
// prepared. The pool's one connection is taken by the transaction, so a text that is
// new runs as it is and is prepared afterwards.
type preparedTx struct {
	tx       *sql.Tx
	prepared *prepared
	unknown  []string
}

var _ gen.DBTX = (*preparedTx)(nil)

func (p *preparedTx) stmt(ctx context.Context, query string) (*sql.Stmt, bool) {
	stmt, ok := p.prepared.known(query)
	if !ok {
		p.unknown = append(p.unknown, query)
		return nil, false
	}
	return p.tx.StmtContext(ctx, stmt), true
}

// QueryContext implements gen.DBTX.
func (p *preparedTx) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	ctx, done := p.prepared.span(ctx, query)
	defer done()
	if stmt, ok := p.stmt(ctx, query); ok { //nolint:sqlclosecheck // it ends with the transaction
		return stmt.QueryContext(ctx, args...) //nolint:sqlclosecheck // its caller closes the rows
	}
	return p.tx.QueryContext(ctx, query, args...) //nolint:sqlclosecheck // its caller closes the rows
}

// QueryRowContext implements gen.DBTX.
func (p *preparedTx) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	ctx, done := p.prepared.span(ctx, query)
	defer done()
	if stmt, ok := p.stmt(ctx, query); ok { //nolint:sqlclosecheck // it ends with the transaction
		return stmt.QueryRowContext(ctx, args...)
	}
	return p.tx.QueryRowContext(ctx, query, args...)
}

// ExecContext implements gen.DBTX.
func (p *preparedTx) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	ctx, done := p.prepared.span(ctx, query)
	defer done()
	if stmt, ok := p.stmt(ctx, query); ok { //nolint:sqlclosecheck // it ends with the transaction
		return stmt.ExecContext(ctx, args...)
	}
	return p.tx.ExecContext(ctx, query, args...)
}

// PrepareContext implements gen.DBTX.
func (p *preparedTx) PrepareContext(ctx context.Context, query string) (*sql.Stmt, error) {
	return p.tx.PrepareContext(ctx, query)
}
