package sqlite_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"

	gen "github.com/hydracore/hydrapin/gen/sqlite"
)

// planned takes down the last statement that was run.
type planned struct {
	*sql.DB
	text string
	args []any
}

func (p *planned) QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	p.text, p.args = text, args
	return p.DB.QueryContext(ctx, text, args...)
}

func (p *planned) QueryRowContext(ctx context.Context, text string, args ...any) *sql.Row {
	p.text, p.args = text, args
	return p.DB.QueryRowContext(ctx, text, args...)
}

// plan returns how the last statement is run.
func (p *planned) plan(t *testing.T) string {
	t.Helper()
	rows, err := p.DB.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+p.text, p.args...)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	var lines []string
	for rows.Next() {
		var id, parent, unused int
		var line string
		if err := rows.Scan(&id, &parent, &unused, &line); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return strings.Join(lines, "\n")
}

// Every list reads an index in its order, and sorts nothing.
func TestListsGoByAnIndex(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "hydrapin.db")
	migrated(t, path)
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	tenant, most := uuid.New(), uuid.Max.String()
	least := uuid.Nil.String()
	p, q, ctx := &planned{DB: db}, gen.New(), t.Context()
	for name, tt := range map[string]struct {
		how  string
		call func() error
	}{
		"all": {"INDEX sqlite_autoindex_pins_1 (tenant_id=? AND (holder_type,instance_id)>(?,?) AND (holder_type,instance_id)<(?,?))", func() error {
			_, err := q.PagePINs(ctx, p, gen.PagePINsParams{TenantID: tenant, FromType: "customer", FromInstance: least, ToType: "identity", ToInstance: most, MaxRows: 20})
			return err
		}},
		"all, counted": {"INDEX sqlite_autoindex_pins_1 (tenant_id=?", func() error {
			_, err := q.CountPINs(ctx, p, gen.CountPINsParams{TenantID: tenant, FromType: "customer", FromInstance: least, ToType: "identity", ToInstance: most, MaxRows: 20})
			return err
		}},
		"by who set it": {"INDEX pins_setter (tenant_id=? AND <expr>=? AND (holder_type,instance_id)>", func() error {
			_, err := q.PagePINsSetBy(ctx, p, gen.PagePINsSetByParams{TenantID: tenant, FromType: "customer", FromInstance: least, ToType: "identity", ToInstance: most, SetBy: "holder", MaxRows: 20})
			return err
		}},
		"by who set it, counted": {"INDEX pins_setter (tenant_id=? AND <expr>=?", func() error {
			_, err := q.CountPINsSetBy(ctx, p, gen.CountPINsSetByParams{TenantID: tenant, FromType: "customer", FromInstance: least, ToType: "identity", ToInstance: most, SetBy: "holder", MaxRows: 20})
			return err
		}},
		"locked": {"INDEX pins_locked (tenant_id=?", func() error {
			_, err := q.PageLockedPINs(ctx, p, gen.PageLockedPINsParams{TenantID: tenant, FromType: "customer", FromInstance: least, ToType: "identity", ToInstance: most, MaxRows: 20})
			return err
		}},
		"inactive": {"INDEX pins_inactive (tenant_id=?", func() error {
			_, err := q.PageInactivePINs(ctx, p, gen.PageInactivePINsParams{TenantID: tenant, FromType: "customer", FromInstance: least, ToType: "identity", ToInstance: most, MaxRows: 20})
			return err
		}},
		"none": {"INDEX pins_unset (tenant_id=?", func() error {
			_, err := q.PageUnsetPINs(ctx, p, gen.PageUnsetPINsParams{TenantID: tenant, FromType: "customer", FromInstance: least, ToType: "identity", ToInstance: most, MaxRows: 20})
			return err
		}},
		"keys": {"INDEX api_keys_listed (tenant_id=?)", func() error {
			_, err := q.PageAPIKeys(ctx, p, gen.PageAPIKeysParams{TenantID: tenant, MaxRows: 20})
			return err
		}},
		"keys made by others": {"INDEX api_keys_maker (tenant_id=? AND created_by=?", func() error {
			_, err := q.LockAPIKeysMadeBy(ctx, p, gen.LockAPIKeysMadeByParams{TenantID: tenant, Makers: `["a","b"]`})
			return err
		}},
	} {
		if err := tt.call(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		plan := p.plan(t)
		sorts := strings.Contains(plan, "TEMP B-TREE") && name != "keys made by others" // which are few
		if !strings.Contains(plan, tt.how) || sorts {
			t.Errorf("%s does not go by %s:\n%s", name, tt.how, plan)
		}
	}
}
