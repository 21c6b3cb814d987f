package service_test

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/policy"
	"github.com/hydracore/hydrapin/internal/service"
)

func atVersion(n int64) func(int64) bool { return func(v int64) bool { return v == n } }

func TestAPolicyIsPatched(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		same := func(got, want policy.Policy) {
			t.Helper()
			if !slices.Equal(got.RequiredSkills, want.RequiredSkills) || got.RequiredSkills == nil ||
				got.AppliesTo != want.AppliesTo || got.SessionTTLMinutes != want.SessionTTLMinutes ||
				got.Version != want.Version || got.Instance != want.Instance || got.Tenant != want.Tenant {
				t.Fatalf("got %+v, want %+v", got, want)
			}
		}
		patch := func(p policy.Patch, match func(int64) bool) (policy.Policy, error) {
			return w.UpdatePolicy(t.Context(), w.admin, service.PolicyUpdate{Instance: w.instance, Patch: p, Match: match})
		}
		stored := func() policy.Policy {
			t.Helper()
			p, err := w.Policy(t.Context(), w.runtime, w.instance)
			must(t, err)
			return p
		}
		want := policy.Default(w.tenant, w.instance)
		same(stored(), want)

		// A patch that changes nothing keeps the version, that of the defaults too.
		p, err := patch(policy.Patch{}, atVersion(0))
		must(t, err)
		same(p, want)
		ttl := 30
		p, err = patch(policy.Patch{SessionTTLMinutes: &ttl}, anyVersion)
		must(t, err)
		same(p, want)
		equal(t, "events", w.told(audit.TypePolicyUpdated), 0)

		p, err = patch(policy.Patch{RequiredSkills: []string{"mail.Send", "b", "MAIL.send", "a"}}, atVersion(0))
		must(t, err)
		want.RequiredSkills, want.Version = []string{"mail.Send", "b", "a"}, 1
		same(p, want)
		same(stored(), want)

		_, err = patch(policy.Patch{RequiredSkills: []string{}}, atVersion(0))
		wants(t, err, service.ErrPrecondition)
		same(stored(), want)

		ttl, owner := 0, policy.AppliesToOwner
		p, err = patch(policy.Patch{SessionTTLMinutes: &ttl, AppliesTo: &owner}, atVersion(1))
		must(t, err)
		want.SessionTTLMinutes, want.AppliesTo, want.Version = 0, owner, 2
		same(p, want)

		p, err = patch(policy.Patch{RequiredSkills: []string{}}, anyVersion)
		must(t, err)
		want.RequiredSkills, want.Version = []string{}, 3
		same(p, want)
		same(stored(), want)
		equal(t, "events", w.told(audit.TypePolicyUpdated), 3)

		// Another tenant's policy of the same instance is another policy.
		stranger := w.runtime
		stranger.Tenant = uuid.New()
		p, err = w.Policy(t.Context(), stranger, w.instance)
		must(t, err)
		equal(t, "version elsewhere", p.Version, int64(0))
	})
}

// Of many who all want to change the same version one does.
func TestRaceForOneVersionOfAPolicy(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		b := w.peer()
		for version := range int64(3) {
			var won, stale atomic.Int64
			var all sync.WaitGroup
			for i := range 12 {
				n := []*node{w.node, b}[i%2]
				ttl := 100 + 20*int(version) + i
				all.Go(func() {
					_, err := n.UpdatePolicy(t.Context(), w.admin, service.PolicyUpdate{Instance: w.instance, Patch: policy.Patch{SessionTTLMinutes: &ttl}, Match: atVersion(version)})
					switch {
					case err == nil:
						won.Add(1)
					case errors.Is(err, service.ErrPrecondition):
						stale.Add(1)
					default:
						t.Error(err)
					}
				})
			}
			all.Wait()
			equal(t, "won", won.Load(), 1)
			equal(t, "stale", stale.Load(), 11)
		}
		equal(t, "events", w.told(audit.TypePolicyUpdated), 3)
	})
}
