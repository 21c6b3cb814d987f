// Package postgres is the store on PostgreSQL 15 or newer. It guarantees what
// store.Store says: what was saved is given back, transactions are whole, locks
// hold to their end, and the time of a transaction is the database's, read after
// the lock. It knows no rule of PINs, policies or confirmations.
//
// Connections keep settings and prepared statements, and one of them listens; so
// a pooler in front (PgBouncer and the like) must pool sessions, not transactions.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/exaring/otelpgx"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
	pgxuuid "github.com/vgarvardt/pgx-google-uuid/v5"
	"go.opentelemetry.io/otel/trace"

	"github.com/hydracore/hydrapin/db"
	gen "github.com/hydracore/hydrapin/gen/postgres"
	"github.com/hydracore/hydrapin/internal/store"
)

const (
	defaultMaxConns = 16
	minimumVersion  = 150000

	connectTimeout = 5 * time.Second
	// acquireTimeout is how long a caller waits for a connection.
	acquireTimeout = 5 * time.Second
	// statementTimeout is longer than lock_timeout and statement_timeout below, so
	// that a server that answers says itself what was wrong.
	statementTimeout = 12 * time.Second
	pingTimeout      = time.Second
	resetPause       = 50 * time.Millisecond
	// finishTimeout is for the commit and the rollback, which outlive the caller.
	finishTimeout = 10 * time.Second
)

// sessionSettings hold for each connection where the URL does not say otherwise.
var sessionSettings = map[string]string{
	"application_name":                    "hydrapin",
	"lock_timeout":                        "5s",
	"statement_timeout":                   "10s",
	"idle_in_transaction_session_timeout": "15s",
}

// readRetries are the pauses before a read is tried again on another connection.
var readRetries = []time.Duration{20 * time.Millisecond, 150 * time.Millisecond}

// ErrInvalidURL is returned by [Open] for a connection string that cannot be
// read. It never quotes it, because it may hold a password.
var ErrInvalidURL = errors.New("postgres: the database URL is not a valid postgres:// URL")

// ErrTooOld is returned by [Open] when the server is older than PostgreSQL 15.
var ErrTooOld = errors.New("postgres: PostgreSQL 15 or newer is needed")

// ErrOldSchema is returned by [Open] for a database that a development version made,
// whose schema no release can bring up to date.
var ErrOldSchema = errors.New("postgres: the database was made by a development version; drop it and start with an empty one")

// ErrPooler is returned by [Open] when what answers hands each transaction to another
// server connection.
var ErrPooler = errors.New("postgres: a pooler in front of the database pools transactions; let it pool sessions, or connect to the database itself")

// Config says which database to open.
type Config struct {
	// URL is a connection string of libpq's form; it may name several hosts, of
	// which the one that takes writes is used.
	URL string
	// MaxConns is how many connections the pool holds at most; 0 means 16. Beside
	// it, Watch holds one. A quarter is kept for reads ([Store.Transactions]), so that
	// transactions that wait for locks leave some.
	MaxConns int
	// Notice reports what an operator should know while it lasts, with the arguments
	// of slog's Warn. It may be nil.
	Notice func(msg string, args ...any)
	// Traces makes a span of each query and each batch, named as the query is; nil for none. Spans
	// have the text of a query and no argument.
	Traces trace.TracerProvider
}

// Store is a database of hydrapin on PostgreSQL. It is safe for concurrent use.
type Store struct {
	pool *pgxpool.Pool
	// slots bounds the transactions under way.
	slots chan struct{}
	// newest is the version of the newest migration of this program, origin the origin of
	// its first.
	newest int64
	origin string
	notice func(msg string, args ...any)
	closed atomic.Bool
	// lastReset is when the pool was last reset, in nanoseconds since 1970.
	lastReset atomic.Int64

	probing probing
}

var _ store.Database = (*Store)(nil)

// Open connects to the database; it does not migrate. Errors: [ErrInvalidURL],
// [ErrExecMode], [ErrTooOld], [ErrPooler], [ErrOldSchema], store.ErrUnavailable, store.ErrNewerSchema.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	pc, err := poolConfig(cfg)
	if err != nil {
		return nil, err
	}
	own, err := newest()
	if err != nil {
		return nil, err
	}
	origin, err := db.Origin(db.Postgres, "postgres/migrations/*.sql")
	if err != nil {
		return nil, fmt.Errorf("postgres: the embedded migrations: %w", err)
	}
	pool, err := pgxpool.NewWithConfig(ctx, pc)
	if err != nil {
		return nil, interpretError(err)
	}
	s := &Store{pool: pool, newest: own, origin: origin, notice: cfg.Notice, slots: make(chan struct{}, max(1, pc.MaxConns*3/4))}
	if s.notice == nil {
		s.notice = func(string, ...any) {}
	}
	if err := s.checkServer(ctx); err != nil {
		pool.Close()
		return nil, err
	}
	return s, nil
}

func poolConfig(cfg Config) (*pgxpool.Config, error) {
	pc, err := pgxpool.ParseConfig(cfg.URL)
	if err != nil {
		return nil, ErrInvalidURL
	}
	if cfg.Traces != nil {
		pc.ConnConfig.Tracer = otelpgx.NewTracer(otelpgx.WithTracerProvider(cfg.Traces), otelpgx.WithSpanNameFunc(store.QueryName))
	}
	pc.MaxConns = defaultMaxConns
	if cfg.MaxConns > 0 {
		pc.MaxConns = int32(min(cfg.MaxConns, 10_000))
	}
	pc.MinIdleConns = min(2, pc.MaxConns)
	pc.MaxConnLifetime = 30 * time.Minute
	pc.MaxConnLifetimeJitter = 5 * time.Minute
	pc.PingTimeout = pingTimeout
	pc.AfterConnect = prepareSession

	cc := pc.ConnConfig
	if err := checkExecMode(cc); err != nil {
		return nil, err
	}
	// A write must never meet a standby, whatever the URL says.
	cc.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	if cc.ConnectTimeout == 0 {
		cc.ConnectTimeout = connectTimeout
	}
	cc.DialFunc = newDialer(cc).dial
	for name, value := range sessionSettings {
		if _, set := cc.RuntimeParams[name]; !set {
			cc.RuntimeParams[name] = value
		}
	}
	return pc, nil
}

// prepareSession raises synchronous_commit to what a spent attempt needs, over
// any default of server, role, database or URL, and leaves the one level above it
// alone. Set for the session, it also survives a reload of the server's settings.
func prepareSession(ctx context.Context, conn *pgx.Conn) error {
	conn.TypeMap().RegisterType(&pgtype.Type{
		Name: "timestamptz", OID: pgtype.TimestamptzOID,
		Codec: &pgtype.TimestamptzCodec{ScanLocation: time.UTC},
	})
	// Otherwise pgx takes the way of database/sql's types: through text, and back.
	pgxuuid.Register(conn.TypeMap())
	_, err := conn.Exec(ctx, `SELECT set_config('synchronous_commit',
		CASE current_setting('synchronous_commit') WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, false)`)
	return err
}

// checkServer refuses what this program cannot work with.
func (s *Store) checkServer(ctx context.Context) error {
	err := s.read(ctx, func(ctx context.Context, db gen.DBTX) error {
		var version int
		if err := db.QueryRow(ctx, "SELECT current_setting('server_version_num')::integer").Scan(&version); err != nil {
			return err
		}
		if version < minimumVersion {
			return ErrTooOld
		}
		return s.checkCompatible(ctx, db)
	})
	if err != nil {
		return err
	}
	return s.checkPooler(ctx)
}

// Transactions implements store.Store.
func (s *Store) Transactions() int { return cap(s.slots) }

// Close gives all connections back.
func (s *Store) Close() error {
	s.closed.Store(true)
	s.pool.Close()
	return nil
}

// Ping says whether the database is reachable and migrated, and takes writes: it writes a
// little, at most once a second, as a disk that is full can still be read. Errors:
// store.ErrUnavailable, store.ErrNotMigrated, store.ErrNewerSchema.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.read(ctx, s.checkMigrated); err != nil {
		return err
	}
	return s.probe(ctx)
}

// read runs what only reads, again on another connection when one was lost.
func (s *Store) read(ctx context.Context, fn func(context.Context, gen.DBTX) error) error {
	ctx, cancel := context.WithTimeout(ctx, statementTimeout)
	defer cancel()
	err := s.retry(ctx, func() error { return fn(ctx, s.pool) })
	return s.interpret(err)
}

// retry does what may be done twice, until the connection holds.
func (s *Store) retry(ctx context.Context, fn func() error) error {
	err := fn()
	for _, pause := range readRetries {
		if err == nil || !isLost(err) && !isStale(err) || ctx.Err() != nil || s.closed.Load() {
			break
		}
		// The pool's other connections went the same way, or prepared the same.
		s.reset(err)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
		err = fn()
	}
	return err
}

// resetAfter drops the pool's connections when an error shows that they are stale: a
// connection was lost, the server no longer accepts writes, or a prepared statement no
// longer fits the schema. The next transaction then finds the current primary. A caller
// that hung up breaks only its own connection.
func (s *Store) resetAfter(err error) {
	if err != nil && !errors.Is(err, context.Canceled) && isElsewhere(err) {
		s.reset(err)
	}
}

// reset closes the pool's connections, unless that has just been done: of many that are
// lost at once each one's caller asks for it, and the later ones would close what the
// earlier ones have opened since. One that could not be opened says nothing of those
// that are.
func (s *Store) reset(err error) {
	var connect *pgconn.ConnectError
	if errors.As(err, &connect) {
		return
	}
	now := time.Now().UnixNano()
	last := s.lastReset.Load()
	if now-last > int64(resetPause) && s.lastReset.CompareAndSwap(last, now) {
		s.pool.Reset()
	}
}

// interpret is interpretError for what came from the pool.
func (s *Store) interpret(err error) error {
	if err != nil && s.closed.Load() {
		return fmt.Errorf("%w: the store is closed", store.ErrUnavailable)
	}
	return interpretError(err)
}

// Connections implements [store.Database].
func (s *Store) Connections() store.Connections {
	stat := s.pool.Stat()
	return store.Connections{
		Max: int(stat.MaxConns()), Open: int(stat.TotalConns()), Busy: int(stat.AcquiredConns()),
		Waits: stat.EmptyAcquireCount(), Waited: stat.EmptyAcquireWaitTime(),
	}
}
