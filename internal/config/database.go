package config

import (
	"path/filepath"
	"regexp"
	"strings"
)

// Engine is a kind of database.
type Engine string

// The engines.
const (
	SQLite   Engine = "sqlite"
	Postgres Engine = "postgres"
)

// Database says where everything is kept.
type Database struct {
	Engine Engine
	// Path is SQLite's file.
	Path string
	// URL is PostgreSQL's connection string, which may hold a password.
	URL Secret
}

const sqliteScheme = "sqlite://"

func defaultDatabase(dataDir string) Database {
	return Database{Engine: SQLite, Path: filepath.Join(dataDir, databaseFile)}
}

func parseDatabase(v string) (Database, string) {
	if path, ok := strings.CutPrefix(v, sqliteScheme); ok {
		if path == "" || strings.HasSuffix(path, "/") || strings.ContainsAny(path, "?#\x00") || path == ":memory:" {
			return Database{Engine: SQLite}, "must name a file after sqlite://, like sqlite:///var/lib/hydrapin/hydrapin.db, without ? or #"
		}
		return Database{Engine: SQLite, Path: filepath.Clean(path)}, ""
	}
	for _, scheme := range []string{"postgres://", "postgresql://"} {
		if rest, ok := strings.CutPrefix(v, scheme); ok {
			if rest == "" || strings.ContainsAny(v, " \t\r\n") {
				return Database{Engine: Postgres}, "must be a PostgreSQL URL without space, like postgres://user:password@host:5432/hydrapin"
			}
			return Database{Engine: Postgres, URL: NewSecret(v)}, ""
		}
	}
	return Database{}, "must begin with sqlite:// or postgres://"
}

// postgresParts finds what may be shown of a URL that is written as it should be.
var postgresParts = regexp.MustCompile(`^postgres(?:ql)?://(?:[^:/?#@]*(?::[^/?#@]*)?@)?([A-Za-z0-9._-]*(?::[0-9]+)?(?:,[A-Za-z0-9._-]*(?::[0-9]+)?)*|\[[0-9a-fA-F:]+\](?::[0-9]+)?)(/[A-Za-z0-9_-]*)?(?:\?[^@]*)?$`)

// String returns the database without user, password and options.
func (d Database) String() string {
	switch {
	case d.Engine == SQLite:
		return sqliteScheme + d.Path
	case d.URL.IsZero():
		return ""
	}
	if m := postgresParts.FindStringSubmatch(d.URL.Reveal()); m != nil {
		return "postgres://" + m[1] + m[2]
	}
	return "postgres://" + redacted
}
