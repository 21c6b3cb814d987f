package service

import (
	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/limit"
	"github.com/hydracore/hydrapin/internal/policy"
)

// guessed is an instance on which PINs were guessed incorrectly, with the guesses of the last hour:
// those of the trail, and those that are queued.
type guessed struct {
	instance       policy.Instance
	policy         policy.Policy
	stored, queued []audit.Guess
}

// readGuesses queues the reads of what the sequencer needs to judge whether somebody sprays PINs, by
// tenant. It is judged as events move, and never in a guess itself, which would wait for the others.
func (st *step) readGuesses(queued []audit.Queued) map[uuid.UUID][]*guessed {
	of := map[policy.Instance]*guessed{}
	byTenant := map[uuid.UUID][]*guessed{}
	for _, q := range queued {
		on := policy.Instance{Tenant: q.Tenant, ID: q.Instance}
		if q.Type == audit.TypePINFailed && q.Instance != uuid.Nil && of[on] == nil {
			of[on] = &guessed{instance: on}
			byTenant[q.Tenant] = append(byTenant[q.Tenant], of[on])
		}
	}
	for _, q := range queued {
		g := of[policy.Instance{Tenant: q.Tenant, ID: q.Instance}]
		if guess, ok := q.Guess(); ok && g != nil {
			g.queued = append(g.queued, guess)
		}
	}
	since := st.Now().Add(-limit.SprayWindow)
	for _, all := range byTenant {
		for _, g := range all {
			st.Guesses(g.instance, since, &g.stored)
			st.Policy(g.instance, &g.policy)
		}
	}
	return byTenant
}

// judgeSpraying stops guesses on an instance for a time when somebody sprays PINs there. It is an
// event when they were not stopped before.
func (st *step) judgeSpraying(g *guessed) {
	until, holders := limit.Spraying(append(g.stored, g.queued...), st.Now())
	if !until.After(g.policy.SprayedUntil) {
		return
	}
	st.SaveSpraying(g.instance, until)
	if !g.policy.SprayedUntil.After(st.Now()) {
		st.recordAs(system(g.instance.Tenant), about{instance: g.instance.ID},
			audit.InstanceSpraying{Holders: holders, Until: audit.FormatTime(until)})
	}
}
