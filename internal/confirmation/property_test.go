package confirmation_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/policy"
)

// world is one confirmation and everything it rests on, under random acts.
type world struct {
	t       *rapid.T
	now     time.Time
	c       confirmation.Confirmation
	record  pin.Record
	policy  policy.Policy
	session *confirmation.Session
	ids     byte

	// What a bystander remembers.
	approvals, redeems int
	pinID              uuid.UUID
	epoch, freezes     int64
	// approver is the session that approved, as it was; nil for a PIN.
	approver *confirmation.Session
	final    confirmation.Status
}

func (w *world) id() uuid.UUID {
	w.ids++
	return uuid.UUID{7, w.ids}
}

func isFinal(s confirmation.Status) bool {
	return s == confirmation.Declined || s == confirmation.Expired || s == confirmation.Redeemed
}

// verify spends and settles a guess, as the service does.
func (w *world) verify(right bool) {
	if w.c.CanVerify(confirmation.Entry{PIN: w.record, Policy: w.policy}, w.now) != confirmation.None {
		return
	}
	spent, ticket, state := w.record.Spend(pin.DefaultLimits(), w.now)
	if state != pin.Ready {
		return
	}
	w.record = spent
	if !right {
		return
	}
	settled, ok := w.record.SettleCorrect(ticket)
	if !ok {
		w.t.Fatal("a right guess at once is refused")
	}
	w.record = settled
	approval := confirmation.Approval{At: w.now, PINID: settled.ID, LockEpoch: settled.LockEpoch, FreezeEpoch: w.policy.FreezeEpoch, AuthTime: w.now}
	if s, ok := confirmation.Open(w.c, w.policy, settled, confirmation.Opening{ID: w.id(), At: w.now}); ok {
		w.session = &s
		approval.Session = s.ID
	}
	w.approve(confirmation.ByPIN, approval)
}

func (w *world) approve(reason confirmation.Reason, a confirmation.Approval) {
	next, refusal := w.c.Approve(reason, a, within)
	if refusal != confirmation.None {
		if next != w.c {
			w.t.Fatal("a refused approval changed something")
		}
		return
	}
	w.c = next
	w.approvals++
	w.pinID, w.epoch, w.freezes = a.PINID, a.LockEpoch, w.policy.FreezeEpoch
}

// expected is what a redeem must answer, by what the bystander knows.
func (w *world) expected(p confirmation.Proof) confirmation.Refusal {
	digest := ""
	if w.c.Action != nil {
		digest = w.c.Action.Digest
	}
	switch {
	case w.policy.Frozen:
		return confirmation.IsFrozen
	case w.redeems > 0:
		return confirmation.AlreadyRedeemed
	case w.final == confirmation.Declined:
		return confirmation.NotApproved
	case w.final == confirmation.Expired:
		return confirmation.HasExpired
	case w.approvals == 0:
		return confirmation.NotApproved
	case p.Skill != "" && p.Skill != w.c.Skill, p.Digest != digest:
		return confirmation.ParamsMismatch
	case w.freezes != w.policy.FreezeEpoch, w.record.ID != w.pinID, w.record.LockEpoch != w.epoch, w.record.State(w.now) != pin.Ready:
		return confirmation.Changed
	case w.approver != nil && (w.session == nil || w.session.ID != w.approver.ID ||
		!w.now.Before(w.approver.AuthTime.Add(w.policy.SessionTTL())) ||
		!w.now.Before(w.approver.AuthTime.Add(w.approver.TTL))):
		return confirmation.Changed
	default:
		return confirmation.None
	}
}

// redeem tries, and judges the outcome.
func (w *world) redeem(p confirmation.Proof) {
	want := w.expected(p)
	next, refusal := w.c.Redeem(p, confirmation.Facts{PIN: w.record, Session: w.session, Policy: w.policy}, w.now)
	if refusal != want {
		w.t.Fatalf("redeem: %q, want %q", refusal, want)
	}
	if refusal != confirmation.None {
		if next != w.c {
			w.t.Fatalf("a refused redeem (%s) consumed something", refusal)
		}
		return
	}
	w.redeems++
	w.c = next
}

// bySession approves by the session, where one is live.
func (w *world) bySession() {
	var sessions []confirmation.Session
	if w.session != nil {
		sessions = append(sessions, *w.session)
	}
	d := confirmation.Decide(w.c.Question, w.policy, w.record, sessions, w.now)
	if d.Status != confirmation.Approved {
		return
	}
	if w.c.Action != nil {
		w.t.Fatal("a session covers an action")
	}
	before := w.approvals
	if w.policy.Frozen {
		w.t.Fatal("a session approves while frozen")
	}
	w.approve(d.Reason, d.Session.Approval(w.now))
	if w.approvals > before {
		s := *d.Session
		w.approver = &s
	}
}

// rightProof is what redeems the confirmation, if anything does.
func (w *world) rightProof() confirmation.Proof {
	p := confirmation.Proof{Skill: w.c.Skill}
	if w.c.Action != nil {
		p.Digest = w.c.Action.Digest
	}
	return p
}

func (w *world) check() {
	read := w.c.At(w.now)
	if w.final != "" && read.Status != w.final {
		w.t.Fatalf("%s became %s", w.final, read.Status)
	}
	if isFinal(read.Status) {
		w.final = read.Status
		if read.EndedAt.IsZero() || read.EndedAt.After(w.now) {
			w.t.Fatalf("%s ended at %s", read.Status, read.EndedAt)
		}
	} else if !w.now.Before(read.ExpiresAt) {
		w.t.Fatalf("%s at %s, expired at %s", read.Status, w.now, read.ExpiresAt)
	}
	if read.At(w.now) != read {
		w.t.Fatal("reading twice is not reading once")
	}
	if w.approvals > 1 || (read.Status == confirmation.Approved) != (w.approvals == 1 && w.final == "") {
		w.t.Fatalf("%s after %d approvals", read.Status, w.approvals)
	}
}

func TestNoOrderOfActsRedeemsWhatWasNotConfirmed(t *testing.T) {
	t.Parallel()
	bound := action(t, `{"to":"Ada"}`)
	rapid.Check(t, func(rt *rapid.T) {
		// One story is too short to meet what spoils it in a hundred tries.
		for range 100 {
			tellStory(rt, bound)
		}
	})
}

// tellStory asks, approves perhaps, lets a few things happen, and redeems.
func tellStory(rt *rapid.T, bound *confirmation.Action) {
	w := &world{t: rt, now: start, record: ready(), policy: listing("*")}
	w.policy.SessionTTLMinutes = rapid.IntRange(0, 5).Draw(rt, "ttl")
	if s, ok := confirmation.Open(ask(nil), w.policy, w.record, confirmation.Opening{ID: w.id(), At: start}); ok && rapid.Bool().Draw(rt, "session") {
		w.session = &s
	}
	w.now = w.now.Add(time.Duration(rapid.IntRange(0, 200).Draw(rt, "seconds before")) * time.Second)
	q := question()
	q.Lifetime = time.Duration(rapid.IntRange(1, 600).Draw(rt, "lifetime")) * time.Second
	if rapid.Bool().Draw(rt, "with action") {
		q.Action = bound
	}
	w.c = confirmation.Ask(q, uuid.UUID{5}, w.now)
	acts := map[string]func(){
		"right":      func() { w.verify(true) },
		"wrong":      func() { w.verify(false) },
		"by session": w.bySession,
		"decline":    func() { w.c, _ = w.c.Decline(confirmation.ByRuntime, w.now) },
		"lock": func() {
			for w.record.State(w.now) == pin.Ready {
				w.record, _, _ = w.record.Spend(pin.DefaultLimits(), w.now)
			}
		},
		"deactivate":     func() { w.record.Inactive = w.record.ID != uuid.Nil },
		"unlock":         func() { w.record = w.record.Unlock() },
		"set":            func() { w.record = w.record.SetByAdmin(pin.Fresh{ID: w.id(), Hash: "hash", At: w.now}) },
		"remove":         func() { w.record = w.record.RemoveByAdmin() },
		"runtime remove": func() { w.record = w.record.RemoveByRuntime() },
		"runtime set": func() {
			w.record = w.record.SetByRuntime(pin.Fresh{ID: w.id(), Hash: "hash", At: w.now}, time.Minute)
		},
		"policy":   func() { w.policy.SessionTTLMinutes = rapid.IntRange(0, 5).Draw(rt, "ttl") },
		"lock now": func() { w.session = nil },
		"freeze": func() {
			if !w.policy.Frozen {
				w.policy.Frozen, w.policy.FreezeEpoch = true, w.policy.FreezeEpoch+1
			}
		},
		"lift": func() { w.policy.Frozen = false },
		"time": func() {
			w.now = w.now.Add(time.Duration(rapid.IntRange(0, 150).Draw(rt, "seconds")) * time.Second)
		},
		"redeem": func() {
			w.redeem(confirmation.Proof{
				Skill:  rapid.SampledFrom([]string{"", q.Skill, "mail.send"}).Draw(rt, "skill"),
				Digest: rapid.SampledFrom([]string{"", bound.Digest, "sha-256:00"}).Draw(rt, "digest"),
			})
		},
		"redeem the right thing": func() { w.redeem(w.rightProof()) },
	}
	names := slices.Sorted(maps.Keys(acts))
	// Most confirmations are approved first, so that what follows has something
	// to spoil; few acts follow, so that it is one of them that does.
	first := rapid.SampledFrom([]string{"right", "right", "by session", "time"}).Draw(rt, "first")
	for _, name := range append([]string{first}, rapid.SliceOfN(rapid.SampledFrom(names), 0, 6).Draw(rt, "acts")...) {
		acts[name]()
		w.check()
	}
	w.redeem(w.rightProof())
	w.check()
	w.redeem(w.rightProof())
}
