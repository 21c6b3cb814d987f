// Package guard stands in front of an MCP server and lets a tools/call reach it only when the PIN
// policy needs no PIN for it, or after a person confirmed exactly that call.
//
// It guarantees that every other outcome (declined, expired, locked, frozen, no answer, an answer
// that it does not recognise, arguments that cannot be confirmed) ends in a refusal; that of a call
// that needs no PIN nothing but the skill and the role reaches hydrapin; and that all other messages
// pass both ways. It speaks MCP for neither side: it is a pump.
//
// It is a client of hydrapin and knows the Go SDK alone, nothing else of the project.
package guard

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/sdk/go/hydrapin"
)

const (
	// stepTime bounds each step that asks hydrapin or the upstream, apart from the wait for the
	// person. Clients give up after 60 seconds.
	stepTime = 15 * time.Second
	// findTime bounds the look at the upstream's tools. A client that does not wait for the server
	// may call while npx still fetches it.
	findTime = 45 * time.Second
	// attemptTime and retries are how the SDK spends that time.
	attemptTime = 6 * time.Second
	retries     = 2
	// reportTime bounds the report of an outcome, and how long guard stays for each last thing at its
	// end: calls that a client wrote before it closed its stream, what the upstream wrote, reports.
	reportTime = 5 * time.Second
	// maxInFlight is how many calls guard holds or has forwarded at the same time.
	maxInFlight = 256
)

// Guard is the decision about calls, shared by both transports.
type Guard struct {
	settings Settings
	runtime  *hydrapin.Runtime
	log      *slog.Logger
	rounds   *rounds
	// toClient and toUpstream number guard's own requests. They differ so that the upstream, which
	// sees its own, cannot guess those that the client answers.
	toClient, toUpstream *ids
	// beat is the pause between two signs of life while a call is held.
	beat time.Duration
	// slots bounds the calls in flight.
	slots chan struct{}
	// reports are the outcomes that are being reported.
	reports sync.WaitGroup
}

// New returns a guard with valid settings. It sends no request.
func New(s Settings, log *slog.Logger) (*Guard, error) {
	runtime, err := hydrapin.NewRuntime(s.Server, hydrapin.NewKey(s.RuntimeKey.Reveal()), s.Instance,
		hydrapin.WithUserAgent("hydrapin-guard"), hydrapin.WithTimeout(attemptTime), hydrapin.WithRetries(retries))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSettings, err)
	}
	return &Guard{
		settings: s, runtime: runtime, log: log, rounds: newRounds(time.Now), toClient: newIDs(), toUpstream: newIDs(),
		beat: 5 * time.Second, slots: make(chan struct{}, maxInFlight),
	}, nil
}

// Run runs guard until the client or the upstream ends, and returns its exit code.
func (g *Guard) Run(ctx context.Context, streams Streams) (int, error) {
	if g.settings.Upstream != nil {
		return 0, g.serveHTTP(ctx)
	}
	return g.runStdio(ctx, streams)
}

// enter takes one of the places for calls in flight, or returns false.
func (g *Guard) enter() bool {
	select {
	case g.slots <- struct{}{}:
		return true
	default:
		return false
	}
}

func (g *Guard) leave() { <-g.slots }

// report reports what became of a call, beside everything else. Nothing depends on it.
func (g *Guard) report(confirmation uuid.UUID, outcome hydrapin.Outcome) {
	if confirmation == uuid.Nil || outcome == "" {
		return
	}
	g.reports.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), reportTime)
		defer cancel()
		if _, err := g.runtime.ReportOutcome(ctx, confirmation, outcome, ""); err != nil {
			g.log.Warn("the outcome of a call was not reported", "confirmation", confirmation, "outcome", outcome, "error", err)
		}
	})
}

// settleReports waits for the reports under way, for a while.
func (g *Guard) settleReports() {
	done := make(chan struct{})
	go func() {
		defer close(done)
		g.reports.Wait()
	}()
	within(done)
}

// within waits for a channel, but not for long.
func within(done <-chan struct{}) {
	t := time.NewTimer(reportTime)
	defer t.Stop()
	select {
	case <-done:
	case <-t.C:
	}
}

// ids are the ids of guard's own requests: hydrapin-<random>-n.
type ids struct {
	prefix string
	last   atomic.Int64
}

const ownPrefix = "hydrapin-"

func newIDs() *ids { return &ids{prefix: ownPrefix + strings.ToLower(rand.Text()) + "-"} }

func (i *ids) next() string { return i.prefix + strconv.FormatInt(i.last.Add(1), 10) }

// has reports whether an id has the form of these ids, whether or not it was given out.
func (i *ids) has(id string) bool { return strings.HasPrefix(id, i.prefix) }

// isOwnKey reports whether a name is one that some guard, maybe before a restart, gave to an
// elicitation: hydrapin-<random>-n.
func isOwnKey(name string) bool {
	random, n, ok := strings.Cut(strings.TrimPrefix(name, ownPrefix), "-")
	if !strings.HasPrefix(name, ownPrefix) || !ok || len(random) != 26 {
		return false
	}
	_, err := strconv.ParseUint(n, 10, 63)
	return err == nil
}
