package service

import (
	"context"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/pin"
)

// Decline ends a pending or approved confirmation for the runtime.
func (s *Service) Decline(ctx context.Context, c Caller, t Target) error {
	_, err := run(ctx, s, act{op: OpDecline, caller: c, repeats: true}, func(ctx context.Context, st *step) (struct{}, error) {
		var conf confirmation.Confirmation
		st.LockConfirmation(c.ref(t), &conf)
		if err := st.Fetch(ctx); err != nil {
			return struct{}{}, notFound(err)
		}
		if _, why := conf.Decline(confirmation.ByRuntime, st.Now()); why != confirmation.None {
			return struct{}{}, refuse(refused(why))
		}
		st.decline(confirmation.ByRuntime, conf)
		return struct{}{}, nil
	})
	return err
}

// EndSessions is "lock now": it ends the holder's sessions on an instance and
// every approved confirmation that was not redeemed.
func (s *Service) EndSessions(ctx context.Context, c Caller, h pin.Holder, instance uuid.UUID) error {
	_, err := run(ctx, s, act{op: OpEndSessions, caller: c, repeats: true}, func(ctx context.Context, st *step) (struct{}, error) {
		held, err := lockHolding(ctx, st, h, instance, st.LockPIN)
		if err != nil {
			return struct{}{}, err
		}
		st.endSessions(h, instance, held.sessions, "runtime")
		approved := held.open[:0:0]
		for _, conf := range held.open {
			if conf.Status == confirmation.Approved {
				approved = append(approved, conf)
			}
		}
		st.decline(confirmation.SessionEnded, approved...)
		return struct{}{}, nil
	})
	return err
}
