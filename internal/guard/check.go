package guard

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/hydracore/hydrapin/sdk/go/hydrapin"
)

// checkTime bounds a check. A server from a package registry may be downloaded first.
const checkTime = 2 * time.Minute

// reasonNoSkill is the reason of a tool whose skill hydrapin does not accept.
const reasonNoSkill hydrapin.Reason = "invalid_skill"

// CheckedTool is what guard does with one tool of the upstream.
type CheckedTool struct {
	Tool     string `json:"tool"`
	Skill    string `json:"skill"`
	Required bool   `json:"required"`
	// Reason is why no PIN is required, "frozen", "invalid_skill", or null.
	Reason *hydrapin.Reason `json:"reason"`
	// Summary is the template of what the person sees.
	Summary     string               `json:"summary"`
	Annotations *mcp.ToolAnnotations `json:"annotations"`
	Warnings    []string             `json:"warnings"`
}

// Report is what [Guard.Check] finds.
type Report struct {
	Tools []CheckedTool `json:"tools"`
	// Unlisted are warnings about tools that the settings name and the upstream does not list.
	Unlisted []string `json:"-"`
}

// Check lists the upstream's tools and looks up the policy for each. It calls no tool.
func (g *Guard) Check(ctx context.Context, stderr io.Writer) (Report, error) {
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	transport, end, err := g.checkTransport(stderr)
	if err != nil {
		return Report{}, err
	}
	defer end()
	client := mcp.NewClient(&mcp.Implementation{Name: "hydrapin-guard-check", Version: hydrapin.Version}, nil)
	s, err := client.Connect(ctx, transport, nil)
	if err != nil {
		return Report{}, fmt.Errorf("the MCP server cannot be reached: %w", err)
	}
	defer func() { _ = s.Close() }()
	r := Report{Tools: []CheckedTool{}}
	for t, err := range s.Tools(ctx, nil) {
		if err != nil {
			return Report{}, fmt.Errorf("the MCP server did not list its tools: %w", err)
		}
		checked, err := g.checkTool(ctx, t)
		if err != nil {
			return Report{}, err
		}
		r.Tools = append(r.Tools, checked)
	}
	for name := range g.settings.Tools {
		if !slices.ContainsFunc(r.Tools, func(t CheckedTool) bool { return t.Tool == name }) {
			r.Unlisted = append(r.Unlisted, fmt.Sprintf("the settings name the tool %q, which the MCP server does not list", name))
		}
	}
	slices.Sort(r.Unlisted)
	return r, nil
}

// checkTransport connects to the upstream as guard does: a command without guard's settings and in a
// group of its own.
func (g *Guard) checkTransport(stderr io.Writer) (mcp.Transport, func(), error) {
	if g.settings.Upstream != nil {
		return &mcp.StreamableClientTransport{Endpoint: g.settings.Upstream.String(), DisableStandaloneSSE: true, MaxRetries: -1}, func() {}, nil
	}
	c, err := startChild(g.settings.Command, stderr)
	if err != nil {
		return nil, nil, fmt.Errorf("the MCP server %q cannot be started: %w", g.settings.Command[0], err)
	}
	read, write := io.Pipe()
	go func() {
		// The SDK ends at a line that is no JSON, and guard passes over it.
		lines := newLineReader(c.stdout, maxUpstreamLine)
		for {
			line, err := lines.next()
			if err != nil && !errors.Is(err, errLongLine) {
				_ = write.CloseWithError(io.EOF)
				return
			}
			if json.Valid(line) {
				_, _ = write.Write(append(trimmed(line), '\n'))
			}
		}
	}()
	return &mcp.IOTransport{Reader: read, Writer: c.stdin}, func() {
		_ = read.Close()
		c.stop()
		_ = c.stdout.Close()
	}, nil
}

func (g *Guard) checkTool(ctx context.Context, t *mcp.Tool) (CheckedTool, error) {
	rule, ruled := g.settings.Tools[t.Name]
	c := CheckedTool{
		Tool: t.Name, Skill: g.settings.skillOf(t.Name), Summary: "Run " + t.Name, Annotations: t.Annotations, Warnings: []string{},
	}
	if rule.template != nil {
		c.Summary = rule.template.source
		for _, name := range rule.template.unknown(t.InputSchema) {
			c.warn("the summary needs the argument %q, which the tool does not have: calls are refused", name)
		}
	}
	d, err := g.runtime.Decision(ctx, c.Skill, g.settings.Role)
	var refused *hydrapin.APIError
	switch {
	case errors.As(err, &refused) && refused.Status == 422:
		c.Required, c.Reason = true, new(reasonNoSkill)
		c.warn("its name makes no valid skill: calls are refused")
		return c, nil
	case err != nil:
		return c, fmt.Errorf("the policy cannot be looked up: %w", err)
	}
	c.Required = d.Required
	if d.Reason != "" {
		c.Reason = &d.Reason
	}
	switch {
	case !d.Required && ruled:
		c.warn("the settings name it, but the policy requires no PIN for its skill: calls are refused")
	case !d.Required && isDestructive(t.Annotations):
		c.warn("it may change or destroy something, and needs no PIN")
	}
	return c, nil
}

func (c *CheckedTool) warn(format string, args ...any) {
	c.Warnings = append(c.Warnings, fmt.Sprintf(format, args...))
}

// isDestructive takes what a tool does not say as MCP does: for destructive.
func isDestructive(a *mcp.ToolAnnotations) bool {
	return a == nil || !a.ReadOnlyHint && (a.DestructiveHint == nil || *a.DestructiveHint)
}

// unknown returns the arguments of a template that an input schema does not have.
func (t *template) unknown(inputSchema any) []string {
	var s struct {
		Properties map[string]json.RawMessage `json:"properties"`
		Additional json.RawMessage            `json:"additionalProperties"`
	}
	if json.Unmarshal(encoded(inputSchema), &s) != nil || s.Properties == nil && string(s.Additional) != "false" {
		return nil
	}
	var names []string
	for _, p := range t.parts {
		if p.path == nil {
			continue
		}
		if _, ok := s.Properties[p.path[0]]; !ok && !slices.Contains(names, p.path[0]) {
			names = append(names, p.path[0])
		}
	}
	return names
}

// Warnings returns how many warnings there are.
func (r Report) Warnings() int {
	n := len(r.Unlisted)
	for i := range r.Tools {
		n += len(r.Tools[i].Warnings)
	}
	return n
}

// WriteJSON prints a report for programs.
func (r Report) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// WriteText prints a report for people.
func (r Report) WriteText(w io.Writer) error {
	if len(r.Tools) == 0 {
		_, err := fmt.Fprintln(w, "The MCP server lists no tools.")
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "TOOL\tSKILL\tPIN\tWHY\tSUMMARY\tANNOTATIONS")
	for i := range r.Tools {
		c := &r.Tools[i]
		pin := "no"
		if c.Required {
			pin = "yes"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", printable(c.Tool), printable(c.Skill), pin, c.why(), printable(c.Summary), annotations(c.Annotations))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for i := range r.Tools {
		for _, warning := range r.Tools[i].Warnings {
			if _, err := fmt.Fprintf(w, "warning: %s: %s\n", printable(r.Tools[i].Tool), warning); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *CheckedTool) why() string {
	switch {
	case c.Reason == nil:
		return "the policy lists the skill"
	case *c.Reason == hydrapin.ReasonSkillNotListed:
		return "the policy does not list the skill"
	case *c.Reason == hydrapin.ReasonRoleExcluded:
		return "the policy leaves the role out"
	case *c.Reason == hydrapin.ReasonFrozen:
		return "frozen: calls are refused"
	case *c.Reason == reasonNoSkill:
		return "no valid skill: calls are refused"
	default:
		return printable(string(*c.Reason))
	}
}

// printable quotes what a terminal would not show as it is.
func printable(s string) string {
	if strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.QuoteToASCII(s)
	}
	return s
}

func annotations(a *mcp.ToolAnnotations) string {
	if a == nil {
		return "none"
	}
	var said []string
	if a.ReadOnlyHint {
		said = append(said, "read-only")
	}
	if a.DestructiveHint != nil && *a.DestructiveHint {
		said = append(said, "destructive")
	}
	if a.DestructiveHint != nil && !*a.DestructiveHint {
		said = append(said, "not destructive")
	}
	if a.IdempotentHint {
		said = append(said, "idempotent")
	}
	if len(said) == 0 {
		return "none"
	}
	return strings.Join(said, ", ")
}
