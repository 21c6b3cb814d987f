package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"syscall"

	"github.com/hydracore/hydrapin/internal/config"
	"github.com/hydracore/hydrapin/internal/server"
	"github.com/hydracore/hydrapin/internal/service"
)

type backup struct {
	File string `arg:"" help:"The file to create. It must not exist."`
}

// Help implements kong.HelpProvider.
func (backup) Help() string {
	return `It copies the database of embedded mode as it is at one moment, beside a running serve, to a file that only its owner can
read. The copy has no peppers and no other secret: keep the files of the data folder elsewhere, because without its
peppers a backup is of no use, and together they are enough to recover the PINs. PostgreSQL has pg_dump for this.

Example:

    hydrapin backup /var/backups/hydrapin-$(date +%F).db`
}

// Run writes a backup.
func (b backup) Run(ctx context.Context, a *app) error {
	cfg, err := config.LoadDatabase(a.environ)
	if err != nil {
		return err
	}
	if !cfg.Embedded() {
		return errors.New("backup is for the database of embedded mode: back PostgreSQL up with pg_dump --format=custom")
	}
	if err := cfg.RequireDatabase(); err != nil {
		return err
	}
	ctx, stop := untilInterrupted(ctx)
	defer stop()
	switch err := server.Backup(ctx, cfg, b.File); {
	case errors.Is(err, fs.ErrExist):
		return fmt.Errorf("%s exists, and a backup replaces no file: name another one", b.File)
	case ctx.Err() != nil:
		return errors.New("interrupted; no backup was created")
	case err != nil:
		return fmt.Errorf("%s could not be backed up to %s: %s; no backup was created", cfg.Database, b.File, server.Sentence(err))
	}
	fmt.Fprintf(a.stderr, "The database %s is backed up to %s, without peppers and other secrets: keep those elsewhere.\n", cfg.Database, b.File)
	return nil
}

type restore struct {
	File string `arg:"" optional:"" help:"The backup, in embedded mode. With PostgreSQL there is none: pg_restore comes first."`
}

// Help implements kong.HelpProvider.
func (restore) Help() string {
	return `Stop every server first. In embedded mode it creates the database from a file that "hydrapin backup" made; with
PostgreSQL it completes the restore of a database that pg_restore has filled. It applies missing migrations and ends every
session, open confirmation and PIN link, because the backup does not know what became of them. What happened after the
backup is forgotten: incorrect PINs, new PINs, freezes and revoked keys. An interrupted restore can be run again.

Example:

    hydrapin restore /var/backups/hydrapin-2026-11-27.db
    HYDRAPIN_DATABASE_URL=postgres://db/hydrapin hydrapin restore`
}

// Run restores.
func (r restore) Run(ctx context.Context, a *app) error {
	cfg, err := config.LoadDatabase(a.environ)
	if err != nil {
		return err
	}
	ctx, stop := untilInterrupted(ctx)
	defer stop()
	var ended service.Restored
	switch {
	case cfg.Embedded() && r.File == "":
		return usage("in embedded mode, name the file that %s backup made", programName)
	case !cfg.Embedded() && r.File != "":
		return usage("with PostgreSQL, restore the dump with pg_restore, then run restore without a file")
	case cfg.Embedded():
		ended, err = server.RestoreEmbedded(ctx, cfg, r.File)
	default:
		ended, err = server.RestorePostgres(ctx, cfg)
	}
	if err != nil {
		return r.failed(ctx, cfg, err)
	}
	fmt.Fprintf(a.stderr, `The database %s is restored. Ended: %d confirmations, %d sessions, %d PIN links, in %d tenants.
What happened after the backup is forgotten: guesses of PINs, new PINs, freezes, revoked keys. Set and revoke them again.
`, cfg.Database, ended.Confirmations, ended.Sessions, ended.Links, ended.Tenants)
	if cfg.Embedded() {
		fmt.Fprintf(a.stderr, "Before you start serve, put peppers, receipt-keys and jwt-secret back into %s, if they are not there.\n", cfg.DataDir)
	}
	return nil
}

// failed says why nothing, or not everything, was restored.
func (restore) failed(ctx context.Context, cfg config.Config, err error) error {
	var exists *fs.PathError
	_, settings := errors.AsType[*config.Error](err)
	switch {
	case settings:
		return err
	case ctx.Err() != nil:
		err = errors.New("interrupted; run it again")
	case cfg.Embedded() && errors.As(err, &exists) && errors.Is(err, fs.ErrExist):
		return fmt.Errorf("%s exists, and a restore replaces no database: move it, and what begins with its name, away first", exists.Path)
	}
	return fmt.Errorf("%s could not be restored: %s", cfg.Database, server.Sentence(err))
}

// untilInterrupted returns a context that SIGTERM, SIGHUP and Ctrl-C end, for a command that then
// clears away what it has begun.
func untilInterrupted(ctx context.Context) (context.Context, context.CancelFunc) {
	return signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
}
