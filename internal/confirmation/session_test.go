package confirmation_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/policy"
)

// opened is the session that a right PIN opens at start under a TTL of 30 minutes.
func opened(t testing.TB) confirmation.Session {
	t.Helper()
	s, ok := confirmation.Open(ask(nil), listing("*"), ready(), confirmation.Opening{ID: uuid.UUID{6}, At: start})
	if !ok {
		t.Fatal("no session opened")
	}
	return s
}

func withTTL(minutes int) policy.Policy {
	p := listing("*")
	p.SessionTTLMinutes = minutes
	return p
}

func TestARightPINOpensASession(t *testing.T) {
	t.Parallel()
	s := opened(t)
	want := confirmation.Session{
		ID: uuid.UUID{6}, Instance: instance, Holder: holder, Role: policy.Customer, PINID: uuid.UUID{4},
		AuthTime: start, TTL: 30 * time.Minute,
	}
	if s != want {
		t.Errorf("session %+v, want %+v", s, want)
	}
	if _, ok := confirmation.Open(ask(action(t, `{}`)), listing("*"), ready(), confirmation.Opening{ID: uuid.UUID{6}, At: start}); ok {
		t.Error("an action's PIN opened a session")
	}
	for _, minutes := range []int{0, -1} {
		if _, ok := confirmation.Open(ask(nil), withTTL(minutes), ready(), confirmation.Opening{ID: uuid.UUID{6}, At: start}); ok {
			t.Errorf("a TTL of %d opened a session", minutes)
		}
	}
}

func TestASessionEndsAtTheEarlierOfTwoTTLs(t *testing.T) {
	t.Parallel()
	s := opened(t)
	for minutes, want := range map[int]time.Duration{
		30: 30 * time.Minute, 10: 10 * time.Minute, 1: time.Minute, 31: 30 * time.Minute, 1440: 30 * time.Minute, 0: 0,
	} {
		p := withTTL(minutes)
		until := s.Until(p)
		if !until.Equal(start.Add(want)) {
			t.Errorf("a TTL of %d ends after %s, want %s", minutes, until.Sub(start), want)
		}
		if s.Live(policy.Customer, p, ready(), until) || minutes > 0 && !s.Live(policy.Customer, p, ready(), until.Add(-time.Microsecond)) {
			t.Errorf("a TTL of %d does not end then", minutes)
		}
	}
	// Lowered and raised again gives back what it first had, not more.
	now := start.Add(20 * time.Minute)
	if s.Live(policy.Customer, withTTL(10), ready(), now) || !s.Live(policy.Customer, withTTL(60), ready(), now) ||
		s.Live(policy.Customer, withTTL(60), ready(), start.Add(30*time.Minute)) {
		t.Error("raising a TTL gives more than it first had")
	}
}

func TestWhatEndsASession(t *testing.T) {
	t.Parallel()
	limits := pin.DefaultLimits()
	now := start.Add(time.Minute)
	locked := ready()
	for range limits.LockAfter {
		locked, _, _ = locked.Spend(limits, now)
	}
	fourWrong := ready()
	for range limits.LockAfter - 1 {
		fourWrong, _, _ = fourWrong.Spend(limits, now)
	}
	ownFifth, ticket, _ := fourWrong.Spend(limits, now)
	ownFifth, _ = ownFifth.SettleCorrect(ticket)
	cooling := ready()
	cooling.CountsFrom = now.Add(time.Second)
	elsewhere := withTTL(30)
	elsewhere.Instance = uuid.UUID{99}
	other := ready()
	other.Holder = pin.IdentityHolder(tenant, instance, holder.ID)
	tests := map[string]struct {
		role   policy.Role
		policy policy.Policy
		record pin.Record
		want   bool
	}{
		"nothing":                          {policy.Customer, withTTL(30), ready(), true},
		"four wrong guesses do not":        {policy.Customer, withTTL(30), fourWrong, true},
		"an idle unlock does not":          {policy.Customer, withTTL(30), fourWrong.Unlock(), true},
		"another role":                     {policy.Owner, withTTL(30), ready(), false},
		"no role":                          {"", withTTL(30), ready(), false},
		"another instance":                 {policy.Customer, elsewhere, ready(), false},
		"another holder of the same UUID":  {policy.Customer, withTTL(30), other, false},
		"a lock":                           {policy.Customer, withTTL(30), locked, false},
		"a lock that is lifted":            {policy.Customer, withTTL(30), locked.Unlock(), false},
		"a lock lifted by its right guess": {policy.Customer, withTTL(30), ownFifth, false},
		"a PIN set anew":                   {policy.Customer, withTTL(30), ready().SetByAdmin(pin.Fresh{ID: uuid.UUID{44}}), false},
		"no PIN":                           {policy.Customer, withTTL(30), ready().RemoveByRuntime(), false},
		"a record of nobody":               {policy.Customer, withTTL(30), pin.Record{}, false},
		"cooling off":                      {policy.Customer, withTTL(30), cooling, false},
		"a TTL of none":                    {policy.Customer, withTTL(0), ready(), false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := opened(t).Live(tt.role, tt.policy, tt.record, now); got != tt.want {
				t.Errorf("live: %v", got)
			}
		})
	}
}

func TestDecideInItsOrder(t *testing.T) {
	t.Parallel()
	now := start.Add(time.Minute)
	owners, none := listing("bank.transfer"), listing("mail.send")
	owners.AppliesTo = policy.AppliesToOwner
	nobodys := pin.Record{Holder: holder}
	inactive, locked, cooling := ready(), ready(), ready()
	cooling.CountsFrom = now.Add(time.Hour)
	locked.LockedUntil, locked.CountsFrom = now.Add(time.Hour), cooling.CountsFrom
	inactive.Inactive, inactive.LockedUntil, inactive.CountsFrom = true, locked.LockedUntil, cooling.CountsFrom
	removed := inactive
	removed.ID = uuid.Nil
	live := []confirmation.Session{opened(t)}
	plain, bound := question(), question()
	bound.Action = action(t, `{}`)
	unknownRole := question()
	unknownRole.Role = "something new"
	listed, unknownPolicy := listing("bank.transfer"), listing("bank.transfer")
	unknownPolicy.AppliesTo = "something new"

	type answer struct {
		status confirmation.Status
		reason confirmation.Reason
	}
	pending := answer{confirmation.Pending, confirmation.NoReason}
	tests := map[string]struct {
		question confirmation.Question
		policy   policy.Policy
		record   pin.Record
		sessions []confirmation.Session
		want     answer
	}{
		"role before skill":     {plain, owners, nobodys, live, answer{confirmation.NotRequired, confirmation.RoleExcluded}},
		"skill before PIN":      {plain, none, nobodys, live, answer{confirmation.NotRequired, confirmation.SkillNotListed}},
		"never seen":            {plain, listed, nobodys, live, answer{confirmation.Blocked, confirmation.PINNotSet}},
		"none before inactive":  {plain, listed, removed, live, answer{confirmation.Blocked, confirmation.PINNotSet}},
		"inactive before lock":  {plain, listed, inactive, live, answer{confirmation.Blocked, confirmation.PINInactive}},
		"lock before cooling":   {plain, listed, locked, live, answer{confirmation.Blocked, confirmation.PINLocked}},
		"cooling before live":   {plain, listed, cooling, live, answer{confirmation.Blocked, confirmation.PINCoolingOff}},
		"a live session":        {plain, listed, ready(), live, answer{confirmation.Approved, confirmation.BySession}},
		"never for an action":   {bound, listed, ready(), live, pending},
		"no session":            {plain, listed, ready(), nil, pending},
		"an unknown role":       {unknownRole, listed, ready(), live, pending},
		"an unknown applies_to": {plain, unknownPolicy, ready(), nil, pending},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := confirmation.Decide(tt.question, tt.policy, tt.record, tt.sessions, now)
			if got := (answer{d.Status, d.Reason}); got != tt.want {
				t.Errorf("Decide = %+v, want %+v", got, tt.want)
			}
			if (d.Session != nil) != (d.Status == confirmation.Approved) {
				t.Errorf("session %+v with %s", d.Session, d.Status)
			}
		})
	}
}

func TestTheSessionThatLastsLongestApproves(t *testing.T) {
	t.Parallel()
	long, short, dead, owner := opened(t), opened(t), opened(t), opened(t)
	long.ID, long.TTL = uuid.UUID{61}, 40*time.Minute
	dead.ID, dead.LockEpoch = uuid.UUID{62}, 7
	owner.ID, owner.Role, owner.TTL = uuid.UUID{63}, policy.Owner, time.Hour
	dead.TTL = time.Hour
	now := start.Add(time.Minute)
	best := confirmation.Best([]confirmation.Session{dead, short, long, owner}, policy.Customer, withTTL(60), ready(), now)
	if best == nil || best.ID != long.ID {
		t.Errorf("best %+v", best)
	}
	if best := confirmation.Best([]confirmation.Session{dead, owner}, policy.Customer, withTTL(60), ready(), now); best != nil {
		t.Errorf("best of none %+v", best)
	}
}

func TestRedeemLooksAtTheSessionAgain(t *testing.T) {
	t.Parallel()
	s := opened(t)
	asked := start.Add(29 * time.Minute)
	c := confirmation.Ask(question(), uuid.UUID{5}, asked)
	c, refusal := c.Approve(confirmation.BySession, confirmation.Approval{
		At: asked, PINID: s.PINID, LockEpoch: s.LockEpoch, AuthTime: s.AuthTime, Session: s.ID,
	}, within)
	if refusal != confirmation.None {
		t.Fatal(refusal)
	}
	now := asked.Add(30 * time.Second)
	another, owner, ended := s, s, s
	another.ID = uuid.UUID{66}
	owner.Role = policy.Owner
	ended.TTL = time.Minute
	elsewhere := withTTL(30)
	elsewhere.Instance = uuid.UUID{99}
	locked := ready()
	locked.LockEpoch++
	for name, tt := range map[string]struct {
		session *confirmation.Session
		policy  policy.Policy
		record  pin.Record
		now     time.Time
		want    confirmation.Refusal
	}{
		"it lives":              {&s, withTTL(30), ready(), now, confirmation.None},
		"it ran out since":      {&s, withTTL(30), ready(), asked.Add(time.Minute), confirmation.Changed},
		"it is gone":            {nil, withTTL(30), ready(), now, confirmation.Changed},
		"another one lives":     {&another, withTTL(30), ready(), now, confirmation.Changed},
		"of another role":       {&owner, withTTL(30), ready(), now, confirmation.Changed},
		"it was shorter":        {&ended, withTTL(30), ready(), now, confirmation.Changed},
		"the TTL was lowered":   {&s, withTTL(10), ready(), now, confirmation.Changed},
		"sessions are off":      {&s, withTTL(0), ready(), now, confirmation.Changed},
		"another's policy":      {&s, elsewhere, ready(), now, confirmation.Changed},
		"a lock since":          {&s, withTTL(30), locked, now, confirmation.Changed},
		"a PIN that is not its": {&s, withTTL(30), pin.Record{}, now, confirmation.Changed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := confirmation.Facts{PIN: tt.record, Session: tt.session, Policy: tt.policy}
			got, refusal := c.Redeem(confirmation.Proof{}, f, tt.now)
			if refusal != tt.want || refusal != confirmation.None && got != c {
				t.Errorf("Redeem = %s, %q, want %q", got.Status, refusal, tt.want)
			}
		})
	}
	bound := c
	bound.Action = action(t, `{}`)
	f := confirmation.Facts{PIN: ready(), Session: &s, Policy: withTTL(30)}
	if _, refusal := bound.Redeem(confirmation.Proof{Digest: bound.Action.Digest}, f, now); refusal != confirmation.Changed {
		t.Errorf("a session covered an action: %q", refusal)
	}
}
