package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/config"
	"github.com/hydracore/hydrapin/internal/server"
)

type doctor struct {
	JSON bool `name:"json" help:"Print a JSON object."`
}

// Help implements kong.HelpProvider.
func (doctor) Help() string {
	return `It changes nothing and works beside a running serve. Give it the environment of serve. What is wrong makes the
exit code 1; what is weak does not. Secrets are never printed.

Example:

    hydrapin doctor --json`
}

// finding is something that is wrong or weak.
type finding struct {
	// Level is "wrong" for what keeps the server from working as promised, "weak"
	// for what makes its promises worth less.
	Level   string `json:"level"`
	About   string `json:"about"`
	Problem string `json:"problem"`
	// atStart is for what a server says in its log too.
	atStart bool
}

const (
	wrong = "wrong"
	weak  = "weak"
)

type fact struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type listedSetting struct {
	Name   string        `json:"name"`
	Value  string        `json:"value"`
	Source config.Source `json:"source"`
}

// report is all that doctor says.
type report struct {
	Version  string          `json:"version"`
	Settings []listedSetting `json:"settings"`
	Database []fact          `json:"database"`
	Findings []finding       `json:"findings"`
}

func (r *report) find(level, about, problem string) {
	r.Findings = append(r.Findings, finding{Level: level, About: about, Problem: problem})
}

func (r *report) fact(name, value string) { r.Database = append(r.Database, fact{name, value}) }

// faults adds an error: the settings' faults one by one, anything else as one.
func (r *report) faults(about string, err error) {
	if e, ok := errors.AsType[*config.Error](err); ok {
		for _, f := range e.Faults {
			r.find(wrong, f.Setting, f.Problem)
		}
	} else if err != nil {
		r.find(wrong, about, told(err))
	}
}

// Run examines.
func (d doctor) Run(ctx context.Context, a *app) error {
	r := &report{Version: versionName(), Database: []fact{}, Findings: []finding{}}
	cfg, err := config.Load(a.environ)
	r.faults("settings", err)
	if cfg.Embedded() {
		cfg, err = cfg.ReadFolder()
		r.faults(cfg.DataDir, err)
	}
	for _, s := range cfg.Settings() {
		r.Settings = append(r.Settings, listedSetting(s))
	}
	if cfg.Database.Engine != "" {
		r.examineDatabase(ctx, cfg)
	}
	r.Findings = append(r.Findings, weaknesses(cfg)...)
	// What is wrong comes first: "wrong" is after "weak" in the alphabet.
	slices.SortStableFunc(r.Findings, func(x, y finding) int { return strings.Compare(y.Level, x.Level) })
	if d.JSON {
		err = a.printJSON(r)
	} else {
		err = a.printReport(r)
	}
	if err == nil && slices.ContainsFunc(r.Findings, func(f finding) bool { return f.Level == wrong }) {
		return errTold
	}
	return err
}

// clockTolerance is how far two clocks may differ before it matters: tokens have
// 30 seconds of leeway, which the issuer's clock may need for itself.
const clockTolerance = 5 * time.Second

func (r *report) examineDatabase(ctx context.Context, cfg config.Config) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	name := cfg.Database.String()
	r.fact("database", name)
	if err := cfg.RequireDatabase(); err != nil {
		if e, ok := errors.AsType[*config.Error](err); ok && len(r.Findings) == 0 {
			r.find(weak, e.Faults[0].Setting, e.Faults[0].Problem)
		}
		return
	}
	st, err := server.OpenStore(ctx, cfg, false)
	if err != nil {
		r.find(wrong, name, told(err))
		return
	}
	defer func() { _ = st.Close() }()
	diagnosis, err := st.Diagnose(ctx)
	r.faults(name, err)
	for _, f := range diagnosis.Facts {
		r.fact(f.Name, f.Value)
	}
	for _, p := range diagnosis.Wrong {
		r.find(wrong, name, p)
	}
	for _, p := range diagnosis.Weak {
		r.find(weak, name, p)
	}
	if err := st.Ping(ctx); err != nil {
		r.find(wrong, name, told(err)+": start serve, or run "+programName+" migrate up")
		return
	}

	begin := time.Now()
	if reads := st.Reads(); reads.Fetch(ctx) == nil {
		half := time.Since(begin) / 2
		ahead := reads.Now().Sub(begin.Add(half)).Round(time.Millisecond)
		r.fact("clock ahead of this machine's", ahead.String())
		if ahead.Abs() > clockTolerance+half {
			r.find(wrong, "clocks", fmt.Sprintf("the database's differs from this machine's by %s: let both follow a time server; "+
				"locks go by the one, tokens and keys by the other", ahead))
		}
	}
	if !cfg.Peppers.IsZero() && !cfg.ReceiptKeys.IsZero() {
		misfits, err := server.CompareRings(ctx, cfg, st)
		r.faults(name, err)
		for _, m := range misfits {
			r.find(wrong, "HYDRAPIN_PEPPERS, HYDRAPIN_RECEIPT_KEYS", m+": set what the other nodes have")
		}
	}
	if used, err := st.PeppersInUse(ctx); err == nil && len(used) > 0 {
		r.fact("peppers in use", strings.Join(used, ", "))
	}
	if all, err := st.APIKeys(ctx, uuid.Nil); err == nil {
		live, lasting := 0, 0
		for _, k := range all {
			if k.Live(time.Now()) {
				live++
				if k.ExpiresAt.IsZero() {
					lasting++
				}
			}
		}
		r.fact("live keys", fmt.Sprint(live))
		if lasting > 0 {
			r.find(weak, "keys", fmt.Sprintf("%d of %d live keys never expire: replace them by some that do (%s keys create --expires-in), and revoke them", lasting, live, programName))
		}
	}
}

func (a *app) printReport(r *report) error {
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
