package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/config"
	"github.com/hydracore/hydrapin/internal/server"
)

type serve struct{}

// Help implements kong.HelpProvider.
func (serve) Help() string {
	var b strings.Builder
	b.WriteString(`With nothing set it keeps everything in a data folder, which the first start creates, and prints what to do next.
With HYDRAPIN_DATABASE_URL=postgres://… it is one node of many. SIGTERM and Ctrl-C stop it within ten seconds; SIGHUP
does on a terminal, and is ignored elsewhere.

Example:

    hydrapin serve
    HYDRAPIN_ADDR=127.0.0.1:9090 HYDRAPIN_DATA_DIR=/var/lib/hydrapin hydrapin serve

Settings, all from the environment:
`)
	for _, s := range config.Manual() {
		help := s.Help
		if s.File {
			help += " (or " + s.Name + "_FILE)"
		}
		fmt.Fprintf(&b, "\n    %s\n        %s\n        default: %s\n", s.Name, help, s.Default)
	}
	return b.String()
}

// Run runs the server until a signal ends it.
func (serve) Run(ctx context.Context, a *app) error {
	in := server.Inspect(ctx, a.environ, false)
	if err := in.Refusal(); err != nil {
		return err
	}
	cfg := in.Loaded
	log := newLogger(a.stderr, cfg)
	systemd, running := supervisorOf(a.environ), ctx
	ctx, stop := untilStopped(ctx)
	defer stop()
	running, ended := context.WithCancel(running)
	defer ended()
	go systemd.live(running)
	err := server.Run(ctx, cfg, log, func(info server.Info) {
		for _, path := range info.Made {
			log.InfoContext(ctx, "file created", "file", path)
		}
		for _, f := range in.Findings {
			if f.Warn {
				log.WarnContext(ctx, "weak setting", "setting", f.About, "problem", f.Problem)
			}
		}
		fmt.Fprint(a.stdout, a.greeting(cfg, info))
		log.InfoContext(ctx, "ready", "address", info.Addr, "url", info.URL, "docs", info.URL+"/docs",
			"database", cfg.Database.String(), "version", versionName())
		systemd.tell("READY=1")
		context.AfterFunc(ctx, func() { systemd.tell("STOPPING=1") })
	})
	if err == nil {
		log.InfoContext(context.WithoutCancel(ctx), "stopped")
	}
	return err
}

// greeting is what a start prints: the first one all that a newcomer needs to set a
// PIN, every other one where the documentation is.
func (a *app) greeting(cfg config.Config, info server.Info) string {
	url := info.URL
	if cfg.TLSCertFile == "" {
		// The public name may not lead here yet; the address does.
		url = cfg.URLFor(info.Addr)
	}
	switch {
	case info.FirstKey.Reveal() != "":
		return a.firstGreeting(cfg, info, url)
	case info.NoKeys:
		return fmt.Sprintf(`
This database has no API key yet. Create the first one, with a tenant of its own:

  %s keys create --new-tenant --all-scopes --name admin

  docs    %s/docs

`, a.program, url)
	default:
		return fmt.Sprintf("\n  docs    %s/docs\n\n", url)
	}
}

func (a *app) firstGreeting(cfg config.Config, info server.Info, url string) string {
	key := info.FirstKey.Reveal()
	var b strings.Builder
	fmt.Fprintf(&b, `
hydrapin has created a tenant and its first key. They are shown only this once:

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
`, a.folderPrefix(cfg), a.program, info.Tenant)
	}
	fmt.Fprintf(&b, `
The folder %s contains everything: database, peppers and keys. Back it up in one piece. Without the
peppers the PINs are lost, and anyone who copies this folder can recover the PINs.

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
