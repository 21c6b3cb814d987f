// Package twins_test holds the two schemas together: what is called by a name in one
// store is there by that name in the other.
package twins_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	_ "modernc.org/sqlite" // registers the driver

	"github.com/hydracore/hydrapin/internal/pgtest"
	"github.com/hydracore/hydrapin/internal/store/postgres"
	"github.com/hydracore/hydrapin/internal/store/sqlite"
)

// differences are the lines of one schema that the other lacks, with the reason.
var differences = map[string]string{
	"table duties": "SQLite: whoever is in a transaction has the database for itself, so no row is locked",
	"index pin_events_guesses (tenant_id, instance_id, occurred_at) where type = any array['pin.failed', 'pin.verified']": "PostgreSQL writes IN in its own way",
	"index pin_events_guesses (tenant_id, instance_id, occurred_at) where type in 'pin.failed', 'pin.verified'":           "as above",
	"column duties.name not null":                          "as its table",
	"key duties_pkey (name)":                               "as its table",
	"check freezes_flags":                                  "PostgreSQL has a boolean type",
	"check pins_flags":                                     "PostgreSQL has a boolean type",
	"check pin_policies_flags":                             "as above",
	"check pin_sessions_flags":                             "as above",
	"check confirmations_flags":                            "as above",
	"check webhooks_events":                                "PostgreSQL has arrays, SQLite a JSON text that could be something else",
	"check api_keys_scopes":                                "PostgreSQL has arrays, SQLite a JSON text that could be something else",
	"column duties.holder not null":                        "as its table",
	"column duties.leased_until not null":                  "as its table",
	"check pin_event_queue_flags":                          "PostgreSQL has a boolean type",
	"key pin_event_queue_pkey (tenant_id, seq)":            "SQLite numbers rows by an INTEGER PRIMARY KEY of one column alone",
	"key pin_event_queue (seq)":                            "as above",
	"index pin_event_queue_tenant unique (tenant_id, seq)": "SQLite: stands for the key that begins with the tenant",
}

// schema is a schema as sorted lines.
type schema []string

func TestSchemasAreTwins(t *testing.T) {
	t.Parallel()
	pg, lite := postgresSchema(t), sqliteSchema(t)
	if len(pg) < 100 || len(lite) < 100 {
		t.Fatalf("the schemas have %d and %d lines", len(pg), len(lite))
	}
	listed := make(map[string]bool)
	tell := func(has, lacks string, a, b schema) {
		for _, line := range a {
			if slices.Contains(b, line) {
				continue
			}
			if _, ok := differences[line]; !ok {
				t.Errorf("%s has, and %s lacks: %s", has, lacks, line)
			}
			listed[line] = true
		}
	}
	tell("PostgreSQL", "SQLite", pg, lite)
	tell("SQLite", "PostgreSQL", lite, pg)
	for line := range differences {
		if !listed[line] {
			t.Errorf("no difference any more: %s", line)
		}
	}
}

func migrate(ctx context.Context, url string) error {
	s, err := postgres.Open(ctx, postgres.Config{URL: url, MaxConns: 2})
	if err != nil {
		return err
	}
	return errors.Join(s.Migrate(ctx), s.Close())
}

func postgresSchema(t *testing.T) schema {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), pgtest.New(t, migrate))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	const own = "n.nspname = 'public' AND c.relname NOT IN ('goose_db_version', 'migration_lease')"
	rows, err := conn.Query(t.Context(), `
		SELECT 'table ' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind = 'r' AND `+own+`
		UNION ALL
		SELECT 'column ' || c.relname || '.' || a.attname || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END
		FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind = 'r' AND `+own+`
		UNION ALL
		SELECT 'check ' || k.conname FROM pg_constraint k
		JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE k.contype = 'c' AND `+own+`
		UNION ALL
		SELECT CASE WHEN i.indisprimary THEN 'key ' ELSE 'index ' END || x.relname
			|| CASE WHEN i.indisunique AND NOT i.indisprimary THEN ' unique' ELSE '' END
			|| ' (' || (
				SELECT string_agg(COALESCE(a.attname, 'an expression'), ', ' ORDER BY p.place)
				FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS p (attnum, place)
				LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = p.attnum
			) || ')' || COALESCE(' where ' || pg_get_expr(i.indpred, c.oid), '')
		FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_class x ON x.oid = i.indexrelid
		JOIN pg_namespace n ON n.oid = c.relnamespace WHERE `+own)
	if err != nil {
		t.Fatal(err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return normal(lines)
}

// unimportant is what only one of the two writes into a condition. No condition mixes AND with OR.
var unimportant = strings.NewReplacer("(", "", ")", "", "::text", "")

// normal sorts lines and writes the conditions of indexes one way.
func normal(lines []string) schema {
	for i, line := range lines {
		if before, condition, ok := strings.Cut(line, " where "); ok {
			lines[i] = before + " where " + strings.ToLower(unimportant.Replace(condition))
		}
	}
	slices.Sort(lines)
	return lines
}

var (
	sqliteCheck = regexp.MustCompile(`CONSTRAINT (\w+) CHECK`)
	sqliteKey   = regexp.MustCompile(`CONSTRAINT (\w+) PRIMARY KEY`)
	sqliteWhere = regexp.MustCompile(`(?s)\)\s+WHERE\s+(.+)$`)
)

func sqliteSchema(t *testing.T) schema {
	t.Helper()
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
	var lines []string
	for _, table := range strings3(t, db, `SELECT name, sql, '' FROM sqlite_schema WHERE type = 'table'
		AND name NOT LIKE 'sqlite_%' AND name <> 'goose_db_version'`) {
		name, text := table[0], table[1]
		lines = append(lines, "table "+name)
		for _, check := range sqliteCheck.FindAllStringSubmatch(text, -1) {
			lines = append(lines, "check "+check[1])
		}
		var key []string
		for _, column := range strings3(t, db, `SELECT name, CASE WHEN "notnull" THEN ' not null' ELSE '' END, pk
			FROM pragma_table_info('`+name+`') ORDER BY pk`) {
			lines = append(lines, "column "+name+"."+column[0]+column[1])
			if column[2] != "0" {
				key = append(key, column[0])
			}
		}
		keyName := name
		if named := sqliteKey.FindStringSubmatch(text); named != nil {
			keyName = named[1]
		}
		lines = append(lines, fmt.Sprintf("key %s (%s)", keyName, strings.Join(key, ", ")))
		for _, index := range strings3(t, db, `SELECT l.name, CASE WHEN l."unique" THEN ' unique' ELSE '' END, s.sql
			FROM pragma_index_list('`+name+`') AS l JOIN sqlite_schema AS s ON s.name = l.name WHERE l.origin = 'c'`) {
			var columns []string
			for _, column := range strings3(t, db, "SELECT COALESCE(name, 'an expression'), '', '' FROM pragma_index_info('"+index[0]+"') ORDER BY seqno") {
				columns = append(columns, column[0])
			}
			line := fmt.Sprintf("index %s%s (%s)", index[0], index[1], strings.Join(columns, ", "))
			if where := sqliteWhere.FindStringSubmatch(index[2]); where != nil {
				line += " where " + where[1]
			}
			lines = append(lines, line)
		}
	}
	return normal(lines)
}

// strings3 returns the rows of a query of three texts.
func strings3(t *testing.T, db *sql.DB, query string) (list [][3]string) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var row [3]string
		if err := rows.Scan(&row[0], &row[1], &row[2]); err != nil {
			t.Fatal(err)
		}
		list = append(list, row)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return list
}

// The queries of the two stores have the same names, but for those listed.
func TestQueriesAreTwins(t *testing.T) {
	t.Parallel()
	only := map[string]string{
		"Clock": "SQLite's clock is the process's", "Diagnose": "SQLite is asked by pragmas",
		"LockDuty": "see the table duties", "RequireProgramSchema": "SQLite asks in the transaction at no cost",
		"LockPIN": "SQLite locks by its transaction", "LockNewPIN": "likewise", "LockPolicy": "likewise",
		"LockConfirmation": "likewise", "LockAPIKey": "likewise", "LockTree": "likewise",
		"LockConfirmationByCallKey": "likewise", "LockFreeze": "likewise",
		"LockWebhook": "likewise", "LockDelivery": "likewise",
		"FreezesOf":           "PostgreSQL reads the freezes with the policy, in one statement",
		"NotifyConfirmations": "SQLite wakes in its process",
		"NoLongerPending":     "SQLite has no array to return: StillPending", "StillPending": "likewise",
		// PostgreSQL saves many rows in one statement, which SQLite need not.
		"AppendEvents": "", "AppendEvent": "", "SaveConfirmations": "", "SaveConfirmation": "",
		"DeleteStaleConfirmations": "", "DeleteStaleConfirmation": "", "DeleteStaleSessions": "",
		"DeleteStaleSession": "", "DeleteStaleAttempts": "", "DeleteStaleAttempt": "",
		"DeleteStaleLinks": "", "DeleteStaleLink": "",
		"InsertDeliveries": "", "InsertDelivery": "", "DeleteStaleDeliveries": "", "DeleteStaleDelivery": "",
		"SaveTrees": "", "SaveTree": "", "InsertTree": "", "InsertEventHashes": "", "InsertEventHash": "",
		"MoveEvents": "", "PlaceEvent": "", "UnqueueEvent": "",
		"TakeLease": "see the table duties", "EndLease": "likewise",
	}
	pg, lite := queryNames(t, "postgres"), queryNames(t, "sqlite")
	keep := func(names []string) []string {
		return slices.DeleteFunc(names, func(name string) bool { _, ok := only[name]; return ok })
	}
	if diff := cmp.Diff(keep(pg), keep(lite)); diff != "" {
		t.Errorf("queries (-postgres +sqlite):\n%s", diff)
	}
}
