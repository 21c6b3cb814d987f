package cli

import (
	"context"
	"errors"
	"fmt"
	"text/tabwriter"

	"github.com/hydracore/hydrapin/internal/config"
	"github.com/hydracore/hydrapin/internal/server"
)

type migrate struct {
	Up     migrateUp     `cmd:"" help:"Apply the migrations that are missing."`
	Status migrateStatus `cmd:"" help:"List the migrations and whether each was applied."`
}

type migrateUp struct{}

// Help implements kong.HelpProvider.
func (migrateUp) Help() string {
	return `serve does the same when it starts; use this to do it earlier, or with another database user. It needs no peppers. When
several run at once, one migrates and the others wait for it.

Example:

    HYDRAPIN_DATABASE_URL=postgres://owner:password@db/hydrapin hydrapin migrate up`
}

// Run migrates.
func (migrateUp) Run(ctx context.Context, a *app) (err error) {
	cfg, err := a.database()
	if err != nil {
		return err
	}
	if cfg.Embedded() {
		// A running server has the schema of its own version.
		folder, err := config.LockFolder(cfg)
		if err != nil {
			return err
		}
		defer func() { _ = folder.Close() }()
	}
	st, err := server.OpenStore(ctx, cfg, true)
	if err != nil {
		return unusable(cfg, err)
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	all, err := st.MigrationStatus(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.stderr, "The database %s is up to date: %d migrations are applied.\n", cfg.Database, len(all))
	return nil
}

type migrateStatus struct {
	JSON bool `name:"json" help:"Print a JSON array."`
}

// Help implements kong.HelpProvider.
func (migrateStatus) Help() string {
	return `It changes nothing, works beside a running serve and needs no peppers. The exit code is 1 when a migration is missing.

Example:

    hydrapin migrate status`
}

// listedMigration is a migration as status prints it.
type listedMigration struct {
	Version int64  `json:"version"`
	Name    string `json:"name"`
	Applied bool   `json:"applied"`
}

// Run lists migrations.
func (m migrateStatus) Run(ctx context.Context, a *app) (err error) {
	cfg, err := a.database()
	if err != nil {
		return err
	}
	st, err := server.OpenStore(ctx, cfg, false)
	if err != nil {
		return unusable(cfg, err)
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	all, err := st.MigrationStatus(ctx)
	if err != nil {
		return err
	}
	missing := 0
	listed := make([]listedMigration, 0, len(all))
	for _, step := range all {
		listed = append(listed, listedMigration(step))
		if !step.Applied {
			missing++
		}
	}
	if m.JSON {
		err = a.printJSON(listed)
	} else {
		out := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(out, "VERSION\tNAME\tSTATE")
		for _, step := range listed {
			state := "applied"
			if !step.Applied {
				state = "missing"
			}
			fmt.Fprintf(out, "%d\t%s\t%s\n", step.Version, step.Name, state)
		}
		err = out.Flush()
	}
	if err == nil && missing > 0 {
		return fmt.Errorf("%d migrations are missing: run %s migrate up, or start serve, which applies them", missing, programName)
	}
	return err
}

// database returns the settings of a database that is there.
func (a *app) database() (config.Config, error) {
	cfg, err := config.LoadDatabase(a.environ)
	if err != nil {
		return cfg, err
	}
	return cfg, cfg.RequireDatabase()
}

// unusable says which database an error is about.
func unusable(cfg config.Config, err error) error {
	return fmt.Errorf("the database %s cannot be used: %w; run %s doctor for details", cfg.Database, err, programName)
}
