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
			if problem := postgresProblem(rest); problem != "" {
				return Database{Engine: Postgres}, problem
			}
			return Database{Engine: Postgres, URL: NewSecret(v)}, ""
		}
	}
	return Database{}, "must begin with sqlite:// or postgres://"
}

var (
	badEscape = regexp.MustCompile(`%(?:[^0-9A-Fa-f]|.[^0-9A-Fa-f]|.?$)`)
	// userinfo is what RFC 3986 section 3.2.1 allows. The driver takes what follows an @ in a
	// password for the host, and its error would print that part of the password.
	userinfo = regexp.MustCompile(`^[A-Za-z0-9._~!$&'()*+,;=:%-]*$`)
	hosts    = regexp.MustCompile(`^(?:[A-Za-z0-9._%-]*|\[[^\]]*\])(?::[0-9]*)?(?:,(?:[A-Za-z0-9._%-]*|\[[^\]]*\])(?::[0-9]*)?)*$`)
)

// postgresProblem finds what the driver would call an invalid URL without saying
// why. Mostly it is a password whose special characters were not escaped.
func postgresProblem(rest string) string {
	const escape = "write # as %23, % as %25, / as %2F, ? as %3F, @ as %40 and space as %20 in user and password"
	end := strings.IndexAny(rest, "/?")
	if end < 0 {
		end = len(rest)
	}
	authority, tail := rest[:end], rest[end:]
	user, host, hasUser := cutLast(authority, "@")
	if !hasUser {
		host = authority
	}
	switch {
	case rest == "" || strings.ContainsAny(rest, " \t\r\n"):
		return "must be a PostgreSQL URL without space, like postgres://user:password@host:5432/hydrapin; " + escape
	case strings.Contains(rest, "#"):
		return "has a # that is not escaped: " + escape
	case badEscape.MatchString(rest):
		return "has a % that is not followed by two hexadecimal digits: " + escape
	case hasUser && !userinfo.MatchString(user):
		return "has a character in user or password that is not escaped: " + escape
	case !hosts.MatchString(host):
		if strings.Contains(tail, "@") {
			return "has a / or ? in user or password that is not escaped: " + escape
		}
		return "must name hosts as host:port, separated by commas, like postgres://user:password@db1:5432,db2:5432/hydrapin"
	}
	return ""
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
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
