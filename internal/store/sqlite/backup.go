package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/hydracore/hydrapin/internal/store"
)

const (
	// partialSuffix is of a backup that is being written, restoringSuffix of a database that
	// is being restored. What has such a name is not whole.
	partialSuffix   = ".partial"
	restoringSuffix = ".restoring"
)

// header is how every SQLite database begins.
const header = "SQLite format 3\x00"

var (
	// ErrBackupRuns is returned by [Store.Backup] while another process writes a backup to
	// the same file.
	ErrBackupRuns = errors.New("sqlite: another backup is being written to this file")
	// ErrNoBackup is returned by [Restore] for a file that is not a database of hydrapin.
	ErrNoBackup = errors.New("sqlite: the file is not a backup of hydrapin")
	// ErrCopyOfLive is returned by [Restore] for a file with a journal beside it, which
	// holds what the file lacks.
	ErrCopyOfLive = errors.New("sqlite: the file was copied from a database in use, and lacks what is in its journal")
	// ErrDamaged is returned by [Restore] for a backup that SQLite finds damaged.
	ErrDamaged = errors.New("sqlite: the backup is damaged")
)

// Backup writes the database, as it is at one moment, to a new file with mode 0600, while
// it is in use. The file is there whole, also after a power cut, or not at all: until then
// it has another name. Errors: fs.ErrExist when the file exists, [ErrBackupRuns].
func (s *Store) Backup(ctx context.Context, path string) (err error) {
	if path, err = filepath.Abs(path); err != nil {
		return fmt.Errorf("sqlite: %w", err)
	}
	if err := absent(path); err != nil {
		return err
	}
	partial, err := holdPartial(path + partialSuffix)
	if err != nil {
		return err
	}
	// It is closed last: closing any descriptor of a file drops SQLite's locks on it.
	defer func() { _ = partial.Close() }()
	defer func() {
		if err != nil {
			_ = os.Remove(partial.Name())
		}
	}()
	if err := s.vacuumInto(ctx, partial.Name()); err != nil {
		return err
	}
	if err := partial.Sync(); err != nil {
		return fmt.Errorf("sqlite: %w", err)
	}
	return publish(partial.Name(), path)
}

// vacuumInto copies the database to an empty file, on a connection of its own: the copy may
// take long, and neither reads nor writes wait for it.
func (s *Store) vacuumInto(ctx context.Context, path string) (err error) {
	db, err := sql.Open("sqlite", dataSource(s.path, busyTimeout))
	if err != nil {
		return interpretError(ctx, err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if _, err := db.ExecContext(ctx, "VACUUM INTO ?", path); err != nil {
		return fmt.Errorf("copy the database: %w", interpretError(ctx, err))
	}
	return nil
}

// holdPartial opens a file for this process alone, and empties what a process that was
// killed has left in it.
func holdPartial(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, fileMode)
	if err != nil {
		return nil, fmt.Errorf("sqlite: %w", err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = ErrBackupRuns
	}
	if err == nil {
		// Whoever held the file before may have given it its name, or removed it.
		var named, held os.FileInfo
		if held, err = f.Stat(); err == nil {
			named, err = os.Lstat(path)
		}
		if errors.Is(err, fs.ErrNotExist) || err == nil && !os.SameFile(named, held) {
			err = ErrBackupRuns
		}
	}
	if err == nil {
		err = errors.Join(f.Truncate(0), f.Chmod(fileMode))
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

// Restore makes a database from a backup: it copies the file, checks and migrates the copy,
// lets finish complete it, and only then gives it its path. The caller keeps other
// processes off the path. Errors: fs.ErrExist when there is a database, [ErrNoBackup],
// [ErrCopyOfLive], [ErrDamaged], [ErrOldSchema], store.ErrNewerSchema.
func Restore(ctx context.Context, backup, path string, finish func(context.Context, *Store) error) (err error) {
	if path, err = filepath.Abs(path); err != nil {
		return fmt.Errorf("sqlite: %w", err)
	}
	// A journal that a removed database has left would be applied to the new one.
	for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
		if err := absent(path + suffix); err != nil {
			return err
		}
	}
	copied := path + restoringSuffix
	defer func() {
		if err != nil {
			_ = removeDatabase(copied)
		}
	}()
	if err := removeDatabase(copied); err != nil {
		return err
	}
	if err := copyBackup(backup, copied); err != nil {
		return err
	}
	if err := complete(ctx, copied, finish); err != nil {
		return err
	}
	if err := syncFile(copied); err != nil {
		return err
	}
	return publish(copied, path)
}

// complete checks a restored file and lets finish complete it. Afterwards everything is in
// the file itself.
func complete(ctx context.Context, path string, finish func(context.Context, *Store) error) error {
	s, err := Open(ctx, Config{Path: path})
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }() // after an error; below it is closed for good
	v, err := s.schema(ctx)
	if err != nil {
		return err
	}
	if v.applied == 0 {
		return ErrNoBackup
	}
	var found string
	if err := s.writer.QueryRowContext(ctx, "PRAGMA integrity_check(1)").Scan(&found); err != nil {
		return interpretError(ctx, err)
	}
	if found != "ok" {
		return fmt.Errorf("%w: %s", ErrDamaged, found)
	}
	if err := s.Migrate(ctx); err != nil {
		return err
	}
	if err := finish(ctx, s); err != nil {
		return err
	}
	// The last connection that closes moves the log into the file and removes it.
	if err := s.Close(); err != nil {
		return err
	}
	if err := absent(path + "-wal"); err != nil {
		return fmt.Errorf("%w: the log of the restored database could not be moved into it", store.ErrUnavailable)
	}
	return os.Remove(path + "-migrate")
}

// copyBackup copies a backup to a new file.
func copyBackup(backup, path string) (err error) {
	if info, err := os.Stat(backup + "-wal"); err == nil && info.Size() > 0 {
		return ErrCopyOfLive
	}
	from, err := os.Open(backup)
	if err != nil {
		return fmt.Errorf("sqlite: %w", err)
	}
	defer func() { _ = from.Close() }()
	begins := make([]byte, len(header))
	if _, err := io.ReadFull(from, begins); err != nil || string(begins) != header {
		return ErrNoBackup
	}
	to, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		return fmt.Errorf("sqlite: %w", err)
	}
	_, err = io.Copy(to, io.MultiReader(bytes.NewReader(begins), from))
	return errors.Join(err, to.Close())
}

// removeDatabase removes a database that is not whole, with what SQLite kept beside it.
func removeDatabase(path string) error {
	for _, suffix := range []string{"", "-wal", "-shm", "-journal", "-migrate"} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("sqlite: %w", err)
		}
	}
	return nil
}

// absent returns fs.ErrExist for a path where there is something.
func absent(path string) error {
	_, err := os.Lstat(path)
	switch {
	case err == nil:
		return &fs.PathError{Op: "create", Path: path, Err: fs.ErrExist}
	case errors.Is(err, fs.ErrNotExist):
		return nil
	default:
		return fmt.Errorf("sqlite: %w", err)
	}
}

// publish gives a complete file its name, and replaces none.
func publish(from, to string) error {
	err := os.Link(from, to)
	switch {
	case err == nil:
		err = os.Remove(from)
	case errors.Is(err, fs.ErrExist):
		return &fs.PathError{Op: "create", Path: to, Err: fs.ErrExist}
	default:
		// Not every file system has links.
		if err := absent(to); err != nil {
			return err
		}
		err = os.Rename(from, to)
	}
	if err == nil {
		err = syncFile(filepath.Dir(to))
	}
	if err != nil {
		return fmt.Errorf("sqlite: %w", err)
	}
	return nil
}

// syncFile makes a file, or the names in a folder, outlive a power cut.
func syncFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("sqlite: %w", err)
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("sqlite: %w", err)
	}
	return nil
}
