package contract

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// Transport passes requests on and compares every answer with a contract. It is
// safe for concurrent use.
type Transport struct {
	Spec *Spec
	// Base does the work; nil is [http.DefaultTransport].
	Base http.RoundTripper
	// Prefix is what the server's paths begin with, where that is more than the
	// contract's.
	Prefix string
	// Report is called with each violation, from whichever goroutine; a test gives
	// its Error method.
	Report func(args ...any)
	// Seen counts what was reached; nil counts nothing.
	Seen *Coverage
}

// RoundTrip implements [http.RoundTripper].
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	base := t.Base
	if base == nil {
		base = http.DefaultTransport
	}
	method, path := req.Method, strings.TrimPrefix(req.URL.EscapedPath(), t.Prefix)
	resp, err := base.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil {
		return nil, fmt.Errorf("contract: read the answer: %w", err)
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	e := Exchange{Method: method, Path: path, Status: resp.StatusCode, Header: resp.Header, Body: body}
	for _, difference := range t.Spec.Check(e) {
		t.Report(fmt.Sprintf("%s %s answered %d against the contract: %s", method, path, e.Status, difference))
	}
	t.Seen.add(t.Spec, e)
	return resp, nil
}

// Coverage counts which answers were reached. Its zero value is empty, and it is
// safe for concurrent use.
type Coverage struct {
	mu       sync.Mutex
	cells    map[cell]int
	problems map[string]int
	invalid  map[string]int
}

type cell struct {
	operation string
	status    int
}

func (c *Coverage) add(s *Spec, e Exchange) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cells == nil {
		c.cells, c.problems, c.invalid = map[cell]int{}, map[string]int{}, map[string]int{}
	}
	if op, _ := s.Find(e.Method, e.Path); op != nil {
		c.cells[cell{op.ID, e.Status}]++
	}
	if code := ParseProblem(e.Body).Code(); code != "" && e.Status >= http.StatusBadRequest {
		c.problems[code]++
	}
	if e.Status == http.StatusUnprocessableEntity {
		for _, f := range ParseFieldErrors(e.Body) {
			c.invalid[f.Type]++
		}
	}
}

// Count returns how often an operation was answered with a status.
func (c *Coverage) Count(operation string, status int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cells[cell{operation, status}]
}

// Problems returns how often each problem code was met.
func (c *Coverage) Problems() map[string]int { return c.counts(&c.problems) }

// FieldErrors counts how often each type of validation error was returned.
func (c *Coverage) FieldErrors() map[string]int { return c.counts(&c.invalid) }

func (c *Coverage) counts(of *map[string]int) map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := map[string]int{}
	for k, n := range *of {
		out[k] = n
	}
	return out
}

// Missing returns the documented answers that were not reached, as "operation
// status".
func (c *Coverage) Missing(s *Spec) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []string
	for _, op := range s.operations {
		for _, status := range op.Statuses() {
			if c.cells[cell{op.ID, status}] == 0 {
				out = append(out, fmt.Sprintf("%s %d", op.ID, status))
			}
		}
	}
	return out
}

// Table shows how often each documented answer of each operation was reached: a number, "EMPTY" for
// never, and a dot for an answer that is not documented.
func (c *Coverage) Table(s *Spec) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var statuses []int
	for _, op := range s.operations {
		statuses = append(statuses, op.Statuses()...)
	}
	slices.Sort(statuses)
	statuses = slices.Compact(statuses)

	var b strings.Builder
	fmt.Fprintf(&b, "%-22s", "")
	for _, status := range statuses {
		fmt.Fprintf(&b, "%6d", status)
	}
	for _, op := range s.operations {
		fmt.Fprintf(&b, "\n%-22s", op.ID)
		for _, status := range statuses {
			switch n := c.cells[cell{op.ID, status}]; {
			case op.response(status) == nil:
				fmt.Fprintf(&b, "%6s", ".")
			case n == 0:
				fmt.Fprintf(&b, "%6s", "EMPTY")
			default:
				fmt.Fprintf(&b, "%6d", n)
			}
		}
	}
	return b.String()
}
