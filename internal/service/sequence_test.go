package service_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"math/bits"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"filippo.io/torchwood"
	"github.com/google/uuid"
	"golang.org/x/mod/sumdb/note"

	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/service"
	"github.com/hydracore/hydrapin/internal/trail"
)

// sequenceAll moves everything that waits.
func (n *node) sequenceAll(t *testing.T) {
	t.Helper()
	for more := true; more; {
		done, err := n.Sequence(t.Context())
		must(t, err)
		more = done.More
	}
}

// trailOf returns the events of a tenant as they are kept.
func (w *world) trailOf(tenant uuid.UUID) []audit.Stored {
	w.t.Helper()
	events, err := w.Events(w.t.Context(), audit.Filter{Tenant: tenant, Limit: 100_000})
	must(w.t, err)
	return events
}

// tree reads the tree of a tenant.
func (w *world) tree(tenant uuid.UUID) audit.Tree {
	w.t.Helper()
	var trees []audit.Tree
	r := w.store.Reads()
	r.Trees([]uuid.UUID{tenant}, &trees)
	must(w.t, r.Fetch(w.t.Context()))
	if len(trees) == 0 {
		return audit.Tree{}
	}
	return trees[0]
}

// rootOf is the root of the tree over leaves, straight from RFC 6962, section 2.1: an
// implementation of its own, that shares nothing with the one that is tested.
func rootOf(leaves [][]byte) [32]byte {
	switch len(leaves) {
	case 0:
		return sha256.Sum256(nil)
	case 1:
		return sha256.Sum256(append([]byte{0}, leaves[0]...))
	}
	k := 1 << (bits.Len(uint(len(leaves)-1)) - 1)
	left, right := rootOf(leaves[:k]), rootOf(leaves[k:])
	return sha256.Sum256(append(append([]byte{1}, left[:]...), right[:]...))
}

// checkTrail says that every event of a tenant has its index, and that the signed head is that of
// these events, by other programs' code.
func (w *world) checkTrail(tenant uuid.UUID) {
	t := w.t
	t.Helper()
	events := w.trailOf(tenant)
	leaves := make([][]byte, len(events))
	seen := map[uuid.UUID]bool{}
	for n, e := range events {
		equal(t, "index", e.Index, int64(n))
		leaves[n] = e.Leaf
		entry, err := e.Entry()
		must(t, err)
		if seen[entry.ID] {
			t.Fatalf("event %s is in the trail twice", entry.ID)
		}
		seen[entry.ID] = true
	}
	tree := w.tree(tenant)
	equal(t, "size", tree.Size, int64(len(events)))
	public, err := trail.ParseRing(secrets("r1"))
	must(t, err)
	key := public.PublicKeys()[0].Key
	text, err := note.NewEd25519VerifierKey("pin.example/"+tenant.String(), key)
	must(t, err)
	verifier, err := note.NewVerifier(text)
	must(t, err)
	opened, err := note.Open([]byte(tree.Head), note.VerifierList(verifier))
	must(t, err)
	head, err := torchwood.ParseCheckpoint(opened.Text)
	must(t, err)
	equal(t, "origin", head.Origin, "pin.example/"+tenant.String())
	equal(t, "size of the head", head.N, int64(len(events)))
	if head.Hash != rootOf(leaves) {
		t.Fatalf("the head of %d events has another root", len(events))
	}
}

func TestEventsGetTheirPlaces(t *testing.T) {
	t.Parallel()
	onEach(t, apart(), func(t *testing.T, w *world) {
		w.require(30)
		w.setPIN(w.customer, right)
		first := w.tenant
		w.newTenant()
		w.require(30)
		w.setPIN(w.customer, right)
		before := w.trailOf(first)
		w.sequenceAll(t)
		after := w.trailOf(first)
		equal(t, "how many", len(after), len(before))
		for n := range after {
			equal(t, "leaf", string(after[n].Leaf), string(before[n].Leaf))
			equal(t, "queued before", before[n].Queued(), true)
		}
		w.checkTrail(first)
		w.checkTrail(w.tenant)
		// Tree by tree and size by size, also past a power of two.
		for range 9 {
			w.approved(doing(t, params))
			w.sequenceAll(t)
			w.checkTrail(w.tenant)
		}
		w.checkTrail(first)
		done, err := w.Sequence(t.Context())
		must(t, err)
		equal(t, "moved, with nothing queued", done.Moved, 0)
	})
}

// TestSequencersRace says that any number of sequencers give every event exactly one index, while
// others write, and that whoever reads on by index sees each event once and in one order.
func TestSequencersRace(t *testing.T) {
	t.Parallel()
	onEach(t, apart(), func(t *testing.T, w *world) {
		const writers, each, sequencers = 4, 15, 3
		var writing, sequencing sync.WaitGroup
		tenants := make([]uuid.UUID, writers)
		var over, sequenced atomic.Bool
		for n := range sequencers {
			other := w.another()
			sequencing.Go(func() {
				for {
					last := over.Load()
					lag, err := other.TrailLag(t.Context())
					if err == nil && lag == 0 {
						if last {
							return
						}
						<-time.After(5 * time.Millisecond)
						continue
					}
					done, err := other.Sequence(t.Context())
					if err != nil {
						t.Errorf("sequencer %d: %v", n, err)
						return
					}
					if len(done.Stopped) > 0 {
						t.Errorf("sequencer %d stopped %v", n, done.Stopped)
					}
				}
			})
		}
		for n := range writers {
			tenants[n] = uuid.New()
			caller := service.Operator(tenants[n])
			writing.Go(func() {
				for range each {
					_, _, err := w.MintKey(t.Context(), caller, service.KeySpec{Tenant: tenants[n], Scopes: auth.Scopes()})
					if err != nil {
						t.Errorf("writer %d: %v", n, err)
					}
				}
			})
		}
		// A reader goes on from the index that it has.
		read := map[int64]string{}
		reading := make(chan struct{})
		go func() {
			defer close(reading)
			for from, last := int64(0), false; ; {
				events, err := w.Events(t.Context(), audit.Filter{Tenant: tenants[0], From: from, Limit: 3})
				if err != nil {
					t.Errorf("reader: %v", err)
					return
				}
				was := from
				for _, e := range events {
					if !e.Queued() {
						read[e.Index] = string(e.Leaf)
						from = e.Index + 1
					}
				}
				if from == was {
					if last {
						return
					}
					last = sequenced.Load()
					<-time.After(5 * time.Millisecond)
				}
			}
		}()
		writing.Wait()
		over.Store(true)
		sequencing.Wait()
		sequenced.Store(true)
		<-reading
		for _, tenant := range tenants {
			equal(t, "events", len(w.trailOf(tenant)), each)
			w.checkTrail(tenant)
		}
		for n, e := range w.trailOf(tenants[0]) {
			equal(t, "what the reader saw", read[int64(n)], string(e.Leaf))
		}
	})
}

// tampering is what somebody with the database's password did to the trail of a tenant.
var tampering = map[string]string{
	"a hash changed":          "UPDATE pin_event_hashes SET hashes = %[2]s WHERE tenant_id = '%[1]s' AND event_index = (SELECT size - 1 FROM pin_event_trees WHERE tenant_id = '%[1]s')",
	"a hash removed":          "DELETE FROM pin_event_hashes WHERE tenant_id = '%[1]s' AND event_index = (SELECT size - 1 FROM pin_event_trees WHERE tenant_id = '%[1]s')",
	"a hash added":            "INSERT INTO pin_event_hashes SELECT tenant_id, size, %[2]s FROM pin_event_trees WHERE tenant_id = '%[1]s'",
	"the tail cut":            "UPDATE pin_event_trees SET size = size - 1 WHERE tenant_id = '%[1]s'",
	"the head changed":        "UPDATE pin_event_trees SET head = replace(head, 'pin.example', 'pin.exampel') WHERE tenant_id = '%[1]s'",
	"the head of another":     "UPDATE pin_event_trees SET head = (SELECT o.head FROM pin_event_trees AS o WHERE o.tenant_id <> '%[1]s' ORDER BY o.tenant_id LIMIT 1) WHERE tenant_id = '%[1]s'",
	"an event beyond the end": "INSERT INTO pin_events (tenant_id, event_index, id, occurred_at, type, actor_kind, actor_id, leaf) SELECT e.tenant_id, t.size, '%[3]s', e.occurred_at, e.type, e.actor_kind, e.actor_id, e.leaf FROM pin_events AS e JOIN pin_event_trees AS t ON t.tenant_id = e.tenant_id WHERE e.tenant_id = '%[1]s' AND e.event_index = 0",
}

// unguard takes the triggers away, as whoever owns the database can.
func (w *world) unguard() {
	w.t.Helper()
	statements := []string{
		"DROP TRIGGER pin_events_append_only ON pin_events", "DROP TRIGGER pin_events_sealed ON pin_events",
		"DROP TRIGGER pin_event_hashes_append_only ON pin_event_hashes",
	}
	if w.db.name == onSQLite {
		statements = []string{
			"DROP TRIGGER pin_events_no_update", "DROP TRIGGER pin_events_sealed",
			"DROP TRIGGER pin_event_hashes_no_update", "DROP TRIGGER pin_event_hashes_no_delete",
		}
	}
	for _, statement := range statements {
		_, err := w.db.sql.ExecContext(w.t.Context(), statement)
		must(w.t, err)
	}
}

// TestATreeThatWasTamperedWithStops says that such a tree gets no more events, that this is
// reported, and that other tenants' go on.
func TestATreeThatWasTamperedWithStops(t *testing.T) {
	t.Parallel()
	for name, statement := range tampering {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onEach(t, apart(), func(t *testing.T, w *world) {
				another := w.tenant
				w.require(30)
				w.newTenant()
				w.require(30)
				w.setPIN(w.customer, right)
				w.setPIN(w.customer, other)
				w.sequenceAll(t)
				w.unguard()
				blob := "decode(repeat('ab', 32), 'hex')"
				if w.db.name == onSQLite {
					blob = "zeroblob(32)"
				}
				_, err := w.db.sql.ExecContext(t.Context(), fmt.Sprintf(statement+" /* %[2]s %[3]s */", w.tenant, blob, uuid.New()))
				must(t, err)
				before := w.tree(w.tenant).Size

				w.setPIN(w.customer, right)
				_, _, err = w.MintKey(t.Context(), service.Operator(another), service.KeySpec{Tenant: another, Scopes: auth.Scopes()})
				must(t, err)
				stopped := map[uuid.UUID]string{}
				for range 20 {
					done, err := w.Sequence(t.Context())
					must(t, err)
					for tenant, reason := range done.Stopped {
						stopped[tenant] = reason
					}
					if !done.More {
						break
					}
				}
				if len(stopped) != 1 || stopped[w.tenant] == "" {
					t.Fatalf("stopped: %v", stopped)
				}
				equal(t, "size", w.tree(w.tenant).Size, before)
				events := w.trailOf(w.tenant)
				equal(t, "the event that waits", events[len(events)-1].Queued(), true)
				w.checkTrail(another)
				n, err := w.StoppedTrees(t.Context())
				must(t, err)
				equal(t, "trees that are stopped", n, 1)
				lag, err := w.TrailLag(t.Context())
				must(t, err)
				equal(t, "lag, without what is held", lag, 0)
				// What comes later is held too, and costs the others nothing.
				w.setPIN(w.customer, other)
				w.sequenceAll(t)
				lag, err = w.TrailLag(t.Context())
				must(t, err)
				equal(t, "lag, with more that is held", lag, 0)
			})
		})
	}
}

// TestHeadsAreKept says that a tree that grows has its head kept hourly, and once.
func TestHeadsAreKept(t *testing.T) {
	t.Parallel()
	onEach(t, apart(), func(t *testing.T, w *world) {
		w.require(30)
		w.sequenceAll(t)
		keep := func() {
			more, err := w.KeepHeads(t.Context())
			must(t, err)
			equal(t, "more", more, false)
		}
		keep()
		equal(t, "kept within the hour", w.tree(w.tenant).KeptSize, 0)
		age := "kept_at - interval '61 minutes'"
		if w.db.name == onSQLite {
			age = "kept_at - 3660000000"
		}
		_, err := w.db.sql.ExecContext(t.Context(), "UPDATE pin_event_trees SET kept_at = "+age)
		must(t, err)
		keep()
		keep()
		tree := w.tree(w.tenant)
		equal(t, "kept after an hour", tree.KeptSize, tree.Size)
		near(t, "kept at", tree.KeptAt, 0)
		var n int
		must(t, w.db.sql.QueryRowContext(t.Context(), "SELECT count(*) FROM pin_event_heads").Scan(&n))
		equal(t, "heads", n, 1)
	})
}

// TestTheLeaseIsOneNodes says that one node sequences at a time, on PostgreSQL, and that another
// can once the lease has ended.
func TestTheLeaseIsOneNodes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, apart()[onPostgres](t))
	lease := func(node string, lasts time.Duration) bool {
		mine, err := w.LeaseSequencer(context.Background(), node, lasts)
		must(t, err)
		return mine
	}
	equal(t, "a", lease("a", time.Minute), true)
	equal(t, "b", lease("b", time.Minute), false)
	equal(t, "a again", lease("a", time.Microsecond), true)
	equal(t, "b, after a's ran out", lease("b", time.Minute), true)
	must(t, w.EndSequencerLease(t.Context(), "a"))
	equal(t, "a, while b has it", lease("a", time.Minute), false)
	must(t, w.EndSequencerLease(t.Context(), "b"))
	equal(t, "a, after b ended", lease("a", time.Minute), true)
}
