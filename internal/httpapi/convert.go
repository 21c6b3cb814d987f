package httpapi

import (
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/gen/api"
	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/openapi"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/policy"
	"github.com/hydracore/hydrapin/internal/service"
	"github.com/hydracore/hydrapin/internal/wire"
	"github.com/hydracore/hydrapin/sdk/go/hydrapin/canonical"
)

func toAPIPinStatus(s pin.Status) api.PinStatus {
	return api.PinStatus{
		HasPin: s.HasPIN, IsActive: s.IsActive, IsLocked: s.IsLocked,
		LockedUntil: wire.TimePtr(s.LockedUntil), CreatedAt: wire.TimePtr(s.CreatedAt),
		SetBy: toAPISetBy(s.SetBy),
	}
}

func toAPISetBy(by pin.SetBy) *api.PinStatusSetBy {
	if by == "" {
		return nil
	}
	setBy := api.PinStatusSetBy(by)
	return &setBy
}

func toAPIPinPolicy(p policy.Policy) api.PinPolicy {
	skills := p.RequiredSkills
	if skills == nil {
		skills = []string{}
	}
	return api.PinPolicy{
		InstanceId: p.Instance, PinAppliesTo: api.PinAppliesTo(p.AppliesTo),
		PinRequiredSkills: skills, PinSessionTtlMinutes: p.SessionTTLMinutes,
		PinMustBeOwn: p.MustBeOwn, PinChannels: api.PinChannels(p.Channels),
	}
}

// fromAPIPinPolicyUpdate reads an absent and a null field alike: unchanged.
func fromAPIPinPolicyUpdate(u api.PinPolicyUpdate) policy.Patch {
	patch := policy.Patch{SessionTTLMinutes: u.PinSessionTtlMinutes, MustBeOwn: u.PinMustBeOwn}
	if u.PinAppliesTo != nil {
		appliesTo := policy.AppliesTo(*u.PinAppliesTo)
		patch.AppliesTo = &appliesTo
	}
	if u.PinChannels != nil {
		channels := policy.Channels(*u.PinChannels)
		patch.Channels = &channels
	}
	if u.PinRequiredSkills != nil {
		patch.RequiredSkills = append([]string{}, *u.PinRequiredSkills...)
	}
	return patch
}

// fromAPIHolder returns the holder that a runtime names by one of two ids.
func fromAPIHolder(tenant, instance uuid.UUID, customer, identity *uuid.UUID) (pin.Holder, error) {
	switch {
	case customer != nil && identity == nil:
		return pin.CustomerHolder(tenant, *customer), nil
	case customer == nil && identity != nil:
		return pin.IdentityHolder(tenant, instance, *identity), nil
	default:
		return pin.Holder{}, errUnguarded
	}
}

// fromAPIQuestion reads a question that was validated; an error is a bug in this program.
func fromAPIQuestion(c service.Caller, req api.AskConfirmationRequestObject, read openapi.Accepted) (confirmation.Question, error) {
	instance, a := req.InstanceId, *req.Body
	holder, err := fromAPIHolder(c.Tenant, instance, a.CustomerId, a.IdentityId)
	if err != nil {
		return confirmation.Question{}, err
	}
	q := confirmation.Question{
		Holder: holder, Instance: instance, Role: policy.Role(a.Role), Skill: a.Skill,
		Lifetime: confirmation.DefaultLifetime,
	}
	if a.ExpiresInSeconds != nil {
		q.Lifetime = time.Duration(*a.ExpiresInSeconds) * time.Second
	}
	if a.IdempotencyKey != nil {
		q.IdempotencyKey = *a.IdempotencyKey
	}
	if a.CallKey != nil {
		q.CallKey = *a.CallKey
	}
	if a.Action != nil {
		q.Action = confirmation.NewAction(a.Action.Summary, read.Params)
	}
	return q, nil
}

// fromAPIList reads parameters that were validated; an error is a bug in this program.
func fromAPIList(c service.Caller, instance uuid.UUID, p api.ListConfirmationsParams) (service.OpenFilter, error) {
	f := service.OpenFilter{Instance: instance, Limit: confirmation.DefaultPage}
	var err error
	if p.Limit != nil {
		f.Limit = *p.Limit
	}
	if p.Status != nil {
		f.Status = confirmation.Status(*p.Status)
	}
	if p.CustomerId != nil || p.IdentityId != nil {
		if f.Holder, err = fromAPIHolder(c.Tenant, instance, p.CustomerId, p.IdentityId); err != nil {
			return f, err
		}
	}
	if p.After != nil {
		f.After, err = confirmation.ParsePlace(*p.After)
	}
	return f, err
}

func (s *Server) toAPIConfirmationList(views []service.View, next confirmation.Place) api.ConfirmationList {
	list := api.ConfirmationList{Confirmations: make([]api.Confirmation, len(views)), Next: toAPIText(next.String())}
	for i, v := range views {
		list.Confirmations[i] = s.toAPIConfirmation(v)
	}
	return list
}

// toAPIDecision says that a PIN is required unless it knows why none is.
func toAPIDecision(need policy.Need) api.PinPolicyDecision {
	d := api.PinPolicyDecision{Required: need != policy.RoleExcluded && need != policy.SkillNotListed}
	if need != policy.Required {
		reason := api.PinPolicyDecisionReason(need)
		d.Reason = &reason
	}
	return d
}

func toAPIFreeze(f policy.Freeze) api.Freeze {
	if !f.Frozen {
		return api.Freeze{}
	}
	by := string(f.ByKind) + ":" + f.ByID
	return api.Freeze{Frozen: true, Since: wire.TimePtr(f.Since), By: &by, Reason: toAPIText(f.Reason)}
}

func fromAPIRedeem(r api.RedeemConfirmation, read openapi.Accepted) confirmation.Proof {
	var proof confirmation.Proof
	if r.Skill != nil {
		proof.Skill = *r.Skill
	}
	// By what was sent: without the canonical form of params the digest matches nothing.
	if r.Params != nil {
		proof.Digest = canonical.Digest(read.Params)
	}
	return proof
}

func (s *Server) toAPIConfirmation(v service.View) api.Confirmation {
	c := api.Confirmation{
		Id: toAPIUUID(v.ID), Status: api.ConfirmationStatus(v.Status), Reason: toAPIReason(v.Reason),
		Skill: v.Skill, Role: api.Role(v.Role),
		CreatedAt: wire.TimePtr(v.CreatedAt), ExpiresAt: wire.TimePtr(v.ExpiresAt),
		SessionExpiresAt:  wire.TimePtr(v.SessionExpiresAt),
		AttemptsRemaining: v.AttemptsRemaining, LockedUntil: wire.TimePtr(v.LockedUntil),
	}
	if v.Outcome.Kind != confirmation.NoOutcome {
		kind := api.ConfirmationOutcome(v.Outcome.Kind)
		c.Outcome, c.OutcomeAt = &kind, wire.TimePtr(v.Outcome.At)
	}
	switch v.Holder.Type {
	case pin.Customer:
		c.CustomerId = &v.Holder.ID
	case pin.Identity:
		c.IdentityId = &v.Holder.ID
	}
	if v.Action != nil {
		c.ActionSummary, c.ActionDigest = toAPIText(v.Action.Summary), toAPIText(v.Action.Digest)
	}
	if v.Status == confirmation.Pending {
		c.ConfirmUrl = toAPIText(s.links.Confirm(v.ID))
	}
	if v.Status == confirmation.Approved {
		c.Receipt = toAPIText(v.Receipt)
	}
	return c
}

// toAPILocation returns the address of a confirmation relative to that of asking, so that it is
// correct below any path prefix.
func toAPILocation(id uuid.UUID) string { return "confirmations/" + id.String() }

func toAPIReason(r confirmation.Reason) *api.ConfirmationReason {
	if r == confirmation.NoReason {
		return nil
	}
	reason := api.ConfirmationReason(r)
	return &reason
}

func toAPIUUID(id uuid.UUID) *uuid.UUID {
	if id == uuid.Nil {
		return nil
	}
	return &id
}

// toAPIText returns nil for the empty text.
func toAPIText(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// fromAPIExpiry reads how long a link lives; nil is the standard.
func fromAPIExpiry(seconds *int, standard time.Duration) time.Duration {
	if seconds == nil {
		return standard
	}
	return time.Duration(*seconds) * time.Second
}

func (s *Server) toAPIPinLink(l pin.Link) api.PinLink {
	return api.PinLink{Id: l.ID, Url: s.links.SetPIN(l.ID), ExpiresAt: wire.Time(l.ExpiresAt)}
}
