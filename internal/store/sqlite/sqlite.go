// Package sqlite keeps hydrapin's records in one SQLite file. It guarantees what
// store.Store promises on one machine: every write transaction is immediate, so
// transactions that write run one after the other, over all processes that have
// the file open, and what was committed survives a power cut. It must not know a
// rule, nor any other file of the data folder.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/pressly/goose/v3"
	"go.opentelemetry.io/otel/trace"
	_ "modernc.org/sqlite" // registers the driver

	"github.com/hydracore/hydrapin/db"
	"github.com/hydracore/hydrapin/internal/store"
)

// busyTimeout is how long a transaction waits for another process's, unless its
// context ends before.
const busyTimeout = 5 * time.Second

// fileMode is for the database; SQLite gives its -wal and -shm the same.
const fileMode = 0o600

var (
	// ErrNotDurable is returned by [Open] when the file system does not carry
	// SQLite's write-ahead log, without which a spent attempt could be lost.
	ErrNotDurable = errors.New("sqlite: the file system does not support a write-ahead log")
	// ErrOldSchema is returned by [Open] for a database that a development version
	// made, whose schema no release can bring up to date.
	ErrOldSchema = errors.New("sqlite: the database was made by a development version; move its file away and start with an empty one")
	// ErrNoPath is returned by [Open] for a configuration without a path.
	ErrNoPath = errors.New("sqlite: no path")
)

// Config says where the database is.
type Config struct {
	// Path is the database file. A missing file is created with mode 0600; its folder
	// must exist.
	Path string
	// Now is a clock for tests. Nil means the machine's clock, with its jumps smoothed
	// out.
	Now func() time.Time
	// Notice reports what an operator should know while it lasts, with the arguments
	// of slog's Warn. It may be nil.
	Notice func(msg string, args ...any)
	// Traces makes a span of each query, named as the query is; nil for none. Spans have the text of
	// a query and no argument.
	Traces trace.TracerProvider
}

// Store is a store.Store on one SQLite file. Readers have connections of their
// own, so that a read never waits for a write.
type Store struct {
	path string
	// file is what was opened, by which one that was put in its place is noticed.
	file    os.FileInfo
	writer  *sql.DB
	readers *sql.DB
	// reading and writing keep the pools' prepared statements.
	reading, writing *prepared

	traces trace.TracerProvider

	hub     hub
	notice  func(msg string, args ...any)
	probing probing
	// tidying is closed as the store is; tidied ends with what tidies.
	tidying  chan struct{}
	tidied   sync.WaitGroup
	closing  sync.Once
	clock    clock
	migrator *goose.Provider
	// origin is the first migration's.
	origin string
}

var _ store.Database = (*Store)(nil)

// Open opens the database, and makes the file where there is none. It does not
// migrate. It returns store.ErrNewerSchema for a database of a newer program
// that this one cannot work beside, [ErrNotDurable], and store.ErrUnavailable
// when the file cannot be opened or written; a damaged file is a plain error.
func Open(ctx context.Context, c Config) (*Store, error) {
	if c.Path == "" {
		return nil, ErrNoPath
	}
	path, err := filepath.Abs(c.Path)
	if err != nil {
		return nil, fmt.Errorf("sqlite: %w", err)
	}
	if err := createFile(path); err != nil {
		return nil, err
	}
	s := &Store{path: path, notice: c.Notice, traces: c.Traces, tidying: make(chan struct{})}
	if s.notice == nil {
		s.notice = func(string, ...any) {}
	}
	s.clock = newRunning(time.Now, sinceBoot, s.notice)
	if c.Now != nil {
		s.clock = &steered{now: c.Now}
	}
	if err := s.connect(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Store) connect(ctx context.Context) error {
	var err error
	if s.writer, err = sql.Open("sqlite", dataSource(s.path, busyTimeout, "journal_mode(WAL)")); err != nil {
		return interpretError(ctx, err)
	}
	s.writer.SetMaxOpenConns(1)
	if s.readers, err = sql.Open("sqlite", dataSource(s.path, busyTimeout, "query_only(1)")); err != nil {
		return interpretError(ctx, err)
	}
	readers := max(4, runtime.GOMAXPROCS(0))
	s.readers.SetMaxOpenConns(readers)
	s.readers.SetMaxIdleConns(readers)
	s.reading, s.writing = newPrepared(s.readers, s.traces), newPrepared(s.writer, s.traces)

	// The writer connects first: it is the one that makes the log.
	if err := s.checkDurable(ctx); err != nil {
		return err
	}
	if s.file, err = os.Stat(s.path); err != nil {
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	if s.migrator, err = newMigrator(s.writer); err != nil {
		return err
	}
	if s.origin, err = db.Origin(db.SQLite, "sqlite/migrations/*.sql"); err != nil {
		return fmt.Errorf("sqlite: the embedded migrations: %w", err)
	}
	if err := s.checkCompatible(ctx); err != nil {
		return err
	}
	s.tidied.Go(s.tidy)
	return nil
}

// checkDurable asks rather than trusts: SQLite answers a journal mode that it
// cannot have with the one that it has, and no error.
func (s *Store) checkDurable(ctx context.Context) error {
	var mode string
	var synchronous int
	if err := s.writer.QueryRowContext(ctx, "PRAGMA journal_mode").Scan(&mode); err != nil {
		return interpretError(ctx, err)
	}
	if err := s.writer.QueryRowContext(ctx, "PRAGMA synchronous").Scan(&synchronous); err != nil {
		return interpretError(ctx, err)
	}
	if mode != "wal" || synchronous != synchronousFull {
		return ErrNotDurable
	}
	return nil
}

// errFileGone: what is written now would be lost with the process.
var errFileGone = fmt.Errorf("%w: the database file was removed or replaced while the server runs; stop the server and put the file back", store.ErrUnavailable)

// checkFile finds out whether the file that is open is still the one of that name: SQLite goes on
// to write to a file that was removed.
func (s *Store) checkFile() error {
	if now, err := os.Stat(s.path); err != nil || !os.SameFile(s.file, now) {
		return errFileGone
	}
	return nil
}

// Close closes the database. Transactions that run are waited for.
func (s *Store) Close() error {
	s.closing.Do(func() { close(s.tidying) })
	s.tidied.Wait()
	var errs []error
	for _, db := range []*sql.DB{s.readers, s.writer} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(errs...)
}

// Transactions implements store.Store: those that write run one after the other.
func (s *Store) Transactions() int { return 1 }

// Ping implements store.Store. It writes a little, at most once a second, as a disk
// that is full can still be read.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.checkFile(); err != nil {
		return err
	}
	v, err := s.schema(ctx)
	switch {
	case err != nil:
		return err
	case v.minProgram > s.newest():
		return store.ErrNewerSchema
	case v.applied < s.newest() || v.unmarked:
		return store.ErrNotMigrated
	default:
		return s.probe(ctx)
	}
}

// Watch implements store.Store. It returns nil when ctx ends. Nothing is ever
// missed: a file has one server, and its transactions wake in this process.
func (s *Store) Watch(ctx context.Context, wake func(id uuid.UUID), _ func()) error {
	defer s.hub.add(wake)()
	<-ctx.Done()
	return nil
}

// creating keeps the one moment in which this process has the file open beside
// SQLite apart from every other opening: closing any descriptor of a file drops
// the POSIX locks that the process has on it.
var creating sync.Mutex //nolint:gochecknoglobals // POSIX locks belong to the process, and so does this.

// createFile makes an empty file that only its owner can read, or leaves one
// that exists as it is.
func createFile(path string) error {
	creating.Lock()
	defer creating.Unlock()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, fileMode)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("sqlite: %w", err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("sqlite: %w", err)
	}
	return nil
}

// dataSource says how a connection to the file begins. Waiting for other
// processes comes first, as the pragmas after it may have to wait too.
func dataSource(path string, busy time.Duration, pragmas ...string) string {
	params := url.Values{"_txlock": {"immediate"}}
	for _, p := range append([]string{
		"busy_timeout(" + strconv.FormatInt(busy.Milliseconds(), 10) + ")",
		"synchronous(FULL)",
		"foreign_keys(1)",
	}, pragmas...) {
		params.Add("_pragma", p)
	}
	return "file://" + (&url.URL{Path: path}).EscapedPath() + "?" + params.Encode()
}

// Connections implements [store.Database].
func (s *Store) Connections() store.Connections {
	r, w := s.readers.Stats(), s.writer.Stats()
	return store.Connections{
		Max: r.MaxOpenConnections + w.MaxOpenConnections, Open: r.OpenConnections + w.OpenConnections,
		Busy: r.InUse + w.InUse, Waits: r.WaitCount + w.WaitCount, Waited: r.WaitDuration + w.WaitDuration,
	}
}
