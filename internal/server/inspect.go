package server

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hydracore/hydrapin/internal/config"
)

// Level is how bad a finding is.
type Level string

// The levels.
const (
	// Refused keeps the server from starting.
	Refused Level = "refused"
	// Wrong breaks a promise, but the server starts.
	Wrong Level = "wrong"
	// Weak makes a promise worth less.
	Weak Level = "weak"
)

// Finding is one thing that a setting, a file or the database gets wrong.
type Finding struct {
	Level Level
	// About is the setting, the file or the database.
	About string
	// Problem begins with a verb whose subject is About, and says what to do.
	Problem string
	// Warn says that serve writes it to its log when it starts.
	Warn bool
}

// Fact is one thing that is so.
type Fact struct{ Name, Value string }

// Inspection is what the checks found.
type Inspection struct {
	// Config is the settings as far as they could be read, in embedded mode with the
	// secrets of the data folder. Loaded is without those, as [Run] takes it.
	Config, Loaded config.Config

	Facts    []Fact
	Findings []Finding

	environ []string
}

// check is one entry of the list of everything that can be wrong before a server
// starts. doctor runs all of them; serve leaves out those that cannot refuse a start
// and take long.
type check struct {
	name       string
	doctorOnly bool
	run        func(context.Context, *Inspection)
}

// checks is the list, in the order in which the findings make sense. A check that
// needs what an earlier one could not read finds nothing.
func checks() []check {
	return []check{
		{name: "settings", run: checkSettings},
		{name: "data folder", run: checkFolder},
		{name: "permissions of files", run: checkFiles},
		{name: "certificate", run: checkCertificate},
		{name: "key set of the token issuer", run: checkJWKS},
		{name: "address", run: checkAddress},
		{name: "database", run: checkDatabase},
		{name: "database, thoroughly", doctorOnly: true, run: diagnoseDatabase},
		{name: "transport", run: checkTransport},
		{name: "public URL", run: checkPublicURL},
		{name: "tokens", run: checkTokens},
		{name: "traces", run: checkTraces},
		{name: "where secrets are", run: checkStorage},
		{name: "limits on guessing", run: checkLimits},
		{name: "limits on requests", run: checkRates},
		{name: "cost of a hash", run: checkHashing},
		{name: "cooling-off period", run: checkCoolingOff},
		{name: "the person's pages", run: checkPages},
	}
}

// Inspect runs the checks that a start of the server needs, for serve, or every
// check, for doctor. It works beside a running server and leaves everything as it
// is. What only the start itself can find is that another process has the data
// folder or the address.
func Inspect(ctx context.Context, environ []string, everything bool) *Inspection {
	in := &Inspection{environ: environ}
	for _, c := range checks() {
		if everything || !c.doctorOnly {
			c.run(ctx, in)
		}
	}
	return in
}

// Refusal returns an error with every finding that keeps the server from starting,
// or nil. It is a [*config.Error].
func (in *Inspection) Refusal() error {
	var problems []config.Problem
	for _, f := range in.Findings {
		if f.Level == Refused {
			problems = append(problems, config.Problem{Setting: f.About, Text: f.Problem})
		}
	}
	if len(problems) == 0 {
		return nil
	}
	return &config.Error{Problems: problems}
}

func (in *Inspection) refuse(about, format string, args ...any) {
	in.Findings = append(in.Findings, Finding{Level: Refused, About: about, Problem: fmt.Sprintf(format, args...)})
}

func (in *Inspection) wrong(about, format string, args ...any) {
	in.Findings = append(in.Findings, Finding{Level: Wrong, About: about, Problem: fmt.Sprintf(format, args...)})
}

// warn adds something weak that the server's log shows too.
func (in *Inspection) warn(about, format string, args ...any) {
	in.Findings = append(in.Findings, Finding{Level: Weak, About: about, Problem: fmt.Sprintf(format, args...), Warn: true})
}

func (in *Inspection) weak(about, format string, args ...any) {
	in.Findings = append(in.Findings, Finding{Level: Weak, About: about, Problem: fmt.Sprintf(format, args...)})
}

func (in *Inspection) fact(name, value string) { in.Facts = append(in.Facts, Fact{name, value}) }

// refuseError adds the problems of an error one by one, where it is config's.
func (in *Inspection) refuseError(about string, err error) {
	if e, ok := errors.AsType[*config.Error](err); ok {
		for _, p := range e.Problems {
			if !in.has(p.Setting, p.Text) {
				in.refuse(p.Setting, "%s", p.Text)
			}
		}
	} else if err != nil {
		in.refuse(about, "cannot be used: %s", Sentence(err))
	}
}

func (in *Inspection) has(about, problem string) bool {
	return slices.ContainsFunc(in.Findings, func(f Finding) bool { return f.About == about && f.Problem == problem })
}

// mentions says whether a setting has been refused already.
func (in *Inspection) mentions(about string) bool {
	return slices.ContainsFunc(in.Findings, func(f Finding) bool { return f.Level == Refused && f.About == about })
}

// Sentence returns an error as one line, without what drivers say twice.
func Sentence(err error) string {
	var lines []string
	for line := range strings.Lines(err.Error()) {
		if line = strings.TrimSpace(line); line != "" && !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	return strings.ReplaceAll(strings.Join(lines, "; "), ":; ", ": ")
}
