package confirmation_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/policy"
	"github.com/hydracore/hydrapin/sdk/go/hydrapin/canonical"
)

// start is when the stories begin.
var start = time.Date(2026, time.November, 23, 9, 0, 0, 0, time.UTC)

// within is how long after an approval a redeem may come.
const within = 120 * time.Second

var (
	tenant   = uuid.UUID{1}
	instance = uuid.UUID{2}
	holder   = pin.CustomerHolder(tenant, uuid.UUID{3})
)

func ready() pin.Record {
	return pin.Record{Holder: holder}.SetByAdmin(pin.Fresh{ID: uuid.UUID{4}, Hash: "hash", At: start.Add(-time.Hour)})
}

func listing(skills ...string) policy.Policy {
	p := policy.Default(tenant, instance)
	p.RequiredSkills = skills
	return p
}

func question() confirmation.Question {
	return confirmation.Question{
		Holder: holder, Instance: instance, Role: policy.Customer, Skill: "bank.transfer",
		Lifetime: confirmation.DefaultLifetime,
	}
}

func action(t testing.TB, params string) *confirmation.Action {
	t.Helper()
	read, err := canonical.Params([]byte(params))
	if err != nil {
		t.Fatalf("params: %v", err)
	}
	return confirmation.NewAction("Send 10 EUR to Ada", read)
}

func ask(a *confirmation.Action) confirmation.Confirmation {
	q := question()
	q.Action = a
	return confirmation.Ask(q, uuid.UUID{5}, start)
}

// byPIN approves with the PIN of ready, or fails the test.
func byPIN(t testing.TB, c confirmation.Confirmation, r pin.Record, now time.Time) confirmation.Confirmation {
	t.Helper()
	c, refusal := c.Approve(confirmation.ByPIN, confirmation.Approval{
		At: now, PINID: r.ID, LockEpoch: r.LockEpoch, AuthTime: now,
	}, within)
	if refusal != confirmation.None {
		t.Fatalf("approve: %s", refusal)
	}
	return c
}

func facts(r pin.Record) confirmation.Facts {
	return confirmation.Facts{PIN: r, Policy: listing("*")}
}

func TestAConfirmationIsAskedVerifiedAndRedeemedOnce(t *testing.T) {
	t.Parallel()
	r := ready()
	c := ask(nil)
	if c.Status != confirmation.Pending || !c.ExpiresAt.Equal(start.Add(300*time.Second)) || !c.EndedAt.IsZero() {
		t.Fatalf("asked: %+v", c)
	}
	now := start.Add(299 * time.Second)
	c = byPIN(t, c, r, now)
	if c.Status != confirmation.Approved || c.Reason != confirmation.ByPIN || !c.ExpiresAt.Equal(now.Add(within)) {
		t.Fatalf("approved: %+v", c)
	}
	now = now.Add(within - time.Microsecond)
	c, refusal := c.Redeem(confirmation.Proof{}, facts(r), now)
	if refusal != confirmation.None || c.Status != confirmation.Redeemed || c.Reason != confirmation.NoReason || !c.EndedAt.Equal(now) {
		t.Fatalf("redeemed: %+v, %q", c, refusal)
	}
	for _, later := range []time.Duration{0, time.Second, 1000 * time.Hour} {
		again, refusal := c.Redeem(confirmation.Proof{}, facts(r), now.Add(later))
		if refusal != confirmation.AlreadyRedeemed || again.Status != confirmation.Redeemed {
			t.Fatalf("redeemed again after %s: %q", later, refusal)
		}
	}
}

func TestWhatHasRunOutReadsExpired(t *testing.T) {
	t.Parallel()
	pending := ask(nil)
	approved := byPIN(t, pending, ready(), start)
	for _, c := range []confirmation.Confirmation{pending, approved} {
		before, after := c.ExpiresAt.Add(-time.Microsecond), c.ExpiresAt
		if got := c.At(before); got.Status != c.Status || !got.EndedAt.IsZero() {
			t.Errorf("%s reads %s too early", c.Status, got.Status)
		}
		if got := c.At(after); got.Status != confirmation.Expired || got.Reason != confirmation.NoReason || !got.EndedAt.Equal(c.ExpiresAt) {
			t.Errorf("%s reads %s too late", c.Status, got.Status)
		}
		if c.Waiting(before) != (c.Status == confirmation.Pending) || c.Waiting(after) {
			t.Errorf("%s is waiting: %v, then %v", c.Status, c.Waiting(before), c.Waiting(after))
		}
	}
}

// in returns a confirmation of each status, as it reads a second after start.
func in(t *testing.T) map[confirmation.Status]confirmation.Confirmation {
	t.Helper()
	pending := ask(nil)
	approved := byPIN(t, pending, ready(), start)
	declined, _ := pending.Decline(confirmation.ByHolder, start)
	redeemed, _ := approved.Redeem(confirmation.Proof{}, facts(ready()), start)
	expired := pending
	expired.ExpiresAt = start
	all := map[confirmation.Status]confirmation.Confirmation{
		confirmation.Pending: pending, confirmation.Approved: approved, confirmation.Declined: declined,
		confirmation.Expired: expired, confirmation.Redeemed: redeemed,
		confirmation.Blocked:     confirmation.Unstored(question(), confirmation.Blocked, confirmation.PINLocked),
		confirmation.NotRequired: confirmation.Unstored(question(), confirmation.NotRequired, confirmation.RoleExcluded),
	}
	swept := expired.At(start)
	all["swept"] = swept
	unknown := pending
	unknown.Status = "something new"
	all["something new"] = unknown
	all[""] = confirmation.Confirmation{}
	return all
}

func TestEveryTransitionFromEveryStatus(t *testing.T) {
	t.Parallel()
	const none = confirmation.None
	tests := map[confirmation.Status]struct{ verify, decline, redeem confirmation.Refusal }{
		confirmation.Pending:     {none, none, confirmation.NotApproved},
		confirmation.Approved:    {confirmation.NotPending, none, none},
		confirmation.Declined:    {confirmation.NotPending, none, confirmation.NotApproved},
		confirmation.Expired:     {confirmation.HasExpired, confirmation.HasExpired, confirmation.HasExpired},
		"swept":                  {confirmation.HasExpired, confirmation.HasExpired, confirmation.HasExpired},
		confirmation.Redeemed:    {confirmation.NotPending, confirmation.AlreadyRedeemed, confirmation.AlreadyRedeemed},
		confirmation.Blocked:     {confirmation.NotPending, confirmation.NotPending, confirmation.NotApproved},
		confirmation.NotRequired: {confirmation.NotPending, confirmation.NotPending, confirmation.NotApproved},
		"something new":          {confirmation.NotPending, confirmation.NotPending, confirmation.NotApproved},
		"":                       {confirmation.NotPending, confirmation.NotPending, confirmation.NotApproved},
	}
	now := start.Add(time.Second)
	for status, c := range in(t) {
		want, known := tests[status]
		if !known {
			t.Fatalf("no row for %s", status)
		}
		if got := c.CanVerify(confirmation.Entry{Policy: listing()}, now); got != want.verify {
			t.Errorf("%s: CanVerify = %q, want %q", status, got, want.verify)
		}
		approved, got := c.Approve(confirmation.ByPIN, confirmation.Approval{At: now, PINID: uuid.UUID{4}}, within)
		if got != want.verify || (approved.Status == confirmation.Approved) != (got == none || status == confirmation.Approved) {
			t.Errorf("%s: Approve = %s, %q, want %q", status, approved.Status, got, want.verify)
		}
		declined, got := c.Decline(confirmation.ByRuntime, now)
		if got != want.decline || (declined.Status == confirmation.Declined) != (got == none) {
			t.Errorf("%s: Decline = %s, %q, want %q", status, declined.Status, got, want.decline)
		}
		redeemed, got := c.Redeem(confirmation.Proof{}, facts(ready()), now)
		if got != want.redeem || got != none && redeemed.Status != c.Status {
			t.Errorf("%s: Redeem = %s, %q, want %q", status, redeemed.Status, got, want.redeem)
		}
	}
}

func TestDecliningKeepsTheFirstReason(t *testing.T) {
	t.Parallel()
	c, _ := ask(nil).Decline(confirmation.PINChanged, start)
	again, refusal := c.Decline(confirmation.ByRuntime, start.Add(time.Hour))
	if refusal != confirmation.None || again != c || c.Reason != confirmation.PINChanged || !c.EndedAt.Equal(start) {
		t.Errorf("declined twice: %+v, %q", again, refusal)
	}
}

func TestOnlyAPINOrASessionApproves(t *testing.T) {
	t.Parallel()
	approval := confirmation.Approval{At: start, PINID: uuid.UUID{4}}
	for _, reason := range []confirmation.Reason{"", "someone said so", confirmation.SkillNotListed} {
		if c, refusal := ask(nil).Approve(reason, approval, within); refusal != confirmation.NotApproved || c.Status != confirmation.Pending {
			t.Errorf("reason %q: %s, %q", reason, c.Status, refusal)
		}
	}
	if c, refusal := ask(nil).Approve(confirmation.BySession, approval, within); refusal != confirmation.None || c.Reason != confirmation.BySession {
		t.Errorf("a session: %s, %q", c.Status, refusal)
	}
	c, refusal := ask(action(t, `{}`)).Approve(confirmation.BySession, approval, within)
	if refusal != confirmation.NotApproved || c.Status != confirmation.Pending {
		t.Errorf("a session for an action: %s, %q", c.Status, refusal)
	}
}

func TestRedeemWantsWhatWasConfirmed(t *testing.T) {
	t.Parallel()
	r := ready()
	bound := action(t, `{"to":"Ada","amount":10}`)
	same := action(t, `{ "amount": 1e1, "to": "\u0041da" }`)
	other := action(t, `{"to":"Bob","amount":10}`)
	tests := map[string]struct {
		action *confirmation.Action
		proof  confirmation.Proof
		want   confirmation.Refusal
	}{
		"nothing said of a plain question":  {nil, confirmation.Proof{}, confirmation.None},
		"the skill":                         {nil, confirmation.Proof{Skill: "bank.transfer"}, confirmation.None},
		"the skill in another case":         {nil, confirmation.Proof{Skill: "Bank.Transfer"}, confirmation.None},
		"another skill":                     {nil, confirmation.Proof{Skill: "bank.transfers"}, confirmation.ParamsMismatch},
		"params that were not confirmed":    {nil, confirmation.Proof{Digest: bound.Digest}, confirmation.ParamsMismatch},
		"the params":                        {bound, confirmation.Proof{Digest: bound.Digest}, confirmation.None},
		"the same params, written anew":     {bound, confirmation.Proof{Digest: same.Digest}, confirmation.None},
		"the params and the skill":          {bound, confirmation.Proof{Skill: "bank.transfer", Digest: bound.Digest}, confirmation.None},
		"the params and another skill":      {bound, confirmation.Proof{Skill: "mail.send", Digest: bound.Digest}, confirmation.ParamsMismatch},
		"other params":                      {bound, confirmation.Proof{Digest: other.Digest}, confirmation.ParamsMismatch},
		"no params":                         {bound, confirmation.Proof{}, confirmation.ParamsMismatch},
		"the digest of nothing":             {bound, confirmation.Proof{Digest: "sha-256:"}, confirmation.ParamsMismatch},
		"the digest without what it is for": {bound, confirmation.Proof{Digest: bound.Digest[8:]}, confirmation.ParamsMismatch},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := byPIN(t, ask(tt.action), r, start)
			got, refusal := c.Redeem(tt.proof, facts(r), start)
			if refusal != tt.want {
				t.Fatalf("Redeem = %q, want %q", refusal, tt.want)
			}
			if refusal != confirmation.None && got != c {
				t.Error("a refusal consumed something")
			}
		})
	}
}

func TestRedeemLooksAtThePINAgain(t *testing.T) {
	t.Parallel()
	limits := pin.DefaultLimits()
	now := start.Add(time.Second)
	spend := func(r pin.Record, n int) pin.Record {
		for range n {
			r, _, _ = r.Spend(limits, now)
		}
		return r
	}
	fresh := pin.Fresh{ID: uuid.UUID{44}, Hash: "hash", At: now}
	tests := map[string]struct {
		change func(pin.Record) pin.Record
		want   confirmation.Refusal
	}{
		"nothing":              {func(r pin.Record) pin.Record { return r }, confirmation.None},
		"wrong guesses":        {func(r pin.Record) pin.Record { return spend(r, 4) }, confirmation.None},
		"an idle unlock":       {pin.Record.Unlock, confirmation.None},
		"a rehash":             {func(r pin.Record) pin.Record { r.Hash = "stronger"; return r }, confirmation.None},
		"a lock":               {func(r pin.Record) pin.Record { return spend(r, 5) }, confirmation.Changed},
		"a lock, and unlocked": {func(r pin.Record) pin.Record { return spend(r, 5).Unlock() }, confirmation.Changed},
		"a lock that is over": {
			func(r pin.Record) pin.Record { r = spend(r, 5); r.LockedUntil = now; return r }, confirmation.Changed,
		},
		"deactivated":        {func(r pin.Record) pin.Record { r.Inactive = true; return r }, confirmation.Changed},
		"cooling off":        {func(r pin.Record) pin.Record { r.CountsFrom = now.Add(1); return r }, confirmation.Changed},
		"removed":            {pin.Record.RemoveByAdmin, confirmation.Changed},
		"removed by runtime": {pin.Record.RemoveByRuntime, confirmation.Changed},
		"set anew":           {func(r pin.Record) pin.Record { return r.SetByAdmin(fresh) }, confirmation.Changed},
		"replaced":           {func(r pin.Record) pin.Record { return r.SetByRuntime(fresh, 0) }, confirmation.Changed},
		"removed and set": {
			func(r pin.Record) pin.Record { return r.RemoveByRuntime().SetByRuntime(fresh, 0) }, confirmation.Changed,
		},
		"a record of nobody": {func(pin.Record) pin.Record { return pin.Record{} }, confirmation.Changed},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := ready()
			c := byPIN(t, ask(nil), r, start)
			got, refusal := c.Redeem(confirmation.Proof{}, facts(tt.change(r)), now)
			if refusal != tt.want || refusal != confirmation.None && got != c {
				t.Errorf("Redeem = %s, %q, want %q", got.Status, refusal, tt.want)
			}
		})
	}
}

func TestRefusalsComeInOrder(t *testing.T) {
	t.Parallel()
	gone := facts(pin.Record{})
	wrong := confirmation.Proof{Skill: "mail.send"}
	c := byPIN(t, ask(nil), ready(), start)
	if _, refusal := c.Redeem(wrong, gone, start.Add(within)); refusal != confirmation.HasExpired {
		t.Errorf("expired, mismatched and changed: %q", refusal)
	}
	if _, refusal := c.Redeem(wrong, gone, start); refusal != confirmation.ParamsMismatch {
		t.Errorf("mismatched and changed: %q", refusal)
	}
	if _, refusal := ask(nil).Redeem(wrong, gone, start); refusal != confirmation.NotApproved {
		t.Errorf("pending, mismatched and changed: %q", refusal)
	}
}

func TestAnApprovalThatRestsOnNothingIsNotRedeemed(t *testing.T) {
	t.Parallel()
	approved := byPIN(t, ask(nil), ready(), start)
	for name, damage := range map[string]func(*confirmation.Confirmation){
		"no approval":    func(c *confirmation.Confirmation) { c.Approval = nil },
		"no reason":      func(c *confirmation.Confirmation) { c.Reason = "" },
		"unknown reason": func(c *confirmation.Confirmation) { c.Reason = "something new" },
		"no PIN":         func(c *confirmation.Confirmation) { c.Approval = &confirmation.Approval{At: start} },
	} {
		c := approved
		damage(&c)
		if _, refusal := c.Redeem(confirmation.Proof{}, facts(ready()), start); refusal != confirmation.Changed {
			t.Errorf("%s: %q", name, refusal)
		}
	}
}

func TestQuestionsThatAreTheSame(t *testing.T) {
	t.Parallel()
	base := question()
	base.Action = action(t, `{"a":1}`)
	for name, tt := range map[string]struct {
		change func(*confirmation.Question)
		want   bool
	}{
		"nothing":            {func(*confirmation.Question) {}, true},
		"key":                {func(q *confirmation.Question) { q.IdempotencyKey = "other" }, true},
		"spelling":           {func(q *confirmation.Question) { q.Skill = "Bank.Transfer" }, true},
		"params written new": {func(q *confirmation.Question) { q.Action = action(t, `{ "a" : 1.0 }`) }, true},
		"skill":              {func(q *confirmation.Question) { q.Skill = "mail.send" }, false},
		"role":               {func(q *confirmation.Question) { q.Role = policy.Owner }, false},
		"lifetime":           {func(q *confirmation.Question) { q.Lifetime++ }, false},
		"instance":           {func(q *confirmation.Question) { q.Instance = uuid.UUID{9} }, false},
		"holder": {
			func(q *confirmation.Question) { q.Holder = pin.IdentityHolder(tenant, instance, holder.ID) }, false,
		},
		"params":  {func(q *confirmation.Question) { q.Action = action(t, `{"a":2}`) }, false},
		"summary": {func(q *confirmation.Question) { a := *q.Action; a.Summary = "Send more"; q.Action = &a }, false},
		"none":    {func(q *confirmation.Question) { q.Action = nil }, false},
	} {
		other := base
		tt.change(&other)
		if base.Same(other) != tt.want || other.Same(base) != tt.want {
			t.Errorf("%s: the same: %v", name, base.Same(other))
		}
	}
	if !question().Same(question()) {
		t.Error("two questions without an action differ")
	}
}
