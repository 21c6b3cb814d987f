package systest_test

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/hydratest"
)

// floodHash takes some milliseconds, so that a queue fills.
const floodHash = "HYDRAPIN_ARGON2_MEMORY_KIB=4096 HYDRAPIN_ARGON2_TIME=2"

// flood is what many connections do without a pause, until it is ended.
type flood struct {
	end context.CancelFunc
	all sync.WaitGroup
	// answers counts them by status.
	answers [600]atomic.Int64
}

// flood has a number of connections send a request again and again, with a key.
func (n *node) flood(connections int, key, method string, path, body func() string) *flood {
	ctx, end := context.WithCancel(n.m.t.Context())
	f := &flood{end: end}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: connections}, Timeout: hydratest.Patience}
	for range connections {
		f.all.Go(func() {
			for ctx.Err() == nil {
				if a := call(ctx, client, method, n.url+path(), body(), "X-Api-Key", key); a.err == nil {
					f.answers[a.status].Add(1)
				}
			}
		})
	}
	n.m.t.Cleanup(f.stop)
	return f
}

func (f *flood) stop() {
	f.end()
	f.all.Wait()
}

// got waits for that many answers of a status.
func (f *flood) got(t *testing.T, status int, n int64) {
	t.Helper()
	hydratest.Eventually(t, fmt.Sprintf("the flood has %d answers of %d", n, status), func() bool {
		return f.answers[status].Load() >= n
	})
}

// onOne tells a story of one node on each store.
func onOne(t *testing.T, hash string, story func(t *testing.T, w *world), env ...string) {
	t.Helper()
	for _, s := range []store{onSQLite, onPostgres} {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			story(t, newWorld(t, s, 1, hash, env...))
		})
	}
}

// Two tenants keep the hash queue full without a pause. A third one's PINs are checked all the same,
// every one of them: its guess never finds the queue full, and waits for a few hashes.
func TestFloodsOfHashesLeaveOthersServed(t *testing.T) {
	t.Parallel()
	onOne(t, floodHash, func(t *testing.T, w *world) {
		n := w.nodes[0]
		who, pin := w.customer()
		for range 2 {
			tenant := uuid.NewString()
			f := n.flood(24, w.key("--tenant", tenant, "--scopes", "pins:write"), http.MethodPost,
				func() string { return pinPath(uuid.New()) }, func() string { return `{"pin":"804615"}` })
			f.got(t, http.StatusServiceUnavailable, 20)
		}
		for range 15 {
			if a := w.verify(n, w.pending(n, who), pin); a.status != http.StatusOK {
				t.Fatalf("a correct PIN beside two floods: %d %s %v", a.status, a.body, a.err)
			}
		}
	}, "HYDRAPIN_HASH_WORKERS=1", "HYDRAPIN_HASH_QUEUE=8")
}

// Hundreds of connections redeem one redeemed confirmation. Another tenant's changes pass beside them,
// and each in less than it takes a caller to give up.
func TestAFloodOfRedeemsLeavesOthersServed(t *testing.T) {
	t.Parallel()
	onOne(t, cheapHash, func(t *testing.T, w *world) {
		n := w.nodes[0]
		who, pin := w.customer()
		id := w.pending(n, who)
		w.verify(n, id, pin).want(t, http.StatusOK)
		redeem := w.confirmations() + "/" + id.String() + "/redeem"
		n.call(w.runtime, http.MethodPost, redeem, `{}`).want(t, http.StatusOK)

		other := uuid.NewString()
		admin := w.key("--tenant", other, "--scopes", "pin-policies:read,pin-policies:write")
		f := n.flood(400, w.runtime, http.MethodPost, func() string { return redeem }, func() string { return `{}` })
		f.got(t, http.StatusConflict, 100)
		policy := "/v1/instances/" + uuid.NewString() + "/pin-policy"
		for i := range 10 {
			a := n.call(admin, http.MethodPatch, policy, fmt.Sprintf(`{"pin_session_ttl_minutes":%d}`, i+1))
			if a.status != http.StatusOK || a.took > 4*time.Second {
				t.Fatalf("a change of a policy beside the flood: %d %s %v after %s", a.status, a.body, a.err, a.took)
			}
		}
	})
}
