package guard

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
)

// WithBeat returns the guard with another pause between two signs of life.
func (g *Guard) WithBeat(tb testing.TB, d time.Duration) *Guard {
	tb.Helper()
	g.beat = d
	return g
}

// WithPlaces returns the guard with another number of calls in flight.
func (g *Guard) WithPlaces(n int) *Guard {
	g.slots = make(chan struct{}, n)
	return g
}

// Fill fills a template from canonical arguments; without one it is the default summary.
func Fill(source, tool, arguments string) (string, error) {
	if source == "" {
		return defaultSummary(tool, json.RawMessage(arguments))
	}
	t, err := parseTemplate(source)
	if err != nil {
		return "", err
	}
	return t.fill(json.RawMessage(arguments))
}

// Passed returns the lines that guard would write for a line that has no call, and false if it has
// one or is refused.
func Passed(line []byte) ([]string, bool) {
	messages, _, err := parse(line)
	if err != nil {
		return nil, false
	}
	var lines []string
	for _, m := range messages {
		if isCall(m.method) {
			return nil, false
		}
		var b strings.Builder
		if err := (&lineWriter{w: &b}).write(m.line()); err != nil {
			return nil, false
		}
		lines = append(lines, b.String())
	}
	return lines, true
}

// ParseCall returns the name and arguments that guard reads from a call, and its params as it would
// forward them if no PIN were needed.
func ParseCall(line []byte) (name, arguments, params string, ok bool) {
	messages, batch, err := parse(line)
	if err != nil || batch || !isCall(messages[0].method) {
		return "", "", "", false
	}
	c, err := parseCall(messages[0], session{})
	if err != nil {
		return "", "", "", false
	}
	return c.tool, string(c.params.get("arguments")), string(c.params.text()), true
}

// Rounds are request states with a clock.
type Rounds struct{ r *rounds }

// NewRounds returns none.
func NewRounds(now func() time.Time) Rounds { return Rounds{newRounds(now)} }

// Put remembers a state.
func (r Rounds) Put(key string) { r.r.put(key, uuid.New()) }

// Take reports whether a state continues a call.
func (r Rounds) Take(key string) bool {
	_, ok := r.r.take(key)
	return ok
}
