package cli

import (
	"context"
	"fmt"
	"slices"
	"text/tabwriter"

	"github.com/hydracore/hydrapin/internal/config"
	"github.com/hydracore/hydrapin/internal/server"
)

type doctor struct {
	JSON bool `name:"json" help:"Print a JSON object."`
}

// Help implements kong.HelpProvider.
func (doctor) Help() string {
	return `It runs every check that serve runs before it starts, and more; it changes nothing and works beside a running serve.
Run it as the user of serve and with the same environment. If something is wrong the exit code is 1; what is only weak
does not change it. Secrets are never printed.

Example:

    hydrapin doctor --json`
}

// finding is a finding as doctor prints it.
type finding struct {
	// Level is "wrong" or "weak".
	Level   string `json:"level"`
	About   string `json:"about"`
	Problem string `json:"problem"`
	// RefusesStart says that serve does not start with it.
	RefusesStart bool `json:"refuses_start"`
}

type fact struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type listedSetting struct {
	Name   string        `json:"name"`
	Value  string        `json:"value"`
	Source config.Source `json:"source"`
}

// report is everything that doctor prints.
type report struct {
	Version  string          `json:"version"`
	Settings []listedSetting `json:"settings"`
	Database []fact          `json:"database"`
	Findings []finding       `json:"findings"`
}

const (
	wrong = "wrong"
	weak  = "weak"
)

// Run examines.
func (d doctor) Run(ctx context.Context, a *app) error {
	in := server.Inspect(ctx, a.environ, true)
	r := report{Version: versionName(), Database: []fact{}, Findings: []finding{}}
	for _, s := range in.Config.Settings() {
		r.Settings = append(r.Settings, listedSetting(s))
	}
	for _, f := range in.Facts {
		r.Database = append(r.Database, fact(f))
	}
	// What is wrong comes first, and of that what keeps serve from starting.
	order := []server.Level{server.Refused, server.Wrong, server.Weak}
	slices.SortStableFunc(in.Findings, func(x, y server.Finding) int {
		return slices.Index(order, x.Level) - slices.Index(order, y.Level)
	})
	failed := false
	for _, f := range in.Findings {
		level := wrong
		if f.Level == server.Weak {
			level = weak
		}
		failed = failed || level == wrong
		r.Findings = append(r.Findings, finding{level, f.About, f.Problem, f.Level == server.Refused})
	}
	show := a.printReport
	if d.JSON {
		show = func(r report) error { return a.printJSON(r) }
	}
	if err := show(r); err != nil {
		return err
	}
	if failed {
		return errReported
	}
	return nil
}

func (a *app) printReport(r report) error {
	out := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(out, "%s %s\n\nSettings\n", programName, r.Version)
	for _, s := range r.Settings {
		fmt.Fprintf(out, "  %s\t%s\t(%s)\n", s.Name, s.Value, s.Source)
	}
	fmt.Fprint(out, "\nDatabase\n")
	for _, f := range r.Database {
		fmt.Fprintf(out, "  %s\t%s\n", f.Name, f.Value)
	}
	if err := out.Flush(); err != nil {
		return err
	}
	count := map[string]int{}
	for _, f := range r.Findings {
		if count[f.Level] == 0 {
			fmt.Fprintf(a.stdout, "\nWhat is %s\n", f.Level)
		}
		count[f.Level]++
		fmt.Fprintf(a.stdout, "  %s: %s\n", f.About, f.Problem)
	}
	_, err := fmt.Fprintf(a.stdout, "\n%d wrong, %d weak.\n", count[wrong], count[weak])
	return err
}
