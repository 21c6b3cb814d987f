package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/hydracore/hydrapin/internal/config"
	"github.com/hydracore/hydrapin/internal/guard"
)

// guardFlags are the settings of guard as flags.
type guardFlags struct {
	Server      string   `placeholder:"URL" help:"The URL of hydrapin; default: HYDRAPIN_URL, or http://127.0.0.1:8080."`
	Instance    string   `placeholder:"UUID" help:"The agent instance; default: HYDRAPIN_INSTANCE."`
	Role        string   `placeholder:"ROLE" help:"The role of the holder: owner (default) or customer."`
	Customer    string   `placeholder:"UUID" help:"The customer who confirms."`
	Identity    string   `placeholder:"UUID" help:"The channel identity that confirms."`
	SkillPrefix *string  `placeholder:"TEXT" help:"What stands in front of a tool's name to make its skill; default: nothing."`
	Wait        *string  `placeholder:"50s" help:"How long a call is held until the person confirms; default: 50s."`
	Upstream    string   `placeholder:"URL" help:"The URL of an MCP server over streamable HTTP."`
	Listen      string   `placeholder:"ADDR" help:"Where to serve it; default: 127.0.0.1:8090."`
	Config      string   `placeholder:"FILE" help:"A file with these settings and more; flags win."`
	Command     []string `arg:"" optional:"" passthrough:"partial" help:"The command of an MCP server over stdio."`
}

type guardRun struct {
	guardFlags
}

// Help implements kong.HelpProvider.
func (guardRun) Help() string {
	return `A person confirms with a PIN before a tool runs that the PIN policy of the instance lists. Everything else passes unchanged.
The MCP server stays as it is; in the client, put "hydrapin guard --" in front of its command.

The runtime key of the instance comes from HYDRAPIN_RUNTIME_KEY or the file HYDRAPIN_RUNTIME_KEY_FILE. The MCP server gets no HYDRAPIN_ variable.
Flags win over the configuration file, and the file over the environment.

Example:

    hydrapin guard --customer 497f6eca-6276-4993-bfeb-53cbbbba6f08 -- npx -y @modelcontextprotocol/server-filesystem /srv/files
    hydrapin guard --config guard.yaml --upstream https://tools.example.com/mcp --listen 127.0.0.1:8090
    hydrapin guard check --config guard.yaml -- npx -y @modelcontextprotocol/server-filesystem /srv/files

guard.yaml, with every key:

    server: https://pins.example.com
    instance: 6f0c1b2a-3d4e-4f50-8a6b-7c8d9e0f1a2b
    role: owner                   # or customer
    holder: {customer: 497f6eca-6276-4993-bfeb-53cbbbba6f08}   # or {identity: …}, or {header: X-Customer-Id} over HTTP
    skill_prefix: ""
    wait: 50s
    expires_in: 300s
    pass_meta: []                 # names of _meta that a confirmed call keeps
    upstream: https://tools.example.com/mcp
    listen: 127.0.0.1:8090
    tools:                        # these must be confirmed
      send_money: {skill: payments.transfer, summary: "Send {amount} {currency} to {recipient.iban}"}

A holder from a header needs HYDRAPIN_GUARD_SECRET (or HYDRAPIN_GUARD_SECRET_FILE), which a gateway sends in X-Hydrapin-Guard.`
}

// Run runs guard until the client or the MCP server ends.
func (r guardRun) Run(ctx context.Context, a *app) error {
	g, err := r.load(a)
	if err != nil {
		return err
	}
	ctx, stop := untilStopped(ctx)
	defer stop()
	// A client that closes guard's stdout must not end guard before it has ended the MCP server. A
	// signal that is ignored instead would be ignored by the MCP server as well.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	code, err := g.Run(ctx, guard.Streams{Stdin: os.Stdin, Stdout: a.stdout, Stderr: a.stderr})
	if err != nil {
		return err
	}
	if code != exitOK {
		return exitError(code)
	}
	return nil
}

type guardCheck struct {
	guardFlags

	JSON   bool `help:"Print JSON."`
	Strict bool `help:"Exit with 1 if there is a warning."`
}

// Help implements kong.HelpProvider.
func (guardCheck) Help() string {
	return `It starts the MCP server or connects to it, lists its tools, and looks up the policy for each. It asks no one for a PIN and calls no tool.
The exit code is 0, 1 with --strict if there is a warning, and 2 if the tools could not be checked.

Example:

    hydrapin guard check --customer 497f6eca-6276-4993-bfeb-53cbbbba6f08 -- npx -y @modelcontextprotocol/server-filesystem /srv/files
    hydrapin guard check --config guard.yaml --upstream https://tools.example.com/mcp --json`
}

// Run prints the tools.
func (c guardCheck) Run(ctx context.Context, a *app) error {
	g, err := c.load(a)
	if err != nil {
		return err
	}
	ctx, stop := untilStopped(ctx)
	defer stop()
	report, err := g.Check(ctx, a.stderr)
	if err != nil {
		return codeError{exitUsage, err}
	}
	write := report.WriteText
	if c.JSON {
		write = report.WriteJSON
	}
	if err := write(a.stdout); err != nil {
		return codeError{exitUsage, err}
	}
	for _, warning := range report.Unlisted {
		fmt.Fprintf(a.stderr, "%s: %s\n", programName, warning)
	}
	if c.Strict && report.Warnings() > 0 {
		return exitError(exitFailure)
	}
	return nil
}

// maxGuardConfig is more than any configuration file has.
const maxGuardConfig = 1<<20 + 1

// load returns a guard with the settings of flags, file and environment.
func (f guardFlags) load(a *app) (*guard.Guard, error) {
	if err := guard.Hide(); err != nil {
		return nil, codeError{exitUsage, err}
	}
	sources := guard.Sources{
		Server: f.Server, Instance: f.Instance, Role: f.Role, Customer: f.Customer, Identity: f.Identity,
		Upstream: f.Upstream, Listen: f.Listen, SkillPrefix: f.SkillPrefix, Wait: f.Wait, Command: f.Command,
		Lookup: func(name string) (string, error) { return config.LookUpClient(a.environ, name) },
	}
	if len(sources.Command) > 0 && sources.Command[0] == "--" {
		sources.Command = sources.Command[1:]
	}
	if f.Config != "" {
		content, err := readConfig(f.Config)
		if err != nil {
			return nil, codeError{exitUsage, err}
		}
		sources.Config = content
	}
	s, err := guard.Load(sources)
	if err != nil {
		return nil, codeError{exitUsage, unprefixed(err)}
	}
	g, err := guard.New(s, slog.New(slog.NewTextHandler(a.stderr, &slog.HandlerOptions{Level: slog.LevelInfo})))
	if err != nil {
		return nil, codeError{exitUsage, unprefixed(err)}
	}
	return g, nil
}

func readConfig(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("the configuration file %s cannot be opened: %s", path, cause(err))
	}
	defer func() { _ = f.Close() }()
	content, err := io.ReadAll(io.LimitReader(f, maxGuardConfig))
	if err != nil {
		return nil, fmt.Errorf("the configuration file %s cannot be read: %s", path, cause(err))
	}
	return content, nil
}

// unprefixed is an error of settings without the words that mark it as one.
func unprefixed(err error) error {
	text := strings.TrimPrefix(err.Error(), guard.ErrSettings.Error()+": ")
	return errors.New(strings.Join(strings.Fields(text), " "))
}

// exitError ends a command with an exit code and without a message.
type exitError int

// Error implements error.
func (e exitError) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// codeError ends a command with a message and an exit code.
type codeError struct {
	code int
	error
}

// Unwrap returns the cause.
func (e codeError) Unwrap() error { return e.error }
