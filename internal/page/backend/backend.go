// Package backend answers the person's pages from the service: it turns what the service returns into
// the closed lists of the pages. It guarantees that whatever it does not know is no yes. It must hold
// no rule.
package backend

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/page"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/problem"
	"github.com/hydracore/hydrapin/internal/service"
	"github.com/hydracore/hydrapin/internal/telemetry"
)

// unavailableFor is after how long another try makes sense when the server cannot answer now.
const unavailableFor = 2 * time.Second

// Backend is a [page.Backend] over the service.
type Backend struct {
	service *service.Service
	rules   pin.Rules
}

var _ page.Backend = (*Backend)(nil)

// New returns a Backend. The rules say how long a PIN that is chosen may be.
func New(s *service.Service, rules pin.Rules) *Backend { return &Backend{service: s, rules: rules} }

// caller is whoever sent the request: the service adds which link they hold.
func caller(ctx context.Context) (service.Caller, error) {
	r, err := telemetry.From(ctx)
	if err != nil {
		return service.Caller{}, err
	}
	return r.Caller, nil
}

// Question implements [page.Backend].
func (b *Backend) Question(ctx context.Context, id uuid.UUID) (page.Question, error) {
	q, err := b.service.PageQuestion(ctx, id)
	if err != nil {
		return page.Question{}, refusal(err)
	}
	return question(q), nil
}

// Decide implements [page.Backend].
func (b *Backend) Decide(ctx context.Context, a page.Answer) (page.Verdict, error) {
	c, err := caller(ctx)
	if err != nil {
		return page.Verdict{}, err
	}
	if a.Decision == page.Confirm {
		err = b.service.ConfirmOnPage(ctx, c, service.PageEntry{Confirmation: a.Confirmation, PIN: a.PIN, Used: a.TriesUsed})
	} else {
		err = b.service.DeclineOnPage(ctx, c, a.Confirmation, a.Decision == page.Dispute)
	}
	v := page.Verdict{Outcome: outcome(err)}
	if v.Outcome == 0 {
		return page.Verdict{}, refusal(err)
	}
	if v.Question, err = b.Question(context.WithoutCancel(ctx), a.Confirmation); err != nil {
		return page.Verdict{}, err
	}
	return v, nil
}

// outcome is what an error of a decision is on the page; 0 for one that no page shows.
func outcome(err error) page.Outcome {
	wrong, locked := (*service.WrongPINError)(nil), (*service.LockedError)(nil)
	switch {
	case err == nil:
		return page.Decided
	case errors.As(err, &wrong):
		return page.Incorrect
	case errors.Is(err, service.ErrOutdatedForm):
		return page.Outdated
	case errors.As(err, &locked), errors.Is(err, service.ErrInactive), errors.Is(err, service.ErrFrozen),
		errors.Is(err, service.ErrPINNotOwn):
		return page.Refused
	case errors.Is(err, service.ErrExpired), errors.Is(err, service.ErrNotPending), errors.Is(err, service.ErrNoTriesLeft):
		return page.Ended
	default:
		return 0
	}
}

func question(q service.PageQuestion) page.Question {
	p := page.Question{State: state(q.Confirmation)}
	if p.State != page.Pending {
		return p
	}
	p.Skill, p.ExpiresAt, p.TriesUsed, p.TriesLeft = q.Skill, q.ExpiresAt, q.PageTries, q.TriesLeft
	if q.Action != nil {
		p.Summary, p.Params = q.Action.Summary, q.Action.Params
	}
	p.Obstacle, p.LockedUntil = obstacle(q.Obstacle)
	if q.Opens != nil {
		p.Opens = &page.Session{Until: q.Opens.Until, Skills: q.Opens.Skills, Others: q.Opens.Others}
	}
	return p
}

func state(c confirmation.Confirmation) page.State {
	switch c.Status {
	case confirmation.Pending:
		return page.Pending
	case confirmation.Approved, confirmation.Redeemed:
		return page.Confirmed
	case confirmation.Declined:
		return page.Declined
	case confirmation.Expired:
		if c.Approval != nil {
			return page.NotCarriedOut
		}
		return page.Expired
	case confirmation.NotRequired, confirmation.Blocked:
		return 0
	default:
		return 0
	}
}

func obstacle(err error) (page.Obstacle, time.Time) {
	locked := (*service.LockedError)(nil)
	switch {
	case err == nil:
		return page.NoObstacle, time.Time{}
	case errors.As(err, &locked):
		return page.PINLocked, locked.Until
	case errors.Is(err, service.ErrFrozen):
		return page.Frozen, time.Time{}
	case errors.Is(err, service.ErrPINNotOwn):
		return page.PINNotOwn, time.Time{}
	default:
		return page.PINInactive, time.Time{}
	}
}

// PINLink implements [page.Backend].
func (b *Backend) PINLink(ctx context.Context, id uuid.UUID) (page.PINLink, error) {
	v, err := b.service.PINLink(ctx, id)
	if err != nil {
		return page.PINLink{}, refusal(err)
	}
	l := page.PINLink{State: page.LinkEnded}
	switch {
	case v.Used():
		l.State = page.LinkUsed
	case v.Live:
		l = page.PINLink{State: page.LinkOpen, NeedsCurrent: v.NeedsCurrent, Rules: b.rules, TriesLeft: v.TriesLeft}
		l.Obstacle, l.LockedUntil = obstacle(v.Obstacle)
	}
	return l, nil
}

// SetPIN implements [page.Backend].
func (b *Backend) SetPIN(ctx context.Context, choice page.Choice) (page.SetVerdict, error) {
	c, err := caller(ctx)
	if err != nil {
		return page.SetVerdict{}, err
	}
	chosen := service.LinkChoice{Link: choice.Link, NewPIN: service.NewPIN{PIN: choice.PIN}}
	if choice.Current.Len() > 0 {
		chosen.Current = &choice.Current
	}
	v := page.SetVerdict{}
	err = b.service.SetPINByLink(ctx, c, chosen)
	if v.Outcome = setOutcome(err); v.Outcome == 0 {
		return v, refusal(err)
	}
	if v.Link, err = b.PINLink(context.WithoutCancel(ctx), choice.Link); err != nil {
		return page.SetVerdict{}, err
	}
	return v, nil
}

func setOutcome(err error) page.SetOutcome {
	wrong, locked, fault := (*service.WrongPINError)(nil), (*service.LockedError)(nil), (*service.PINFaultError)(nil)
	switch {
	case err == nil:
		return page.PINSet
	case errors.As(err, &wrong):
		return page.CurrentIncorrect
	case errors.As(err, &fault):
		return page.PINWeak
	case errors.Is(err, service.ErrPINUnchanged):
		return page.PINUnchanged
	case errors.Is(err, service.ErrCurrentPINMissing):
		return page.CurrentMissing
	case errors.As(err, &locked), errors.Is(err, service.ErrInactive):
		return page.SetRefused
	case errors.Is(err, service.ErrLinkOver):
		return page.LinkOver
	default:
		return 0
	}
}

// refusal turns an error that no page shows into one of the pages' own: a status of problem's table
// where nothing was done, else the error itself, which becomes a 500.
func refusal(err error) error {
	busy := (*service.BusyError)(nil)
	switch p := problem.Of(err); {
	case errors.Is(err, service.ErrNotFound):
		return page.ErrNotFound
	case errors.As(err, &busy):
		return &page.RefusedError{Status: http.StatusServiceUnavailable, RetryAfter: busy.RetryAfter}
	case p.Status == http.StatusServiceUnavailable, p.Status == http.StatusTooManyRequests:
		return &page.RefusedError{Status: p.Status, RetryAfter: unavailableFor}
	default:
		return err
	}
}
