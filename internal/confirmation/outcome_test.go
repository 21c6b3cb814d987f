package confirmation_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/policy"
)

func TestAnOutcomeIsReported(t *testing.T) {
	t.Parallel()
	redeemed := confirmation.Ask(question(), uuid.UUID{5}, start)
	redeemed.Status = confirmation.Redeemed
	for name, c := range map[string]struct {
		reports []confirmation.OutcomeKind
		want    confirmation.Refusal
		kind    confirmation.OutcomeKind
	}{
		"once":             {[]confirmation.OutcomeKind{"executed"}, confirmation.None, "executed"},
		"twice":            {[]confirmation.OutcomeKind{"failed", "failed"}, confirmation.None, "failed"},
		"known in the end": {[]confirmation.OutcomeKind{"unknown", "executed"}, confirmation.None, "executed"},
		"changed":          {[]confirmation.OutcomeKind{"executed", "failed"}, confirmation.OutcomeAlready, "executed"},
		"forgotten":        {[]confirmation.OutcomeKind{"failed", "unknown"}, confirmation.OutcomeAlready, "failed"},
		"known once":       {[]confirmation.OutcomeKind{"unknown", "failed", "executed"}, confirmation.OutcomeAlready, "failed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := redeemed
			var refusal confirmation.Refusal
			for i, kind := range c.reports {
				before := got
				got, refusal = got.Report(confirmation.Outcome{Kind: kind, Detail: "d", At: start.Add(time.Duration(i) * time.Second)})
				if before.Outcome.Kind == kind && got != before {
					t.Error("the same outcome again changed something")
				}
			}
			if refusal != c.want || got.Outcome.Kind != c.kind {
				t.Errorf("%q, outcome %+v; want %q, %s", refusal, got.Outcome, c.want, c.kind)
			}
		})
	}
	for _, status := range []confirmation.Status{
		confirmation.Pending, confirmation.Approved, confirmation.Declined, confirmation.Expired,
	} {
		c := redeemed
		c.Status = status
		if next, refusal := c.Report(confirmation.Outcome{Kind: confirmation.OutcomeExecuted, At: start}); refusal != confirmation.NotRedeemed || next != c {
			t.Errorf("%s: %q", status, refusal)
		}
	}
}

func TestACallKeyIsHeld(t *testing.T) {
	t.Parallel()
	q := question()
	q.CallKey, q.Lifetime = "k", time.Minute
	asked := confirmation.Ask(q, uuid.UUID{5}, start)
	with := func(s confirmation.Status, r confirmation.Reason) confirmation.Confirmation {
		c := asked
		c.Status, c.Reason = s, r
		return c
	}
	for name, c := range map[string]struct {
		c    confirmation.Confirmation
		held bool
	}{
		"pending":                {asked, true},
		"approved":               {with(confirmation.Approved, confirmation.ByPIN), true},
		"declined by the holder": {with(confirmation.Declined, confirmation.ByHolder), true},
		"declined otherwise":     {with(confirmation.Declined, confirmation.ByRuntime), false},
		"redeemed":               {with(confirmation.Redeemed, confirmation.NoReason), false},
		"expired":                {with(confirmation.Expired, confirmation.NoReason), false},
		"without a key":          {confirmation.Ask(question(), uuid.UUID{5}, start), false},
	} {
		if got := c.c.HoldsCallKey(start.Add(59 * time.Second)); got != c.held {
			t.Errorf("%s: held %v", name, got)
		}
		if c.c.HoldsCallKey(start.Add(time.Hour)) {
			t.Errorf("%s: held after its time", name)
		}
	}
}

func TestAnOpenedSessionCovers(t *testing.T) {
	t.Parallel()
	p := listing("*")
	p.SessionTTLMinutes = 5
	opened, ok := confirmation.Open(ask(nil), p, ready(), confirmation.Opening{ID: uuid.UUID{6}, At: start})
	if !ok {
		t.Fatal("no session")
	}
	same := confirmation.Ask(question(), uuid.UUID{7}, start)
	change := func(f func(*confirmation.Confirmation)) confirmation.Confirmation {
		c := same
		f(&c)
		return c
	}
	if !opened.Covers(same, start) {
		t.Error("it does not cover the same question")
	}
	for name, c := range map[string]confirmation.Confirmation{
		"an action":        change(func(c *confirmation.Confirmation) { c.Action = action(t, `{}`) }),
		"another role":     change(func(c *confirmation.Confirmation) { c.Role = policy.Owner }),
		"another holder":   change(func(c *confirmation.Confirmation) { c.Holder.ID = uuid.UUID{99} }),
		"another instance": change(func(c *confirmation.Confirmation) { c.Instance = uuid.UUID{98} }),
		"declined":         change(func(c *confirmation.Confirmation) { c.Status = confirmation.Declined }),
		"approved":         change(func(c *confirmation.Confirmation) { c.Status = confirmation.Approved }),
		"expired":          change(func(c *confirmation.Confirmation) { c.ExpiresAt = start }),
	} {
		if opened.Covers(c, start) {
			t.Errorf("it covers %s", name)
		}
	}
}
