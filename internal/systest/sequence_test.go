package systest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/hydracore/hydrapin/internal/hydratest"
)

// sequencer returns which node has the sequencer's lease; -1 for none.
func (w *world) sequencer(address string) int {
	w.t.Helper()
	conn, err := pgx.Connect(w.t.Context(), address)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = conn.Close(w.t.Context()) }()
	var holder string
	if err := conn.QueryRow(w.t.Context(), "SELECT holder FROM duties WHERE name = 'sequence'").Scan(&holder); err != nil {
		w.t.Fatal(err)
	}
	for i, n := range w.nodes {
		if strings.Contains(holder, fmt.Sprintf("process %d,", n.cmd.Process.Pid)) {
			return i
		}
	}
	return -1
}

// TestKillTheSequencer kills the node that moves events into the trail, again and again, while
// the others write: within ten seconds another goes on, every event has exactly one index, what
// was read stays as it was, and the trail verifies offline.
func TestKillTheSequencer(t *testing.T) {
	t.Parallel()
	w := newWorld(t, onPostgres, 3, realHash)
	address := w.database()
	const rounds = 3
	var over, alive atomic.Int64
	var writing sync.WaitGroup
	customer, _ := w.customer()
	for range 3 {
		writing.Go(func() {
			for over.Load() == 0 {
				n := w.nodes[alive.Load()]
				// What it answers is no matter: a key's denial is an event, and so is a reset.
				n.call(w.admin, http.MethodPost, "/v1/customers/"+customer.String()+"/pin", `{"pin":"`+w.newPIN()+`"}`)
			}
		})
	}
	seen := map[int64]string{}
	look := func() (queued int) {
		for line := range strings.Lines(w.must("events", "--tenant", w.tenant.String(), "--json")) {
			var e struct {
				Index *int64
				ID    string
			}
			if err := json.Unmarshal([]byte(line), &e); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			if e.Index == nil {
				queued++
				continue
			}
			if was, ok := seen[*e.Index]; ok && was != e.ID {
				t.Fatalf("event %d was %s and is %s", *e.Index, was, e.ID)
			}
			seen[*e.Index] = e.ID
		}
		return queued
	}
	for range rounds {
		leader := -1
		hydratest.Eventually(t, "a node sequences", func() bool {
			leader = w.sequencer(address)
			return leader >= 0
		})
		alive.Store(int64((leader + 1) % len(w.nodes)))
		w.nodes[leader].kill()
		killed, before := time.Now(), len(seen)
		hydratest.Eventually(t, "another node goes on", func() bool {
			look()
			return len(seen) > before && w.sequencer(address) >= 0 && w.sequencer(address) != leader
		})
		if took := time.Since(killed); took > 10*time.Second {
			t.Errorf("another node went on after %s", took)
		}
		w.restart(leader)
	}
	over.Store(1)
	writing.Wait()
	hydratest.Eventually(t, "every event has its index", func() bool { return look() == 0 })
	ids := map[string]bool{}
	for n := range int64(len(seen)) {
		id, ok := seen[n]
		if !ok || ids[id] {
			t.Fatalf("event %d is missing, or there twice: %q", n, id)
		}
		ids[id] = true
	}
	keys := w.nodes[0].call("", http.MethodGet, "/.well-known/hydrapin-log.json", "")
	if err := os.WriteFile(w.path("log.json"), keys.body, 0o600); err != nil {
		t.Fatal(err)
	}
	w.must("audit", "export", w.path("trail.jsonl"), "--tenant", w.tenant.String())
	if out := w.must("audit", "verify", w.path("trail.jsonl"), "--key", w.path("log.json")); !strings.HasPrefix(out, "OK: ") {
		t.Errorf("verify: %s", out)
	}
	proof := w.must("audit", "prove", "--tenant", w.tenant.String(), "--index", "1")
	if err := os.WriteFile(w.path("event.json"), []byte(proof), 0o600); err != nil {
		t.Fatal(err)
	}
	if out := w.must("audit", "verify", w.path("event.json"), "--key", w.path("log.json")); !strings.HasPrefix(out, "OK: event 1 ") {
		t.Errorf("verify of a proof: %s", out)
	}
}

// database returns the address of the world's PostgreSQL database.
func (w *world) database() string {
	w.t.Helper()
	for _, v := range w.env {
		if address, ok := strings.CutPrefix(v, "HYDRAPIN_DATABASE_URL="); ok {
			return address
		}
	}
	w.t.Fatal("no database")
	return ""
}
