package service

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/policy"
	"github.com/hydracore/hydrapin/internal/receipt"
	"github.com/hydracore/hydrapin/internal/store"
)

// View is a confirmation as the runtime sees it now.
type View struct {
	confirmation.Confirmation
	// AttemptsRemaining is nil where it does not apply.
	AttemptsRemaining *int
	// LockedUntil and SessionExpiresAt are zero where they do not apply.
	LockedUntil      time.Time
	SessionExpiresAt time.Time
}

// seen is a confirmation as the runtime may see it: its receipt is shown only
// while it is approved.
func seen(conf confirmation.Confirmation) View {
	if conf.Status != confirmation.Approved {
		conf.Receipt = ""
	}
	return View{Confirmation: conf}
}

// withAttempts adds what is the PIN's now, where there is one.
func (v View) withAttempts(r pin.Record, l pin.Limits, now time.Time) View {
	open := v.Status == confirmation.Pending || v.Status == confirmation.Blocked
	if !open || r.ID == uuid.Nil {
		return v
	}
	n, until := r.Remaining(l, now)
	v.AttemptsRemaining, v.LockedUntil = &n, until
	return v
}

// withSession adds when the session of the approval ends; the zero Session is none.
func (v View) withSession(session confirmation.Session, p policy.Policy) View {
	if session.ID != uuid.Nil {
		v.SessionExpiresAt = session.Until(p)
	}
	return v
}

// readConfirmation reads a confirmation, and the time. It returns [ErrNotFound].
func (s *Service) readConfirmation(ctx context.Context, ref confirmation.Ref) (confirmation.Confirmation, time.Time, error) {
	var conf confirmation.Confirmation
	reads := s.config.Store.Reads()
	reads.Confirmation(ref, &conf)
	if err := reads.Fetch(ctx); err != nil {
		return confirmation.Confirmation{}, time.Time{}, notFound(err)
	}
	return conf, reads.Now(), nil
}

// readUnder reads a confirmation, the policy that it is under, and the time. It
// returns [ErrNotFound].
func (s *Service) readUnder(ctx context.Context, ref confirmation.Ref) (confirmation.Confirmation, policy.Policy, time.Time, error) {
	var conf confirmation.Confirmation
	var p policy.Policy
	reads := s.config.Store.Reads()
	reads.Confirmation(ref, &conf)
	reads.Policy(ref.Instance, &p)
	if err := reads.Fetch(ctx); err != nil {
		return confirmation.Confirmation{}, policy.Policy{}, time.Time{}, notFound(err)
	}
	return conf, p, reads.Now(), nil
}

// view completes a confirmation with what is the PIN's and the session's now.
func (s *Service) view(ctx context.Context, reads store.Reads, conf confirmation.Confirmation) (View, error) {
	v := seen(conf.At(reads.Now()))
	var r pin.Record
	var session confirmation.Session
	var p policy.Policy
	if v.Status == confirmation.Pending {
		reads.PIN(conf.Holder, &r)
	} else {
		reads.SessionOf(conf.Ref(), &session)
		reads.Policy(conf.Ref().Instance, &p)
	}
	if err := reads.Fetch(ctx); err != nil {
		return View{}, err
	}
	return v.withAttempts(r, s.config.Limits, reads.Now()).withSession(session, p), nil
}

// sign makes the receipt of an approved confirmation.
func (s *Service) sign(conf confirmation.Confirmation) (string, error) {
	return s.config.Receipts.Sign(receipt.Claims{
		Issuer: s.config.Issuer, TenantID: conf.Holder.Tenant, InstanceID: conf.Instance,
		HolderType: string(conf.Holder.Type), HolderID: conf.Holder.ID,
		Confirmation: conf.ID, Skill: conf.Skill, Role: string(conf.Role),
		Method: string(conf.Reason), AuthTime: conf.Approval.AuthTime,
		ActionDigest: conf.ActionDigest(),
		IssuedAt:     conf.Approval.At, ExpiresAt: conf.ExpiresAt,
	})
}
