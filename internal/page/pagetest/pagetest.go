// Package pagetest gives tests of the pages every state that a page can be in, over a back end in
// memory that follows the pages' rules for one question and one link at a time. It guarantees nothing
// about the service, whose own tests hold the rules.
package pagetest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/page"
	"github.com/hydracore/hydrapin/internal/page/link"
	"github.com/hydracore/hydrapin/internal/pin"
)

// The PINs that the back end knows: CorrectPIN is everyone's, BusyPIN meets a full queue, and BrokenPIN
// an error that the page knows nothing of.
const (
	CorrectPIN = "739182"
	BusyPIN    = "50357142"
	BrokenPIN  = "50057142"
)

// errBroken is what the back end returns for BrokenPIN.
var errBroken = errors.New("pagetest: broken")

// State is a page that can be looked at.
type State struct {
	Name     string
	Purpose  link.Purpose
	Question page.Question
	Link     page.PINLink
}

// ID is that of the confirmation or link; it is the same in every run.
func (s State) ID() uuid.UUID {
	sum := sha256.Sum256([]byte(s.Name))
	return uuid.UUID(sum[:16])
}

// Hostile is a text that tries to be a part of the page.
const Hostile = "</blockquote></div><script>alert(1)</script><h1>Confirmed</h1>\u202e txt.exe\u2066\u200b" +
	" <img src=https://evil.example/x onerror=alert(1)> {{.Name}} \u0000 a\u0301\u0301\u0301\u0301\u0301\u0301"

// Params are five members, as a payment has them.
const Params = `{"amount":"1250.00","beneficiary":"María García López","currency":"EUR",` +
	`"iban":"ES91 2100 0418 4502 0005 1332","urgent":false}`

func manyRows(n int) string {
	var out strings.Builder
	out.WriteString(`{`)
	for i := range n {
		if i > 0 {
			out.WriteString(`,`)
		}
		fmt.Fprintf(&out, `"entry_%03d":%d`, i, i)
	}
	out.WriteString(`}`)
	return out.String()
}

// Nested is an object of that depth, at least three.
func Nested(depth int) string {
	return strings.Repeat(`{"in":`, depth-3) + `{"deep":"value","list":[1,"two",null,true,{},[],""]}` + strings.Repeat(`}`, depth-3)
}

// States returns every page that GET shows, with its times counted from now.
func States(now time.Time) []State {
	asked := page.Question{
		State: page.Pending, Skill: "payments.transfer", Summary: "Pay 1,250.00 EUR to María García López",
		Params: []byte(Params), ExpiresAt: now.Add(283 * time.Second), TriesLeft: 3,
	}
	with := func(change func(*page.Question)) page.Question {
		q := asked
		change(&q)
		return q
	}
	params := func(raw string) page.Question { return with(func(q *page.Question) { q.Params = []byte(raw) }) }
	long := strings.Repeat("All work and no play makes Jack a dull boy. ", 228)[:10_000]
	list := []State{
		{Name: "pending", Question: asked},
		{Name: "pending-soon", Question: with(func(q *page.Question) { q.ExpiresAt = now.Add(15 * time.Second) })},
		{Name: "pending-skill", Question: with(func(q *page.Question) { q.Summary, q.Params = "", nil })},
		{Name: "pending-session", Question: with(func(q *page.Question) {
			q.Summary, q.Params, q.Skill = "", nil, "mail.send"
			q.Opens = &page.Session{
				Until: now.Add(30 * time.Minute), Skills: []string{"mail.send", "calendar.*", "Überweisung prüfen", "*"},
				Others: []string{"calendar.create", "mail.delete"},
			}
		})},
		{Name: "pending-nested", Question: params(`{"changes":[{"field":"limit","from":500,"to":2500},` +
			`{"field":"currency","from":"EUR","to":null}],"note":"First line\nSecond line","owner":{"address":{"city":"Köln",` +
			`"zip":"50667"},"name":"أحمد الفهد"},"tags":[]}`)},
		{Name: "pending-deep", Question: params(Nested(32))},
		{Name: "pending-hostile", Question: with(func(q *page.Question) {
			q.Summary, q.Skill = Hostile, Hostile
			q.Params = []byte(`{"</dl><form>":"` + "\u202e" + `gpj.exe","a` + "\u200b" + `":"   ","script":"<script>alert(1)<\/script>"}`)
		})},
		{Name: "pending-long", Question: params(`{"body":"` + long + `","to":"team@example.com"}`)},
		{Name: "pending-rows", Question: params(manyRows(150))},
		{Name: "pending-frozen", Question: with(func(q *page.Question) { q.Obstacle = page.Frozen })},
		{Name: "pending-locked", Question: with(func(q *page.Question) {
			q.Obstacle, q.LockedUntil, q.TriesLeft = page.PINLocked, now.Add(15*time.Minute), 0
		})},
		{Name: "pending-inactive", Question: with(func(q *page.Question) { q.Obstacle = page.PINInactive })},
		{Name: "pending-not-own", Question: with(func(q *page.Question) { q.Obstacle = page.PINNotOwn })},
		{Name: "confirmed", Question: with(func(q *page.Question) { q.State = page.Confirmed })},
		{Name: "not-carried-out", Question: with(func(q *page.Question) { q.State = page.NotCarriedOut })},
		{Name: "declined", Question: with(func(q *page.Question) { q.State = page.Declined })},
		{Name: "expired", Question: with(func(q *page.Question) { q.State = page.Expired })},
	}
	for i := range list {
		list[i].Purpose = link.Confirm
	}
	open := page.PINLink{State: page.LinkOpen, Rules: pin.DefaultRules()}
	for name, l := range map[string]page.PINLink{
		"set":         open,
		"set-exact":   {State: page.LinkOpen, Rules: pin.Rules{MinLength: 6, MaxLength: 6}},
		"set-current": {State: page.LinkOpen, Rules: pin.DefaultRules(), NeedsCurrent: true, TriesLeft: 5},
		"set-locked": {
			State: page.LinkOpen, Rules: pin.DefaultRules(), NeedsCurrent: true, Obstacle: page.PINLocked,
			LockedUntil: now.Add(15 * time.Minute),
		},
		"set-inactive": {State: page.LinkOpen, Rules: pin.DefaultRules(), NeedsCurrent: true, Obstacle: page.PINInactive},
		"set-done":     {State: page.LinkUsed},
		"set-ended":    {State: page.LinkEnded},
	} {
		list = append(list, State{Name: name, Purpose: link.SetPIN, Link: l})
	}
	return list
}

// Backend is a [page.Backend] in memory.
type Backend struct {
	now       func() time.Time
	mu        sync.Mutex
	questions map[uuid.UUID]page.Question
	links     map[uuid.UUID]page.PINLink
	answers   []page.Answer
}

// NewBackend returns a back end that knows the given states.
func NewBackend(now func() time.Time, states []State) *Backend {
	b := &Backend{now: now, questions: make(map[uuid.UUID]page.Question), links: make(map[uuid.UUID]page.PINLink)}
	for _, s := range states {
		if s.Purpose == link.Confirm {
			b.questions[s.ID()] = s.Question
		} else {
			b.links[s.ID()] = s.Link
		}
	}
	return b
}

// Answers are all that were decided so far.
func (b *Backend) Answers() []page.Answer {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]page.Answer(nil), b.answers...)
}

// Change changes a question, as something else does while the person reads it.
func (b *Backend) Change(id uuid.UUID, change func(*page.Question)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	q := b.questions[id]
	change(&q)
	b.questions[id] = q
}

func refuse(p pin.PIN) error {
	switch p.Reveal() {
	case BusyPIN:
		return &page.RefusedError{Status: http.StatusServiceUnavailable, RetryAfter: 1500 * time.Millisecond}
	case BrokenPIN:
		return errBroken
	default:
		return nil
	}
}

// Question implements [page.Backend].
func (b *Backend) Question(_ context.Context, id uuid.UUID) (page.Question, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	q, ok := b.questions[id]
	if !ok {
		return page.Question{}, page.ErrNotFound
	}
	if q.State == page.Pending && !b.now().Before(q.ExpiresAt) {
		q.State = page.Expired
	}
	return q, nil
}

// Decide implements [page.Backend].
func (b *Backend) Decide(ctx context.Context, a page.Answer) (page.Verdict, error) {
	q, err := b.Question(ctx, a.Confirmation)
	if err != nil {
		return page.Verdict{}, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.answers = append(b.answers, a)
	verdict := page.Verdict{Outcome: page.Decided}
	switch {
	case q.State != page.Pending:
		verdict.Outcome = page.Ended
	case a.Decision != page.Confirm:
		q.State = page.Declined
	case q.Obstacle != page.NoObstacle:
		verdict.Outcome = page.Refused
	case a.TriesUsed != q.TriesUsed:
		verdict.Outcome = page.Outdated
	case refuse(a.PIN) != nil:
		return page.Verdict{}, refuse(a.PIN)
	case a.PIN.Reveal() == CorrectPIN:
		q.State = page.Confirmed
	default:
		verdict.Outcome = page.Incorrect
		q.TriesUsed++
		q.TriesLeft--
		if q.TriesLeft == 0 {
			q.State = page.Declined
		}
	}
	b.questions[a.Confirmation] = q
	verdict.Question = q
	return verdict, nil
}

// PINLink implements [page.Backend].
func (b *Backend) PINLink(_ context.Context, id uuid.UUID) (page.PINLink, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	l, ok := b.links[id]
	if !ok {
		return page.PINLink{}, page.ErrNotFound
	}
	return l, nil
}

// SetPIN implements [page.Backend].
func (b *Backend) SetPIN(ctx context.Context, c page.Choice) (page.SetVerdict, error) {
	l, err := b.PINLink(ctx, c.Link)
	if err != nil {
		return page.SetVerdict{}, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	verdict := page.SetVerdict{Outcome: page.PINSet}
	switch {
	case l.State != page.LinkOpen:
		verdict.Outcome = page.LinkOver
	case refuse(c.PIN) != nil:
		return page.SetVerdict{}, refuse(c.PIN)
	case l.NeedsCurrent && c.Current.Reveal() != CorrectPIN:
		verdict.Outcome = page.CurrentIncorrect
		if l.TriesLeft--; l.TriesLeft == 0 {
			l.Obstacle, l.LockedUntil = page.PINLocked, b.now().Add(15*time.Minute)
		}
	case c.PIN.Reveal() == CorrectPIN:
		verdict.Outcome = page.PINUnchanged
	default:
		l.State = page.LinkUsed
	}
	b.links[c.Link] = l
	verdict.Link = l
	return verdict, nil
}
