package twins_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/hydracore/hydrapin/internal/pgtest"
	"github.com/hydracore/hydrapin/internal/store/sqlite"
)

var (
	planned = regexp.MustCompile(`(?ms)^-- name: (ScanEvents\w*|GetSequencedEvent|LastHeadBefore|ListQueuedEvents|OldestQueuedEvent|LockUnkeptTrees) :\w+\n(.*?);`)
	pgArg   = regexp.MustCompile(`@(\w+)(::\w+)?`)
	liteArg = regexp.MustCompile(`sqlc\.arg\((\w+)\)`)
)

// values are arguments of the trail's queries.
func value(name string) string {
	switch {
	case name == "type", name == "actor_id":
		return "'x'"
	case strings.HasSuffix(name, "_id"):
		return "'6f1b2c34-5d6e-4f70-8a9b-0c1d2e3f4a5b'"
	case name == "before_at", name == "from_at":
		return "'2026-11-01T00:00:00Z'"
	default:
		return "7"
	}
}

// queriesOf returns the trail's queries of a store by their names.
func queriesOf(t *testing.T, engine string, arg *regexp.Regexp) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, file := range []string{"events.sql", "trail.sql"} {
		text, err := os.ReadFile(filepath.Join("..", "..", "..", "db", engine, "queries", file))
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range planned.FindAllStringSubmatch(string(text), -1) {
			query := arg.ReplaceAllStringFunc(match[2], func(s string) string {
				name := arg.FindStringSubmatch(s)[1]
				if match[1] == "LockUnkeptTrees" && name == "before" {
					name = "before_at"
				}
				return value(name)
			})
			all[match[1]] = query
		}
	}
	if len(all) != 17 {
		t.Fatalf("%s has %d of the queries", engine, len(all))
	}
	return all
}

// TestTheTrailIsReadByIndex says that no reading of the trail scans or sorts a table: it takes what
// it returns from an index, in order, however many events there are.
func TestTheTrailIsReadByIndex(t *testing.T) {
	t.Parallel()
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		conn, err := pgx.Connect(t.Context(), pgtest.New(t, migrate))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close(context.Background()) }()
		// An empty table is read as a whole, unless that is made expensive.
		if _, err := conn.Exec(t.Context(), "SET enable_seqscan = off; SET enable_sort = off; SET enable_bitmapscan = off"); err != nil {
			t.Fatal(err)
		}
		for name, query := range queriesOf(t, "postgres", pgArg) {
			rows, err := conn.Query(t.Context(), "EXPLAIN "+query, pgx.QueryExecModeSimpleProtocol)
			if err != nil {
				t.Fatal(err)
			}
			lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			plan := strings.Join(lines, "\n")
			if strings.Contains(plan, "Seq Scan") || strings.Contains(plan, "Sort") || !strings.Contains(plan, "Index") {
				t.Errorf("%s:\n%s", name, plan)
			}
		}
	})
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "hydrapin.db")
		s, err := sqlite.Open(t.Context(), sqlite.Config{Path: path})
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(s.Migrate(t.Context()), s.Close()); err != nil {
			t.Fatal(err)
		}
		db, err := sql.Open("sqlite", path)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = db.Close() }()
		for name, query := range queriesOf(t, "sqlite", liteArg) {
			plan := plan(t, db, query)
			if !slices.ContainsFunc(plan, func(line string) bool { return strings.Contains(line, " USING ") }) ||
				slices.ContainsFunc(plan, func(line string) bool { return strings.Contains(line, "TEMP B-TREE") }) {
				t.Errorf("%s: %q", name, plan)
			}
		}
	})
}

func plan(t *testing.T, db *sql.DB, query string) (lines []string) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+query)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var id, parent, unused int
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, detail)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return lines
}
