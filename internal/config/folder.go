package config

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"github.com/hydracore/hydrapin/internal/auth"
)

// The files of a data folder.
const (
	databaseFile    = "hydrapin.db"
	peppersFile     = "peppers"
	receiptKeysFile = "receipt-keys"
	jwtSecretFile   = "jwt-secret"
	lockFile        = "hydrapin.lock"
)

const (
	folderMode = 0o700
	fileMode   = 0o600
)

// Folder is the data folder of embedded mode, held by one process until Close.
type Folder struct {
	lock *os.File
	made []string
}

// OpenFolder prepares the data folder: it makes what is missing, takes the lock
// that keeps a second server out, and returns the settings with the secrets that
// the environment did not set. It refuses what [Config.CheckFolder] does.
//
// The secrets are complete before the database exists, so a crash in the middle
// leaves a folder that the next start completes, and a database without its
// peppers is one that has lost them: that is refused. Errors are an [*Error].
func OpenFolder(c Config) (*Folder, Config, error) {
	if problem := c.makeFolder(); problem != nil {
		return nil, c, asError([]Problem{*problem})
	}
	lock, problem := lockFolder(c.DataDir)
	if problem != nil {
		return nil, c, asError([]Problem{*problem})
	}
	f := &Folder{lock: lock}
	completed, problems := f.complete(c)
	if len(problems) > 0 {
		_ = f.Close()
		return nil, c, asError(problems)
	}
	return f, completed, nil
}

// CheckFolder returns the settings with the secrets that the data folder has, and
// everything for which [OpenFolder] would refuse it, except that another server
// holds it. It leaves the folder as it is. Errors are an [*Error].
func (c Config) CheckFolder() (Config, error) {
	if _, err := os.Stat(c.DataDir); errors.Is(err, fs.ErrNotExist) {
		return c, asError(tryFolder(c.DataDir))
	}
	if problem := c.checkFolder(); problem != nil {
		return c, asError([]Problem{*problem})
	}
	f, err := os.CreateTemp(c.DataDir, ".hydrapin-check-")
	if err != nil {
		return c, asError([]Problem{notWritable(c.DataDir, err)})
	}
	_, _ = f.Close(), os.Remove(f.Name())
	completed, state, problems := c.examineFolder()
	if !state.hasDatabase {
		problems = append(problems, tryDatabase(c.Database.Path)...)
	}
	return completed, asError(problems)
}

// tryFolder finds out whether a folder can be created, by creating one beside it.
func tryFolder(path string) []Problem {
	dir, err := os.MkdirTemp(filepath.Dir(path), ".hydrapin-check-")
	if err != nil {
		return []Problem{cannotCreate(path, err)}
	}
	_ = os.Remove(dir)
	return nil
}

// tryDatabase finds out whether the database's file can be created.
func tryDatabase(path string) []Problem {
	f, err := os.CreateTemp(filepath.Dir(path), ".hydrapin-check-")
	if err != nil {
		return []Problem{cannotCreateDatabase(path, err)}
	}
	_, _ = f.Close(), os.Remove(f.Name())
	return nil
}

// HoldFolder makes the data folder where there is none and takes its lock. It makes
// nothing in it.
func HoldFolder(c Config) (*Folder, error) {
	if problem := c.makeFolder(); problem != nil {
		return nil, asError([]Problem{*problem})
	}
	return LockFolder(c)
}

// LockFolder takes the lock of a data folder that exists, and makes nothing else.
func LockFolder(c Config) (*Folder, error) {
	if problem := c.checkFolder(); problem != nil {
		return nil, asError([]Problem{*problem})
	}
	lock, problem := lockFolder(c.DataDir)
	if problem != nil {
		return nil, asError([]Problem{*problem})
	}
	return &Folder{lock: lock}, nil
}

// Made returns the paths of what this start made, in order.
func (f *Folder) Made() []string { return f.made }

// Close lets another server have the folder.
func (f *Folder) Close() error {
	if err := f.lock.Close(); err != nil {
		return fmt.Errorf("config: give up the data folder's lock: %w", err)
	}
	return nil
}

// ReadFolder returns the settings with those secrets of the data folder that are
// there and that the environment did not set. It makes and locks nothing. Errors
// are an [*Error].
func (c Config) ReadFolder() (Config, error) {
	if _, err := os.Stat(c.DataDir); errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if problem := c.checkFolder(); problem != nil {
		return c, asError([]Problem{*problem})
	}
	c.sources = maps.Clone(c.sources)
	var problems []Problem
	for _, s := range c.folderSecrets() {
		if _, problem := s.read(&c); problem != nil {
			problems = append(problems, *problem)
		}
	}
	return c, asError(append(problems, c.checkDatabaseFiles()...))
}

// RequireDatabase returns nil when there is a database to work on. In embedded mode
// only serve makes one, because only serve makes the peppers that it needs.
func (c Config) RequireDatabase() error {
	if !c.Embedded() {
		return nil
	}
	switch _, err := os.Stat(c.Database.Path); {
	case errors.Is(err, fs.ErrNotExist):
		return asError([]Problem{{c.Database.Path, "does not exist: start hydrapin serve once, which creates it, or name the correct folder with " +
			nameDataDir + ", or the correct database with " + nameDatabaseURL}})
	case err != nil:
		return asError([]Problem{{c.Database.Path, "cannot be read (" + cause(err) + "): run this as its owner"}})
	}
	return asError(c.checkDatabaseFiles())
}

// folderState is what examineFolder found.
type folderState struct {
	missing     []folderSecret
	hasDatabase bool
}

// examineFolder reads the secrets that are there and checks every file.
func (c Config) examineFolder() (Config, folderState, []Problem) {
	c.sources = maps.Clone(c.sources)
	var state folderState
	var problems []Problem
	for _, s := range c.folderSecrets() {
		exists, problem := s.read(&c)
		switch {
		case problem != nil:
			problems = append(problems, *problem)
		case !exists:
			state.missing = append(state.missing, s)
		}
	}
	_, err := os.Lstat(c.Database.Path)
	state.hasDatabase = err == nil
	problems = append(problems, c.checkDatabaseFiles()...)
	for _, s := range state.missing {
		if s.name == namePeppers && state.hasDatabase {
			problems = append(problems, Problem{s.path, "is missing while the database " + c.Database.Path +
				" exists: lost peppers mean lost PINs, so no new ones are created; restore the file from a backup, or set " +
				namePeppers + "; to start again with no PINs, move the database away"})
		}
	}
	return c, state, problems
}

// complete reads what is there, and only if all of that is in order makes the rest.
func (f *Folder) complete(c Config) (Config, []Problem) {
	c, state, problems := c.examineFolder()
	if len(problems) > 0 {
		return c, problems
	}
	for _, s := range state.missing {
		if err := writeFile(s.path, s.make()); err != nil {
			return c, []Problem{{s.path, "cannot be created (" + cause(err) + "): give this user a folder that it can write to, with " + nameDataDir}}
		}
		f.made = append(f.made, s.path)
		if _, problem := s.read(&c); problem != nil {
			return c, []Problem{*problem}
		}
	}
	if !state.hasDatabase {
		// SQLite would make the file with what the umask leaves, and gives its
		// journals the permissions of the file.
		if err := writeFile(c.Database.Path, ""); err != nil {
			return c, []Problem{cannotCreateDatabase(c.Database.Path, err)}
		}
		f.made = append(f.made, c.Database.Path)
	}
	return c, nil
}

func cannotCreateDatabase(path string, err error) Problem {
	return Problem{path, "cannot be created (" + cause(err) + "): its folder must exist and this user must be able to write to it"}
}

// folderSecret is a secret that a data folder holds.
type folderSecret struct {
	name, path string
	// make returns a new one as the file holds it.
	make func() string
	// set stores what the file holds.
	set func(c *Config, v string) string
}

// folderSecrets returns those that are the folder's to give: the environment wins,
// and with a JWKS there is no shared secret.
func (c Config) folderSecrets() []folderSecret {
	var out []folderSecret
	for _, s := range settings() {
		secret := folderSecret{name: s.name, set: s.set}
		switch s.name {
		case namePeppers:
			secret.path, secret.make = peppersFile, newRing
		case nameReceiptKeys:
			secret.path, secret.make = receiptKeysFile, newRing
		case nameJWTSecret:
			if c.JWKS != "" {
				continue
			}
			secret.path, secret.make = jwtSecretFile, func() string { return base64.RawURLEncoding.EncodeToString(randomBytes(auth.MinSecretBytes)) }
		default:
			continue
		}
		if c.Source(s.name) == FromDefault {
			secret.path = filepath.Join(c.DataDir, secret.path)
			out = append(out, secret)
		}
	}
	return out
}

// read stores the secret, if its file is there.
func (s folderSecret) read(c *Config) (exists bool, problem *Problem) {
	if _, err := os.Lstat(s.path); errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if problem := c.checkFile(s.path); problem != nil {
		return true, problem
	}
	value, _, text := readSecretFile(s.path, c.ownFiles())
	if text == "" {
		if text = s.set(c, value); text == "" {
			c.sources[s.name] = FromFolder
			return true, nil
		}
	}
	return true, &Problem{s.path, "holds no " + s.name + " (it " + text + "): restore the file from a backup"}
}

// newRing returns a ring of one key. Its id is random so that a ring that was lost
// and replaced never gives an old id to other bytes.
func newRing() string {
	return "k" + hex.EncodeToString(randomBytes(4)) + ":" + base64.StdEncoding.EncodeToString(randomBytes(ringKeySize))
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // documented never to fail: it ends the program instead
	return b
}

// makeFolder makes the data folder, or checks the one that is there.
func (c Config) makeFolder() *Problem {
	if err := os.Mkdir(c.DataDir, folderMode); err != nil && !errors.Is(err, fs.ErrExist) {
		problem := cannotCreate(c.DataDir, err)
		return &problem
	}
	return c.checkFolder()
}

// cannotCreate says why a folder cannot be created. Where the parent is there, as /proc
// is, its file system takes no folders.
func cannotCreate(path string, err error) Problem {
	parent := filepath.Dir(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return Problem{path, "cannot be created (" + cause(err) + "): name a folder that this user can create, with " + nameDataDir}
	}
	if _, err := os.Stat(parent); err == nil {
		return Problem{path, "cannot be created, because no folder can be created in " + parent + ": name another folder with " + nameDataDir}
	}
	return Problem{path, "cannot be created, because its parent does not exist: mkdir -p " + quote(parent)}
}

func notWritable(dir string, err error) Problem {
	return Problem{dir, "is not writable (" + cause(err) + "): run this as its owner, or name another folder with " + nameDataDir}
}

// ownFiles is how closely the data folder's files are kept.
func (c Config) ownFiles() keeping {
	if c.DataGroupAccess {
		return sharedFile
	}
	return ownFile
}

func (c Config) checkFolder() *Problem {
	path, kept := c.DataDir, ownFolder
	if c.DataGroupAccess {
		kept = sharedFolder
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &Problem{path, "does not exist: start hydrapin serve once, which creates it, or name the correct folder with " + nameDataDir}
	case err != nil:
		return &Problem{path, "cannot be read (" + cause(err) + "): run this as its owner"}
	case !info.IsDir():
		return &Problem{path, "is not a folder: name another with " + nameDataDir}
	}
	if text, _ := kept.check(path, info); text != "" {
		return &Problem{path, text}
	}
	return nil
}

// checkFile refuses a file of the data folder that others may open. That it is not
// there is no problem.
func (c Config) checkFile(path string) *Problem {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return &Problem{path, "cannot be read (" + cause(err) + "): run this as its owner"}
	case !info.Mode().IsRegular():
		return &Problem{path, "is not a file: move it away"}
	}
	if text, _ := c.ownFiles().check(path, info); text != "" {
		return &Problem{path, text}
	}
	return nil
}

// checkDatabaseFiles checks the database, what SQLite keeps beside it, and the lock.
func (c Config) checkDatabaseFiles() []Problem {
	var problems []Problem
	for _, path := range []string{
		c.Database.Path, c.Database.Path + "-wal", c.Database.Path + "-shm", c.Database.Path + "-migrate",
		filepath.Join(c.DataDir, lockFile),
	} {
		if problem := c.checkFile(path); problem != nil {
			problems = append(problems, *problem)
		}
	}
	return problems
}

// writeFile makes a file that is either there whole, also after a power cut, or
// not at all. The caller holds the folder's lock, so what has the temporary name
// is left over from a crash.
func writeFile(path, content string) error {
	temporary := path + ".new"
	if err := os.Remove(temporary); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		return err
	}
	if content != "" {
		content += "\n"
	}
	_, err = f.WriteString(content)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(temporary, path); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

// syncFolder makes the names in a folder outlive a power cut.
func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// quote makes a path fit for a shell.
func quote(path string) string {
	const plain = ringIDChars + "./"
	if path != "" && strings.Trim(path, plain) == "" {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}
