package service_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/service"
	"github.com/hydracore/hydrapin/internal/store"
	"github.com/hydracore/hydrapin/internal/trail"
)

// addEvents gives the tenant's trail that many events more, and their places.
func (w *world) addEvents(events int) {
	t := w.t
	t.Helper()
	must(t, w.store.InTx(t.Context(), func(tx store.Tx) error {
		for n := range events {
			tx.Append(audit.Event{
				ID: uuid.New(), Time: time.Now().UTC().Truncate(time.Microsecond), Tenant: w.tenant,
				Actor: audit.Actor{Kind: auth.KindJWT, ID: fmt.Sprintf("actor-%d", n%3)}, Holder: w.customer,
				Instance: w.instance, Details: audit.PINFailed{AttemptsRemaining: n},
			})
		}
		return nil
	}))
	w.sequenceAll(t)
}

// export exports the tenant's trail as it is in the database.
func (w *world) export() []byte {
	t := w.t
	t.Helper()
	head, size, err := w.SignedHead(t.Context(), w.tenant)
	must(t, err)
	var out bytes.Buffer
	e := trail.NewExporter(&out, size)
	must(t, e.Begin(head))
	for from := int64(0); from < size; {
		to := min((from/trail.BlockSize+1)*trail.BlockSize, size)
		events, err := w.ExportEvents(t.Context(), w.tenant, from, to)
		must(t, err)
		for _, event := range events {
			must(t, e.Event(event))
		}
		proof, err := w.ExportBlock(t.Context(), w.tenant, from/trail.BlockSize, size)
		must(t, err)
		must(t, e.Block(from/trail.BlockSize, proof))
		from = to
	}
	return out.Bytes()
}

func (w *world) verify(export []byte, kept string) (trail.Verified, error) {
	return trail.Verify(bytes.NewReader(export), trail.Verification{Keys: w.config.HeadKeys.PublicKeys(), Kept: kept})
}

// TestATamperedDatabaseIsFoundOffline changes the trail as whoever owns the database can, and says
// that an export of it, checked with the log's key and a head that was kept, names what was done.
func TestATamperedDatabaseIsFoundOffline(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		what       string
		statements []string
	}{
		"nothing":                    {"", nil},
		"an event changed":           {"event 300: the event was changed", []string{"UPDATE pin_events SET leaf = (SELECT e.leaf FROM pin_events AS e WHERE e.tenant_id = '%[1]s' AND e.event_index = 301) WHERE tenant_id = '%[1]s' AND event_index = 300"}},
		"an event removed":           {"event 300: the event was removed", []string{"DELETE FROM pin_events WHERE tenant_id = '%[1]s' AND event_index = 300"}},
		"a hash changed":             {"event 300: the event was changed", []string{"UPDATE pin_event_hashes SET hashes = %[2]s WHERE tenant_id = '%[1]s' AND event_index = 300"}},
		"both changed":               {"block 1, events 256 to", []string{"UPDATE pin_event_hashes SET hashes = %[2]s WHERE tenant_id = '%[1]s' AND event_index = 300", "UPDATE pin_events SET leaf = %[3]s WHERE tenant_id = '%[1]s' AND event_index = 300"}},
		"hashes removed":             {"block 1, events 256 to", []string{"DELETE FROM pin_event_hashes WHERE tenant_id = '%[1]s' AND event_index = 300"}},
		"two events swapped":         {"event 300: the event was changed", []string{"UPDATE pin_events SET event_index = 1000000 WHERE tenant_id = '%[1]s' AND event_index = 300", "UPDATE pin_events SET event_index = 300 WHERE tenant_id = '%[1]s' AND event_index = 301", "UPDATE pin_events SET event_index = 301 WHERE tenant_id = '%[1]s' AND event_index = 1000000"}},
		"pruned behind a back":       {"event 300: the event was removed", []string{"UPDATE pin_event_trees SET sealed_size = 301, pruned_size = 301 WHERE tenant_id = '%[1]s'", "DELETE FROM pin_events WHERE tenant_id = '%[1]s' AND event_index = 300"}},
		"restored to an earlier day": {"the end of the trail was cut", []string{"UPDATE pin_event_trees SET (size, head) = (SELECT h.size, h.head FROM pin_event_heads AS h WHERE h.tenant_id = '%[1]s') WHERE tenant_id = '%[1]s'"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onEach(t, apart(), func(t *testing.T, w *world) {
				w.addEvents(310)
				earlier := w.tree(w.tenant)
				must(t, w.store.InTx(t.Context(), func(tx store.Tx) error {
					earlier.KeptAt = time.Now()
					tx.KeepHead(earlier)
					return nil
				}))
				w.addEvents(10)
				kept, _, err := w.SignedHead(t.Context(), w.tenant)
				must(t, err)
				w.unguard()
				blob := func(b []byte) string {
					if w.db.name == onSQLite {
						return fmt.Sprintf("x'%x'", b)
					}
					return fmt.Sprintf("decode('%x', 'hex')", b)
				}
				other := []byte("{}")
				hash := trail.LeafHash(other)
				for _, statement := range test.statements {
					_, err := w.db.sql.ExecContext(t.Context(), fmt.Sprintf(statement+" /* %[2]s %[3]s */", w.tenant, blob(hash[:]), blob(other)))
					must(t, err)
				}
				_, err = w.verify(w.export(), kept)
				if test.what == "" {
					must(t, err)
				} else if err == nil || !strings.Contains(err.Error(), test.what) {
					t.Fatalf("found %v, want %s", err, test.what)
				}
			})
		})
	}
}

// TestSealedEventsAreRemoved says that only what was sealed and is old is removed, that the trail
// says so, and that what is left still verifies.
func TestSealedEventsAreRemoved(t *testing.T) {
	t.Parallel()
	onEach(t, apart(), func(t *testing.T, w *world) {
		prune := func() {
			for more := true; more; {
				var err error
				more, err = w.PruneTrail(t.Context())
				must(t, err)
			}
		}
		w.addEvents(600)
		prune()
		equal(t, "events, none of them sealed", len(w.trailOf(w.tenant)), 600)
		sealed, err := w.verify(w.export(), "")
		must(t, err)
		wants(t, w.SealTrail(t.Context(), w.admin, trail.Head{Origin: "x/" + w.tenant.String(), Size: 600}), service.ErrNotSealable)
		must(t, w.SealTrail(t.Context(), w.admin, sealed.Head))
		must(t, w.SealTrail(t.Context(), w.admin, sealed.Head)) // again
		w.addEvents(20)
		_, err = w.db.sql.ExecContext(t.Context(), "DELETE FROM pin_events WHERE tenant_id = '"+w.tenant.String()+"' AND event_index >= 600")
		if err == nil {
			t.Fatal("events were removed that are not sealed")
		}
		// Everything is new: a retention that is over at once makes it old.
		prune()
		prune()
		w.sequenceAll(t)
		events := w.trailOf(w.tenant)
		equal(t, "the first that is left", events[0].Index, 600)
		counts := map[audit.Type]int{}
		for _, e := range events {
			entry, err := e.Entry()
			must(t, err)
			counts[entry.Type]++
		}
		equal(t, "sealed", counts[audit.TypeAuditSealed], 1)
		equal(t, "pruned, in batches", counts[audit.TypeAuditPruned], 2)
		done, err := w.verify(w.export(), w.tree(w.tenant).Head)
		must(t, err)
		equal(t, "removed, as the trail says", done.Removed, 600)
	}, func(s *settings) { s.config.AuditRetention = time.Nanosecond })
}

// TestReadingTheTrail says that every filter, in either order and by pages of any size, returns
// what matches, each once.
func TestReadingTheTrail(t *testing.T) {
	t.Parallel()
	onEach(t, apart(), func(t *testing.T, w *world) {
		other := pin.IdentityHolder(w.tenant, w.instance, uuid.New())
		began := time.Now().UTC().Add(-time.Second)
		w.addEvents(40)
		w.customer, other = other, w.customer
		w.addEvents(23)
		_, _, err := w.MintKey(t.Context(), w.admin, service.KeySpec{Tenant: w.tenant, Scopes: auth.Scopes()})
		must(t, err)
		w.sequenceAll(t)
		for name, test := range map[string]struct {
			query audit.Query
			want  int
		}{
			"all":                {audit.Query{}, 64},
			"a type":             {audit.Query{Type: audit.TypeKeyMinted}, 1},
			"an actor":           {audit.Query{Actor: "actor-1"}, 21},
			"a customer":         {audit.Query{HolderType: pin.Customer, Holder: other.ID}, 40},
			"an identity":        {audit.Query{HolderType: pin.Identity, Holder: w.customer.ID}, 23},
			"the same as none":   {audit.Query{HolderType: pin.Customer, Holder: w.customer.ID}, 0},
			"an instance":        {audit.Query{Instance: &w.instance}, 63},
			"both":               {audit.Query{Instance: &w.instance, Actor: "actor-1"}, 21},
			"a confirmation":     {audit.Query{Confirmation: &other.ID}, 0},
			"the nil holder":     {audit.Query{HolderType: pin.Customer}, 0},
			"the nil instance":   {audit.Query{Instance: &uuid.Nil}, 0},
			"no confirmation":    {audit.Query{Confirmation: &uuid.Nil}, 0},
			"from the beginning": {audit.Query{From: began}, 64},
			"until then":         {audit.Query{To: began}, 0},
		} {
			for _, back := range []bool{false, true} {
				for _, limit := range []int{1, 7, 500} {
					q := service.TrailQuery{Query: test.query, Back: back, Limit: limit}
					var got []int64
					for {
						page, err := w.Trail(context.Background(), w.admin, q)
						must(t, err)
						for _, e := range page.Events {
							got = append(got, e.Index)
						}
						if page.Next == nil {
							break
						}
						parsed, err := audit.ParseCursor(page.Next.String())
						must(t, err)
						q.After = &parsed
					}
					if len(got) != test.want {
						t.Errorf("%s, back %v, by %d: %d events, want %d", name, back, limit, len(got), test.want)
					}
					for n := 1; n < len(got); n++ {
						if (got[n] < got[n-1]) != back {
							t.Fatalf("%s, back %v: %v", name, back, got)
						}
					}
				}
			}
		}
		page, err := w.Trail(t.Context(), service.Operator(uuid.New()), service.TrailQuery{Limit: 500})
		must(t, err)
		equal(t, "another tenant's", len(page.Events), 0)
	})
}
