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
	// others are the rights that nobody but the owner may have.
	others = 0o077
)

// Folder is the data folder of embedded mode, held by one process until Close.
type Folder struct {
	lock *os.File
	made []string
}

// OpenFolder prepares the data folder: it makes what is missing, takes the lock
// that keeps a second server off, and returns the settings with the secrets that
// the environment did not set.
//
// The secrets are complete before the database exists, so a crash in the middle
// leaves a folder that the next start completes, and a database without its
// peppers is one that has lost them: that is refused. Faults are an [*Error].
func OpenFolder(c Config) (*Folder, Config, error) {
	if fault := makeFolder(c.DataDir); fault != nil {
		return nil, c, asError([]Fault{*fault})
	}
	lock, fault := lockFolder(c.DataDir)
	if fault != nil {
		return nil, c, asError([]Fault{*fault})
	}
	f := &Folder{lock: lock}
	completed, faults := f.complete(c)
	if len(faults) > 0 {
		_ = f.Close()
		return nil, c, asError(faults)
	}
	return f, completed, nil
}

// LockFolder takes the lock of a data folder that exists, and makes nothing else.
func LockFolder(c Config) (*Folder, error) {
	if fault := checkFolder(c.DataDir); fault != nil {
		return nil, asError([]Fault{*fault})
	}
	lock, fault := lockFolder(c.DataDir)
	if fault != nil {
		return nil, asError([]Fault{*fault})
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
// there and that the environment did not set. It makes and locks nothing. Faults
// are an [*Error].
func (c Config) ReadFolder() (Config, error) {
	if _, err := os.Stat(c.DataDir); errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if fault := checkFolder(c.DataDir); fault != nil {
		return c, asError([]Fault{*fault})
	}
	c.sources = maps.Clone(c.sources)
	var faults []Fault
	for _, s := range c.folderSecrets() {
		if _, fault := s.read(&c); fault != nil {
			faults = append(faults, *fault)
		}
	}
	if fault := checkFile(c.Database.Path); fault != nil {
		faults = append(faults, *fault)
	}
	return c, asError(faults)
}

// RequireDatabase returns nil when there is a database to work on. In embedded mode
// only serve makes one, because only serve makes the peppers that it needs.
func (c Config) RequireDatabase() error {
	if !c.Embedded() {
		return nil
	}
	switch _, err := os.Stat(c.Database.Path); {
	case errors.Is(err, fs.ErrNotExist):
		return asError([]Fault{{c.Database.Path, "does not exist: start hydrapin serve once, which makes it, or name the right folder with " +
			nameDataDir + ", or the right database with " + nameDatabaseURL}})
	case err != nil:
		return asError([]Fault{{c.Database.Path, "cannot be read (" + cause(err) + "): run this as its owner"}})
	}
	if fault := checkFile(c.Database.Path); fault != nil {
		return asError([]Fault{*fault})
	}
	return nil
}

// complete reads what is there, and only if all of that is right makes the rest.
func (f *Folder) complete(c Config) (Config, []Fault) {
	c.sources = maps.Clone(c.sources)
	var missing []folderSecret
	var faults []Fault
	for _, s := range c.folderSecrets() {
		exists, fault := s.read(&c)
		switch {
		case fault != nil:
			faults = append(faults, *fault)
		case !exists:
			missing = append(missing, s)
		}
	}
	_, err := os.Lstat(c.Database.Path)
	hasDatabase := err == nil
	if fault := checkFile(c.Database.Path); fault != nil {
		faults = append(faults, *fault)
	}
	for _, s := range missing {
		if s.name == namePeppers && hasDatabase {
			faults = append(faults, Fault{s.path, "is gone while the database " + c.Database.Path +
				" is there: lost peppers mean lost PINs, so no new ones are made; bring the file back from a backup, or set " +
				namePeppers + "; to begin anew, move the database away"})
		}
	}
	if len(faults) > 0 {
		return c, faults
	}
	for _, s := range missing {
		if err := writeFile(s.path, s.make()); err != nil {
			return c, []Fault{{s.path, "cannot be made (" + cause(err) + "): give this user a folder to write to with " + nameDataDir}}
		}
		f.made = append(f.made, s.path)
		if _, fault := s.read(&c); fault != nil {
			return c, []Fault{*fault}
		}
	}
	if !hasDatabase {
		// SQLite would make the file with what the umask leaves, and gives its
		// journals the rights of the file.
		if err := writeFile(c.Database.Path, ""); err != nil {
			return c, []Fault{{c.Database.Path, "cannot be made (" + cause(err) + "): its folder must exist and be writable"}}
		}
		f.made = append(f.made, c.Database.Path)
	}
	return c, nil
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
func (s folderSecret) read(c *Config) (exists bool, fault *Fault) {
	if _, err := os.Lstat(s.path); errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if fault := checkFile(s.path); fault != nil {
		return true, fault
	}
	value, problem := readSecretFile(s.path)
	if problem == "" {
		if problem = s.set(c, value); problem == "" {
			c.sources[s.name] = FromFolder
			return true, nil
		}
	}
	return true, &Fault{s.path, "holds no " + s.name + " (it " + strings.TrimPrefix(problem, "it ") + "): bring the file back from a backup"}
}

// newRing returns a ring of one key. Its id is random so that a ring that was lost
// and made anew never gives an old id to other bytes.
func newRing() string {
	return "k" + hex.EncodeToString(randomBytes(4)) + ":" + base64.StdEncoding.EncodeToString(randomBytes(ringKeySize))
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // documented never to fail: it ends the program instead
	return b
}

// makeFolder makes the data folder, or checks the one that is there.
func makeFolder(path string) *Fault {
	err := os.Mkdir(path, folderMode)
	switch {
	case err == nil || errors.Is(err, fs.ErrExist):
		return checkFolder(path)
	case errors.Is(err, fs.ErrNotExist):
		return &Fault{path, "cannot be made, because its parent does not exist: mkdir -p " + quote(filepath.Dir(path))}
	default:
		return &Fault{path, "cannot be made (" + cause(err) + "): name a folder that this user may make with " + nameDataDir}
	}
}

func checkFolder(path string) *Fault {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &Fault{path, "does not exist: start hydrapin serve once, which makes it, or name the right folder with " + nameDataDir}
	case err != nil:
		return &Fault{path, "cannot be read (" + cause(err) + "): run this as its owner"}
	case !info.IsDir():
		return &Fault{path, "is not a folder: name another with " + nameDataDir}
	case info.Mode().Perm()&others != 0:
		return &Fault{path, "is open to other users: chmod 700 " + quote(path)}
	}
	return nil
}

// checkFile refuses a file with secrets that others may open. That it is not there
// is no fault.
func checkFile(path string) *Fault {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return &Fault{path, "cannot be read (" + cause(err) + "): run this as its owner"}
	case !info.Mode().IsRegular():
		return &Fault{path, "is not a file: move it away"}
	case info.Mode().Perm()&others != 0:
		return &Fault{path, "is open to other users: chmod 600 " + quote(path)}
	}
	return nil
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
