// Package cli is the commands of hydrapin. It guarantees that what a command
// makes goes to stdout alone and everything else to stderr, that every failure is
// told in words that say what to do, and that the exit code is 0 for success, 1
// for failure and 2 for a command line that cannot be understood. It knows no
// driver and no SQL: what it does to a database goes through service and server.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/hydracore/hydrapin/internal/config"
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
	Serve   serve          `cmd:"" help:"Run the server."`
	Migrate migrate        `cmd:"" help:"Look after the database's schema."`
	Keys    keys           `cmd:"" help:"Make, list and revoke API keys and runtime keys."`
	Events  events         `cmd:"" help:"Print the audit trail of a tenant."`
	Token   token          `cmd:"" help:"Sign a JWT for trying things (HS256 only)."`
	Doctor  doctor         `cmd:"" help:"Say what is wrong with settings and database, and what to do."`
	Version versionCommand `cmd:"" help:"Print the version."`
}

// app is what every command works with.
type app struct {
	environ        []string
	stdout, stderr io.Writer
	// typed is how this program was called, for lines that are to be pasted.
	typed string
}

// exit ends the parsing of a command line that asked for help.
type exit int

// Main runs the command line in os.Args and returns the exit code.
func Main() int {
	a := &app{environ: os.Environ(), stdout: os.Stdout, stderr: os.Stderr, typed: typed(os.Args[0])}
	return a.run(context.Background(), os.Args[1:])
}

// typed returns a name of the program that a shell in the same folder finds.
func typed(arg0 string) string {
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
			"Settings come from the environment; \"hydrapin serve --help\" lists them."),
		kong.Writers(a.stdout, a.stderr),
		kong.Exit(func(code int) { panic(exit(code)) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
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
	parsed, err := parser.Parse(args)
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
	if !errors.Is(err, errTold) {
		fmt.Fprintf(a.stderr, "%s: %s\n", programName, told(err))
	}
	return code
}

// told returns an error as it is printed: the settings' faults as they are, each
// on its line; anything else as one line, without what drivers say twice.
func told(err error) string {
	if _, ok := errors.AsType[*config.Error](err); ok {
		return err.Error()
	}
	var lines []string
	for line := range strings.Lines(err.Error()) {
		if line = strings.TrimSpace(line); line != "" && !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	return strings.ReplaceAll(strings.Join(lines, "; "), ":; ", ": ")
}

// errTold is returned by a command that has said itself what is wrong.
var errTold = errors.New("cli: told")

// usageError is a command line that can be read and makes no sense.
type usageError struct{ error }

// Unwrap returns the cause.
func (e usageError) Unwrap() error { return e.error }

func usage(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }
