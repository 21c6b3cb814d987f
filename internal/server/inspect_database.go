package server

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/store"
)

// inspectTimeout bounds what a check may wait for the database.
const inspectTimeout = time.Minute

// settingDatabase and settingRings are what database findings are about.
const (
	settingDatabase = "HYDRAPIN_DATABASE_URL"
	settingRings    = "HYDRAPIN_PEPPERS, HYDRAPIN_RECEIPT_KEYS"
)

// withDatabase runs fn on the database, if there is one to work on. In embedded mode
// only serve makes one, so that none is there is not a finding.
func (in *Inspection) withDatabase(ctx context.Context, fn func(context.Context, store.Database)) {
	cfg := in.Config
	if cfg.Database.Engine == "" || cfg.RequireDatabase() != nil {
		return
	}
	// What was refused already is not tried again.
	if slices.ContainsFunc([]string{settingDatabase, cfg.Database.String(), cfg.Database.Path, cfg.DataDir}, in.mentions) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, inspectTimeout)
	defer cancel()
	db, err := OpenStore(ctx, cfg, false)
	if err != nil {
		in.refuse(cfg.Database.String(), "cannot be used: %s; check that it is running and that %s is correct", Sentence(err), settingDatabase)
		return
	}
	defer func() { _ = db.Close() }()
	fn(ctx, db)
}

// checkDatabase finds whatever of the database keeps a server from starting. That
// migrations are missing does not: serve applies them.
func checkDatabase(ctx context.Context, in *Inspection) {
	in.fact("database", in.Config.Database.String())
	in.withDatabase(ctx, func(ctx context.Context, db store.Database) {
		name := in.Config.Database.String()
		switch err := db.Ping(ctx); {
		case errors.Is(err, store.ErrNotMigrated):
			return
		case errors.Is(err, store.ErrNewerSchema):
			in.refuse(name, "was migrated by a newer version of hydrapin, and this version cannot use it: run the newer one")
			return
		case err != nil:
			in.refuse(name, "cannot be used: %s; check that it is running and that %s is correct", Sentence(err), settingDatabase)
			return
		}
		if in.Config.Peppers.IsZero() || in.Config.ReceiptKeys.IsZero() {
			return
		}
		mismatches, err := CompareRings(ctx, in.Config, db)
		if err != nil {
			in.refuse(name, "cannot be read: %s; check that this user may read its tables", Sentence(err))
		}
		for _, m := range mismatches {
			in.refuse(settingRings, "do not fit this database: %s; set them to what the other nodes have", m)
		}
	})
}

// clockTolerance is how far two clocks may differ before it matters: tokens have
// 30 seconds of leeway, which the issuer's clock may need for itself.
const clockTolerance = 5 * time.Second

// diagnoseDatabase asks the store what it finds, and looks at clocks, peppers and
// keys. None of it keeps a server from starting.
func diagnoseDatabase(ctx context.Context, in *Inspection) {
	in.withDatabase(ctx, func(ctx context.Context, db store.Database) {
		name := in.Config.Database.String()
		diagnosis, err := db.Diagnose(ctx)
		if err != nil {
			in.wrong(name, "cannot be examined: %s", Sentence(err))
		}
		for _, f := range diagnosis.Facts {
			in.fact(f.Name, f.Value)
		}
		for _, p := range diagnosis.Wrong {
			in.wrong(name, "%s", p)
		}
		for _, p := range diagnosis.Weak {
			in.weak(name, "%s", p)
		}
		if err := db.Ping(ctx); errors.Is(err, store.ErrNotMigrated) {
			in.wrong(name, "is not migrated: start serve, or run hydrapin migrate up")
			return
		} else if err != nil {
			return // checkDatabase has reported it
		}
		in.compareClocks(ctx, db)
		if used, err := db.PeppersInUse(ctx); err == nil && len(used) > 0 {
			in.fact("peppers in use", strings.Join(used, ", "))
		}
		in.countKeys(ctx, db)
	})
}

func (in *Inspection) compareClocks(ctx context.Context, db store.Database) {
	begin := time.Now()
	reads := db.Reads()
	if err := reads.Fetch(ctx); err != nil {
		return
	}
	half := time.Since(begin) / 2
	ahead := reads.Now().Sub(begin.Add(half)).Round(time.Millisecond)
	in.fact("clock ahead of this machine's", ahead.String())
	if ahead.Abs() > clockTolerance+half {
		in.wrong("clocks", "differ: the database's is %s ahead of this machine's; synchronise both with a time server, because "+
			"locks use the database's clock, tokens and keys this machine's", ahead)
	}
}

func (in *Inspection) countKeys(ctx context.Context, db store.Database) {
	all, err := db.APIKeys(ctx, uuid.Nil)
	if err != nil {
		return
	}
	live, lasting := 0, 0
	for _, k := range all {
		if k.Live(time.Now()) {
			live++
			if k.ExpiresAt.IsZero() {
				lasting++
			}
		}
	}
	in.fact("live keys", fmt.Sprint(live))
	if lasting > 0 {
		in.weak("keys", "never expire (%d of %d live ones): replace them by keys that do (hydrapin keys create --expires-in), and revoke them", lasting, live)
	}
}
