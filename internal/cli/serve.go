package cli

import (
	"context"
	"fmt"
	"os/signal"
	"strings"
	"syscall"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/config"
	"github.com/hydracore/hydrapin/internal/server"
)

type serve struct{}

// Help implements kong.HelpProvider.
func (serve) Help() string {
	var b strings.Builder
	b.WriteString(`With nothing set it keeps everything in a data folder, which its first start makes, and prints how to go on.
With HYDRAPIN_DATABASE_URL=postgres://… it is one node of many. SIGTERM and Ctrl-C stop it within ten seconds.

Example:

    hydrapin serve
    HYDRAPIN_ADDR=127.0.0.1:9090 HYDRAPIN_DATA_DIR=/var/lib/hydrapin hydrapin serve

Settings, all from the environment:
`)
	for _, s := range config.Manual() {
		fmt.Fprintf(&b, "\n    %s\n        %s\n        default: %s\n", s.Name, s.Help, s.Default)
	}
	return b.String()
}

// Run runs the server until a signal ends it.
func (serve) Run(ctx context.Context, a *app) error {
	cfg, err := config.Load(a.environ)
	if err != nil {
		return err
	}
	log := newLogger(a.stderr, cfg)
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	// A second signal ends the process at once.
	context.AfterFunc(ctx, stop)
	err = server.Run(ctx, cfg, log, func(info server.Info) {
		for _, path := range info.Made {
			log.InfoContext(ctx, "made", "file", path)
		}
		for _, f := range weaknesses(cfg) {
			if f.atStart {
				log.WarnContext(ctx, "a setting is weak", "setting", f.About, "problem", f.Problem)
			}
		}
		if info.FirstKey.Reveal() != "" {
			fmt.Fprint(a.stdout, a.greeting(cfg, info))
		}
		log.InfoContext(ctx, "ready", "address", info.Addr, "url", info.URL, "database", cfg.Database.String(), "version", versionName())
	})
	if err == nil {
		log.InfoContext(context.WithoutCancel(ctx), "stopped")
	}
	return err
}

// greeting is what the first start prints, once: all that a stranger needs to set
// a PIN.
func (a *app) greeting(cfg config.Config, info server.Info) string {
	url := info.URL
	if cfg.TLSCertFile == "" {
		// The public name may not lead here yet; the address does.
		url = cfg.URLFor(info.Addr)
	}
	key := info.FirstKey.Reveal()
	var b strings.Builder
	fmt.Fprintf(&b, `
hydrapin has made a tenant and its first key. They are shown this once:

  tenant  %s
  key     %s
  docs    %s/docs

Set a customer's PIN:

  curl -X POST %s/v1/customers/%s/pin -H 'X-Api-Key: %s' -H 'Content-Type: application/json' -d '{"pin":"%s"}'
`, info.Tenant, key, url, url, uuid.New(), key, examplePIN(cfg))
	if info.HasJWTSecret {
		fmt.Fprintf(&b, `
Get a token, to be an admin of the tenant in the docs:

  %s%s token --tenant %s --admin
`, a.folderPrefix(cfg), a.typed, info.Tenant)
	}
	fmt.Fprintf(&b, `
The folder %s is the whole: database, peppers and keys. Back it up together. Lost peppers mean
lost PINs, and who takes the folder has the PINs.

`, cfg.DataDir)
	return b.String()
}

// folderPrefix is what a pasted command needs in front of it to find the folder.
func (a *app) folderPrefix(cfg config.Config) string {
	if cfg.Source("HYDRAPIN_DATA_DIR") == config.FromDefault {
		return ""
	}
	return "HYDRAPIN_DATA_DIR=" + shellQuote(cfg.DataDir) + " "
}

func shellQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// examplePIN is as long as the settings want, and not weak.
func examplePIN(cfg config.Config) string {
	const digits = "471938205561"
	return digits[:max(4, min(cfg.PINMinLength, len(digits)))]
}
