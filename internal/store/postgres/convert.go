package postgres

import (
	"encoding/json"
	"errors"
	"math"

	"github.com/google/uuid"

	gen "github.com/hydracore/hydrapin/gen/postgres"
	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/policy"
)

// errBadDetails says that the details of an event are no JSON object.
var errBadDetails = errors.New("postgres: the details of an event are no JSON object")

// holderKey is the key of a holder as the queries take it.
type holderKey struct {
	TenantID   uuid.UUID
	HolderID   uuid.UUID
	InstanceID uuid.UUID
	HolderType string
}

func toHolderKey(h pin.Holder) holderKey {
	return holderKey{TenantID: h.Tenant, HolderID: h.ID, InstanceID: h.Instance, HolderType: string(h.Type)}
}

func fromPin(h pin.Holder, row gen.GetPinRow) pin.Record {
	return pin.Record{
		Holder: h, ID: value(row.PinID), Hash: value(row.Hash),
		CreatedAt: value(row.CreatedAt), CountsFrom: value(row.CountsFrom),
		RemovedByRuntime: row.RemovedByRuntime,
		Failures:         int(row.Failures), LockedUntil: value(row.LockedUntil),
		Inactive: row.Inactive, LockEpoch: row.LockEpoch, BucketEmptyAt: value(row.BucketEmptyAt),
	}
}

func toPin(r pin.Record, pepperID string) gen.SavePinParams {
	return gen.SavePinParams{
		TenantID: r.Holder.Tenant, HolderID: r.Holder.ID,
		InstanceID: r.Holder.Instance, HolderType: string(r.Holder.Type),
		PinID: null(r.ID), Hash: null(r.Hash), PepperID: null(pepperID), CreatedAt: null(r.CreatedAt),
		CountsFrom: null(r.CountsFrom), RemovedByRuntime: r.RemovedByRuntime,
		Failures: toInt32(r.Failures), LockedUntil: null(r.LockedUntil),
		Inactive: r.Inactive, LockEpoch: r.LockEpoch, BucketEmptyAt: null(r.BucketEmptyAt),
	}
}

// fromPolicy reads version 0 as the defaults: such a row was made to be locked.
func fromPolicy(tenant, instance uuid.UUID, row gen.GetPolicyRow) policy.Policy {
	if row.Version == 0 {
		return policy.Default(tenant, instance)
	}
	return policy.Policy{
		Tenant: tenant, Instance: instance, AppliesTo: policy.AppliesTo(row.AppliesTo),
		RequiredSkills:    append([]string{}, row.RequiredSkills...),
		SessionTTLMinutes: int(row.SessionTtlMinutes), Version: row.Version,
	}
}

func toPolicy(p policy.Policy) gen.SavePolicyParams {
	return gen.SavePolicyParams{
		TenantID: p.Tenant, InstanceID: p.Instance, AppliesTo: string(p.AppliesTo),
		RequiredSkills:    append([]string{}, p.RequiredSkills...),
		SessionTtlMinutes: toInt32(p.SessionTTLMinutes), Version: p.Version,
	}
}

func fromSession(row gen.PinSession) confirmation.Session {
	return confirmation.Session{
		ID: row.ID, Instance: row.InstanceID,
		Holder: pin.Holder{
			Type: pin.HolderType(row.HolderType), Tenant: row.TenantID,
			Instance: row.HolderInstanceID, ID: row.HolderID,
		},
		Role: policy.Role(row.Role), PINID: row.PinID, LockEpoch: row.LockEpoch,
		AuthTime: row.AuthTime, TTL: row.Ttl,
	}
}

func toSession(s confirmation.Session) gen.SaveSessionParams {
	return gen.SaveSessionParams{
		TenantID: s.Holder.Tenant, ID: s.ID, InstanceID: s.Instance,
		HolderType: string(s.Holder.Type), HolderInstanceID: s.Holder.Instance, HolderID: s.Holder.ID,
		Role: string(s.Role), PinID: s.PINID, LockEpoch: s.LockEpoch, AuthTime: s.AuthTime, Ttl: s.TTL,
	}
}

func fromConfirmation(row gen.GetConfirmationRow) confirmation.Confirmation {
	c := confirmation.Confirmation{
		ID: row.ID,
		Question: confirmation.Question{
			Holder: pin.Holder{
				Type: pin.HolderType(row.HolderType), Tenant: row.TenantID,
				Instance: row.HolderInstanceID, ID: row.HolderID,
			},
			Instance: row.InstanceID, Role: policy.Role(row.Role), Skill: row.Skill,
			Lifetime: row.Lifetime, IdempotencyKey: value(row.IdempotencyKey),
		},
		Status: confirmation.Status(row.Status), Reason: confirmation.Reason(row.Reason),
		CreatedAt: row.CreatedAt, ExpiresAt: row.ExpiresAt, EndedAt: value(row.EndedAt),
		Receipt: row.Receipt,
	}
	if row.ActionDigest != nil {
		c.Action = &confirmation.Action{
			Summary: value(row.ActionSummary), Params: row.ActionParams, Digest: *row.ActionDigest,
		}
	}
	if row.ApprovedAt != nil {
		c.Approval = &confirmation.Approval{
			At: *row.ApprovedAt, PINID: value(row.ApprovedPinID), LockEpoch: value(row.ApprovedLockEpoch),
			AuthTime: value(row.AuthTime), Session: value(row.SessionID),
		}
	}
	return c
}

func toNewConfirmation(c confirmation.Confirmation) gen.InsertConfirmationParams {
	p := gen.InsertConfirmationParams{
		TenantID: c.Holder.Tenant, InstanceID: c.Instance, ID: c.ID,
		HolderType: string(c.Holder.Type), HolderInstanceID: c.Holder.Instance, HolderID: c.Holder.ID,
		Role: string(c.Role), Skill: c.Skill, Lifetime: c.Lifetime, IdempotencyKey: null(c.IdempotencyKey),
		Status: string(c.Status), Reason: string(c.Reason),
		CreatedAt: c.CreatedAt, ExpiresAt: c.ExpiresAt, EndedAt: null(c.EndedAt), Receipt: c.Receipt,
	}
	if a := c.Action; a != nil {
		p.ActionSummary, p.ActionParams, p.ActionDigest = &a.Summary, append([]byte{}, a.Params...), &a.Digest
	}
	if a := c.Approval; a != nil {
		p.ApprovedAt, p.ApprovedPinID, p.ApprovedLockEpoch = &a.At, &a.PINID, &a.LockEpoch
		p.AuthTime, p.SessionID = &a.AuthTime, null(a.Session)
	}
	return p
}

func toConfirmation(c confirmation.Confirmation) gen.SaveConfirmationParams {
	n := toNewConfirmation(c)
	return gen.SaveConfirmationParams{
		TenantID: n.TenantID, InstanceID: n.InstanceID, ID: n.ID,
		Status: n.Status, Reason: n.Reason, ExpiresAt: n.ExpiresAt, EndedAt: n.EndedAt,
		ApprovedAt: n.ApprovedAt, ApprovedPinID: n.ApprovedPinID, ApprovedLockEpoch: n.ApprovedLockEpoch,
		AuthTime: n.AuthTime, SessionID: n.SessionID, Receipt: n.Receipt,
	}
}

func fromAPIKey(row gen.ApiKey) auth.APIKey {
	k := auth.APIKey{
		ID: row.ID, Kind: auth.Kind(row.Kind), Tenant: row.TenantID, Instance: row.InstanceID, Name: row.Name,
		CreatedAt: row.CreatedAt, ExpiresAt: value(row.ExpiresAt), RevokedAt: value(row.RevokedAt),
	}
	copy(k.Hash[:], row.Hash)
	for _, s := range row.Scopes {
		k.Scopes = append(k.Scopes, auth.Scope(s))
	}
	return k
}

func toAPIKey(k auth.APIKey) gen.InsertAPIKeyParams {
	scopes := make([]string, 0, len(k.Scopes))
	for _, s := range k.Scopes {
		scopes = append(scopes, string(s))
	}
	return gen.InsertAPIKeyParams{
		TenantID: k.Tenant, ID: k.ID, Kind: string(k.Kind), Hash: k.Hash[:], InstanceID: k.Instance,
		Scopes: scopes, Name: k.Name,
		CreatedAt: k.CreatedAt, ExpiresAt: null(k.ExpiresAt), RevokedAt: null(k.RevokedAt),
	}
}

func fromEvent(row gen.PinEvent) (audit.Event, error) {
	e := audit.Event{
		Seq: row.Seq, Time: row.OccurredAt, Tenant: row.TenantID, Type: audit.Type(row.Type),
		Actor:    audit.Actor{Kind: auth.Kind(row.ActorKind), ID: row.ActorID},
		Instance: value(row.InstanceID), Confirmation: value(row.ConfirmationID),
		RequestID: row.RequestID, Peer: row.Peer,
	}
	if row.HolderType != nil {
		e.Holder = pin.Holder{
			Type: pin.HolderType(*row.HolderType), Tenant: row.TenantID,
			Instance: value(row.HolderInstanceID), ID: value(row.HolderID),
		}
	}
	if row.Details != nil {
		if err := json.Unmarshal(row.Details, &e.Details); err != nil {
			return audit.Event{}, errBadDetails
		}
	}
	return e, nil
}

func toEvent(e audit.Event) (gen.AppendEventParams, error) {
	p := gen.AppendEventParams{
		TenantID: e.Tenant, OccurredAt: e.Time, Type: string(e.Type),
		ActorKind: string(e.Actor.Kind), ActorID: e.Actor.ID,
		InstanceID: null(e.Instance), ConfirmationID: null(e.Confirmation),
		RequestID: e.RequestID, Peer: e.Peer,
	}
	if e.Holder != (pin.Holder{}) {
		holderType := string(e.Holder.Type)
		p.HolderType, p.HolderInstanceID, p.HolderID = &holderType, &e.Holder.Instance, &e.Holder.ID
	}
	if e.Details != nil {
		details, err := json.Marshal(e.Details)
		if err != nil {
			// The encoder's error may quote a value.
			return gen.AppendEventParams{}, errBadDetails
		}
		p.Details = details
	}
	return p, nil
}

// null makes NULL of a zero value: of no time, no UUID, no text.
func null[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

// value makes a zero value of NULL.
func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// toInt32 fits a count into its column: one that is out of range stays at its
// end, and never turns from many into few.
func toInt32(n int) int32 { return int32(min(max(n, math.MinInt32), math.MaxInt32)) }

func convert[A, B any](from []A, fn func(A) B) []B {
	to := make([]B, 0, len(from))
	for _, a := range from {
		to = append(to, fn(a))
	}
	return to
}
