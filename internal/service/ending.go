package service

import (
	"context"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/pin"
)

// holding is a holder's PIN with what rests on it.
type holding struct {
	pin      pin.Record
	sessions []confirmation.Session
	open     []confirmation.Confirmation
}

// lockHolding locks a holder's PIN by one of the locks, and reads and locks what
// rests on it: on one instance, or with uuid.Nil on all.
func lockHolding(ctx context.Context, st *step, h pin.Holder, instance uuid.UUID, lock func(pin.Holder, *pin.Record)) (holding, error) {
	var got holding
	lock(h, &got.pin)
	st.Sessions(h, instance, &got.sessions)
	st.LockOpenConfirmations(h, instance, &got.open)
	return got, st.Fetch(ctx)
}

// endAll ends every session and every open confirmation of a holder whose PIN
// changed.
func (st *step) endAll(held holding) {
	st.endSessions(held.pin.Holder, uuid.Nil, held.sessions, "pin_changed")
	st.decline(confirmation.PINChanged, held.open...)
}

// endSessions ends the sessions of a holder that were read, on one instance or with
// uuid.Nil on all.
func (st *step) endSessions(h pin.Holder, instance uuid.UUID, sessions []confirmation.Session, why string) {
	if len(sessions) == 0 {
		return
	}
	st.DeleteSessions(h, instance)
	for _, session := range sessions {
		st.record(about{holder: h, instance: session.Instance},
			audit.SessionEnded{Session: session.ID.String(), Reason: why})
	}
}

// decline ends those of the confirmations that are open, saves them together,
// records it and wakes whoever waits. What has expired stays so.
func (st *step) decline(why confirmation.Reason, confs ...confirmation.Confirmation) {
	ended := make([]confirmation.Confirmation, 0, len(confs))
	for _, conf := range confs {
		next, refusal := conf.Decline(why, st.Now())
		if refusal != confirmation.None || next.Status == conf.Status {
			continue
		}
		if conf.Status == confirmation.Pending {
			st.wake(conf.ID)
		}
		st.recordAs(st.caller.within(next.Holder.Tenant), of(next), audit.ConfirmationDeclined{Question: question(next)})
		ended = append(ended, next)
	}
	if len(ended) > 0 {
		st.SaveConfirmations(ended...)
	}
}
