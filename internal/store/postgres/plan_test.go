package postgres_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	gen "github.com/hydracore/hydrapin/gen/postgres"
)

// planned takes down the last statement that was sent over a connection.
type planned struct {
	*pgx.Conn
	sql   string
	args  []any
	plans int
}

func (p *planned) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	p.sql, p.args = sql, args
	return p.Conn.Query(ctx, sql, args...)
}

func (p *planned) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	p.sql, p.args = sql, args
	return p.Conn.QueryRow(ctx, sql, args...)
}

// plan returns how the server runs the last statement: with the values at hand, or
// without, as it may after it has run a statement some times.
func (p *planned) plan(t *testing.T, mode string, ordered bool) string {
	t.Helper()
	p.plans++
	name := fmt.Sprint("listed_", p.plans)
	values := make([]string, len(p.args))
	for i, arg := range p.args {
		values[i] = "'" + fmt.Sprint(arg) + "'"
	}
	_, query, _ := strings.Cut(p.sql, "\n")
	for _, sql := range []string{
		// Of the few rows here it would rather sort some; whether the index has the order is asked.
		"SET enable_bitmapscan = " + fmt.Sprint(!ordered), "SET plan_cache_mode = " + mode,
		"PREPARE " + name + " AS " + query,
	} {
		if _, err := p.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	rows, err := p.Conn.Query(t.Context(), "EXPLAIN EXECUTE "+name+"("+strings.Join(values, ", ")+")", pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		t.Fatal(err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(lines, "\n")
}

// Every list reads an index in its order, and sorts and scans nothing, whether or not the
// server plans it for its values.
func TestListsGoByAnIndex(t *testing.T) {
	t.Parallel()
	_, url := fresh(t)
	conn := connect(t, url)
	for _, sql := range []string{
		`CREATE TEMP TABLE tenants AS SELECT CASE n WHEN 1 THEN '10000000-0000-4000-8000-000000000000' ELSE gen_random_uuid() END AS id
		FROM generate_series(1, 40) AS n`,
		// One PIN in a hundred is locked, one deactivated, one removed, one of an identity, and one its holder's own.
		`INSERT INTO pins (tenant_id, holder_type, instance_id, holder_id, pin_id, hash, pepper_id, created_at, locked_until, inactive, set_by, set_by_pin_id)
		SELECT t.id, CASE WHEN n % 100 = 4 THEN 'identity' ELSE 'customer' END,
			CASE WHEN n % 100 = 4 THEN '30000000-0000-4000-8000-000000000000'::uuid ELSE '00000000-0000-0000-0000-000000000000' END,
			gen_random_uuid(),
			CASE WHEN n % 100 <> 3 THEN t.id END, CASE WHEN n % 100 <> 3 THEN 'h' END, CASE WHEN n % 100 <> 3 THEN 'p' END,
			CASE WHEN n % 100 <> 3 THEN now() END, CASE WHEN n % 100 = 1 THEN now() + interval '1 day' END, n % 100 = 2,
			CASE WHEN n % 100 = 5 THEN 'holder' END, CASE WHEN n % 100 = 5 THEN t.id END
		FROM generate_series(1, 1000) AS n, tenants AS t`,
		`INSERT INTO api_keys (tenant_id, id, kind, hash, instance_id, created_at, created_by_kind, created_by)
		SELECT t.id, t.id || '/' || n, 'api_key', sha256('k'), '00000000-0000-0000-0000-000000000000', now(), 'api_key', 'k' || n % 1000
		FROM generate_series(1, 500) AS n, tenants AS t`,
		"ANALYZE pins, api_keys",
	} {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	tenant := uuid.MustParse("10000000-0000-4000-8000-000000000000")
	instance := uuid.MustParse("30000000-0000-4000-8000-000000000000")
	p, q, ctx := &planned{Conn: conn}, gen.New(), t.Context()
	for name, tt := range map[string]struct {
		index string
		call  func() error
	}{
		"all": {"pins_pkey", func() error {
			_, err := q.PagePINs(ctx, p, gen.PagePINsParams{TenantID: tenant, FromType: "customer", ToType: "identity", ToInstance: uuid.Max, MaxRows: 20})
			return err
		}},
		"all, counted": {"Index", func() error {
			_, err := q.CountPINs(ctx, p, gen.CountPINsParams{TenantID: tenant, FromType: "customer", ToType: "identity", ToInstance: uuid.Max, MaxRows: 10_000})
			return err
		}},
		"of an instance": {"pins_pkey", func() error {
			_, err := q.PagePINs(ctx, p, gen.PagePINsParams{TenantID: tenant, FromType: "identity", FromInstance: instance, ToType: "identity", ToInstance: instance, OnlyActive: true, MaxRows: 20})
			return err
		}},
		"by who set it": {"pins_setter", func() error {
			_, err := q.PagePINsSetBy(ctx, p, gen.PagePINsSetByParams{TenantID: tenant, FromType: "customer", ToType: "identity", ToInstance: uuid.Max, SetBy: "holder", MaxRows: 20})
			return err
		}},
		"by who set it, counted": {"pins_setter", func() error {
			_, err := q.CountPINsSetBy(ctx, p, gen.CountPINsSetByParams{TenantID: tenant, FromType: "customer", ToType: "identity", ToInstance: uuid.Max, SetBy: "holder", MaxRows: 10_000})
			return err
		}},
		"locked": {"pins_locked", func() error {
			_, err := q.PageLockedPINs(ctx, p, gen.PageLockedPINsParams{TenantID: tenant, FromType: "customer", ToType: "identity", ToInstance: uuid.Max, MaxRows: 20})
			return err
		}},
		"locked, counted": {"pins_locked", func() error {
			_, err := q.CountLockedPINs(ctx, p, gen.CountLockedPINsParams{TenantID: tenant, FromType: "customer", ToType: "identity", ToInstance: uuid.Max, MaxRows: 10_000})
			return err
		}},
		"inactive": {"pins_inactive", func() error {
			_, err := q.PageInactivePINs(ctx, p, gen.PageInactivePINsParams{TenantID: tenant, FromType: "customer", ToType: "identity", ToInstance: uuid.Max, MaxRows: 20})
			return err
		}},
		"none": {"pins_unset", func() error {
			_, err := q.PageUnsetPINs(ctx, p, gen.PageUnsetPINsParams{TenantID: tenant, FromType: "customer", ToType: "identity", ToInstance: uuid.Max, MaxRows: 20})
			return err
		}},
		"keys": {"api_keys_listed", func() error {
			_, err := q.PageAPIKeys(ctx, p, gen.PageAPIKeysParams{TenantID: tenant, Skipped: 100, MaxRows: 20})
			return err
		}},
	} {
		if err := tt.call(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, mode := range []string{"force_custom_plan", "force_generic_plan"} {
			plan := p.plan(t, mode, !strings.Contains(name, "counted"))
			if !strings.Contains(plan, tt.index) || strings.Contains(plan, "Seq Scan") || strings.Contains(plan, "Sort") {
				t.Errorf("%s does not go by %s (%s):\n%s", name, tt.index, mode, plan)
			}
		}
	}
}
