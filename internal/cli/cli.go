// Package cli is the commands of hydrapin. It guarantees that what a command
// produces goes to stdout alone and everything else to stderr, that every error
// message says what to do, and that the exit code is 0 for success, 1 for failure
// and 2 for a command line that cannot be understood. It knows no driver and no
// SQL: what it does to a database goes through service and server.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/alecthomas/kong"

	"github.com/hydracore/hydrapin/internal/config"
	"github.com/hydracore/hydrapin/internal/server"
)

// The exit codes.
const (
	exitOK      = 0
	exitFailure = 1
	exitUsage   = 2
)

const programName = "hydrapin"

// commands is the command line.
type commands struct {
	ShowVersion kong.VersionFlag `name:"version" help:"Print the version and exit."`

	Serve      serve          `cmd:"" help:"Run the server."`
	Health     health         `cmd:"" help:"Ask a running server whether it is ready; for container checks."`
	Keys       keys           `cmd:"" help:"Create, list and revoke API keys and runtime keys."`
	Pins       pins           `cmd:"" help:"List holders; unlock and deactivate their PINs; create PIN links."`
	Policy     policyCommands `cmd:"" help:"Show and change the PIN policy of an instance."`
	Webhooks   webhooks       `cmd:"" help:"List where events of the tenant are sent."`
	Freeze     freezeCommands `cmd:"" help:"Stop everything that a PIN protects, and lift that again."`
	Token      token          `cmd:"" help:"Sign a JWT for trying things (HS256 only)."`
	Events     events         `cmd:"" help:"Print the audit trail of a tenant."`
	Audit      auditCommands  `cmd:"" help:"Export, verify and prove the audit trail."`
	Migrate    migrate        `cmd:"" help:"Update the database's schema."`
	Doctor     doctor         `cmd:"" help:"Check settings, files and database, and say what to do."`
	Completion completion     `cmd:"" help:"Print the completion script of a shell."`
	Version    versionCommand `cmd:"" help:"Print the version."`
	Help       helpCommand    `cmd:"" help:"Print help for hydrapin or one of its commands."`
}

// app is what every command works with.
type app struct {
	environ        []string
	stdout, stderr io.Writer
	// program is a name of this program that a shell in the same folder finds, for
	// lines that are to be pasted.
	program string
}

// exit ends the parsing of a command line that asked for help.
type exit int

// Main runs the command line in os.Args and returns the exit code.
func Main() int {
	a := &app{environ: os.Environ(), stdout: os.Stdout, stderr: os.Stderr, program: pasteable(os.Args[0])}
	return a.run(context.Background(), os.Args[1:])
}

// pasteable returns a name of the program that a shell in the same folder finds.
func pasteable(arg0 string) string {
	if arg0 == filepath.Base(arg0) {
		return programName
	}
	return arg0
}

func (a *app) run(ctx context.Context, args []string) (code int) {
	var cmd commands
	parser, err := kong.New(&cmd,
		kong.Name(programName),
		kong.Description("hydrapin makes a person confirm with a PIN before an AI agent runs a skill.\n\n"+
			"Settings come from the environment; \"hydrapin serve --help\" lists them.\n\n"+
			"Example:\n\n    hydrapin serve"),
		kong.Writers(a.stdout, a.stderr),
		kong.Exit(func(code int) { panic(exit(code)) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
		// So that "--expires-in -1h" is an error about -1h.
		kong.WithHyphenPrefixedParameters(true),
		kong.Vars{"version": versionLine(), "scopes": scopeNames()},
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(a),
	)
	if err != nil {
		return a.fail(err, exitFailure)
	}
	defer func() {
		switch p := recover().(type) {
		case nil:
		case exit:
			code = int(p)
		default:
			panic(p)
		}
	}()
	parsed, err := parser.Parse(withHelp(args))
	if err != nil {
		return a.fail(fmt.Errorf("%w; see %s --help", err, commandOf(err)), exitUsage)
	}
	if err := parsed.Run(); err != nil {
		if usage, ok := errors.AsType[usageError](err); ok {
			return a.fail(fmt.Errorf("%w; see %s --help", usage, parsed.Selected().FullPath()), exitUsage)
		}
		return a.fail(err, exitFailure)
	}
	return exitOK
}

// withHelp turns what people type for help into the flag: nothing at all, and
// "help", maybe with a command behind it.
func withHelp(args []string) []string {
	switch {
	case len(args) == 0:
		return []string{"--help"}
	case args[0] == "help":
		return append(append([]string{}, args[1:]...), "--help")
	}
	return args
}

// helpCommand lists help among the commands; withHelp does its work.
type helpCommand struct {
	Command []string `arg:"" optional:"" help:"The command to explain, like: keys create."`
}

// Run is never reached.
func (helpCommand) Run() error { return nil }

// commandOf returns as much of a command as was understood before the error.
func commandOf(err error) string {
	if p, ok := errors.AsType[*kong.ParseError](err); ok && p.Context != nil {
		if node := p.Context.Selected(); node != nil {
			return node.FullPath()
		}
	}
	return programName
}

// fail prints an error and returns the exit code.
func (a *app) fail(err error, code int) int {
	switch _, list := errors.AsType[*config.Error](err); {
	case errors.Is(err, errReported):
	case list:
		// Each problem has its line.
		fmt.Fprintf(a.stderr, "%s: %s\n", programName, err)
	default:
		fmt.Fprintf(a.stderr, "%s: %s\n", programName, server.Sentence(err))
	}
	return code
}

// errReported is returned by a command that has printed what is wrong.
var errReported = errors.New("cli: already reported")

// usageError is a command line that can be read and makes no sense.
type usageError struct{ error }

// Unwrap returns the cause.
func (e usageError) Unwrap() error { return e.error }

func usage(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }
