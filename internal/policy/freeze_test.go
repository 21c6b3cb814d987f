package policy_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/policy"
)

func TestFreezeAndLift(t *testing.T) {
	t.Parallel()
	user := auth.Principal{Kind: auth.KindJWT, ID: "ada"}
	key := auth.Principal{Kind: auth.KindAPIKey, ID: "k"}
	at := time.Date(2026, time.November, 27, 9, 0, 0, 0, time.UTC)
	scope := policy.TenantScope(uuid.UUID{1})

	byKey, changed := policy.Freeze{Scope: scope}.Put(key, "odd calls", at)
	if want := (policy.Freeze{
		Scope: scope, Frozen: true, Since: at, ByKind: auth.KindAPIKey, ByID: "k", Reason: "odd calls", Epoch: 1,
	}); !changed || byKey != want {
		t.Fatalf("frozen: %+v", byKey)
	}
	if again, changed := byKey.Put(key, "more", at.Add(time.Hour)); changed || again != byKey {
		t.Errorf("frozen again by a key: %+v", again)
	}
	byUser, changed := byKey.Put(user, "", at.Add(time.Hour))
	if !changed || !byUser.ByUser() || byUser.Since != at || byUser.Epoch != 1 || byUser.Reason != "" {
		t.Errorf("frozen by a person too: %+v", byUser)
	}
	if kept, changed := byUser.Put(key, "", at); changed || kept != byUser {
		t.Errorf("a key took over: %+v", kept)
	}
	if byUser.MayLift(key) || !byUser.MayLift(user) || !byKey.MayLift(key) || !byKey.MayLift(user) {
		t.Error("who may lift")
	}
	lifted, changed := byUser.Lift()
	if !changed || lifted != (policy.Freeze{Scope: scope, Epoch: 1}) {
		t.Errorf("lifted: %+v", lifted)
	}
	if again, changed := lifted.Lift(); changed || again != lifted {
		t.Errorf("lifted again: %+v", again)
	}
	if next, _ := lifted.Put(key, "", at); next.Epoch != 2 {
		t.Errorf("the next freeze: %+v", next)
	}
	p := policy.Default(uuid.UUID{1}, uuid.UUID{2})
	p.Frozen = true
	if got := policy.Decide(p, policy.Customer, "mail.send"); got != policy.Frozen {
		t.Errorf("a frozen policy that requires nothing decides %s", got)
	}
}
