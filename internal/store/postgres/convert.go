package postgres

import (
	"math"

	"github.com/google/uuid"

	gen "github.com/hydracore/hydrapin/gen/postgres"
	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/policy"
)

// dbHolder is the key of a holder as the queries take it.
type dbHolder struct {
	TenantID   uuid.UUID
	HolderID   uuid.UUID
	InstanceID uuid.UUID
	HolderType string
}

func toDBHolder(h pin.Holder) dbHolder {
	return dbHolder{TenantID: h.Tenant, HolderID: h.ID, InstanceID: h.Instance, HolderType: string(h.Type)}
}

// dbHolderOn is the key of what a holder has on an instance.
type dbHolderOn struct {
	TenantID         uuid.UUID
	HolderID         uuid.UUID
	HolderType       string
	HolderInstanceID uuid.UUID
	InstanceID       uuid.UUID
}

func toDBHolderOn(h pin.Holder, instance uuid.UUID) dbHolderOn {
	return dbHolderOn{
		TenantID: h.Tenant, HolderID: h.ID, HolderType: string(h.Type),
		HolderInstanceID: h.Instance, InstanceID: instance,
	}
}

// toPINRow leaves out the clock.
func toPINRow(row gen.GetPINRow) gen.LockPINRow {
	return gen.LockPINRow{
		PINID: row.PINID, Hash: row.Hash, PepperID: row.PepperID, CreatedAt: row.CreatedAt,
		CountsFrom: row.CountsFrom, RemovedByRuntime: row.RemovedByRuntime, Failures: row.Failures,
		LockedUntil: row.LockedUntil, Inactive: row.Inactive, LockEpoch: row.LockEpoch,
		Generation: row.Generation, BucketEmptyAt: row.BucketEmptyAt,
		SetBy: row.SetBy, SetByPINID: row.SetByPINID,
	}
}

func fromDBPIN(h pin.Holder, row gen.LockPINRow) pin.Record {
	return pin.Record{
		Holder: h, ID: value(row.PINID), Hash: value(row.Hash), PepperID: value(row.PepperID),
		CreatedAt: value(row.CreatedAt), CountsFrom: value(row.CountsFrom),
		RemovedByRuntime: row.RemovedByRuntime,
		Failures:         int(row.Failures), LockedUntil: value(row.LockedUntil),
		Inactive: row.Inactive, LockEpoch: row.LockEpoch, Generation: row.Generation,
		BucketEmptyAt: value(row.BucketEmptyAt),
		SetBy:         pin.SetBy(value(row.SetBy)), SetByPIN: value(row.SetByPINID),
	}
}

func toDBPIN(r pin.Record) gen.SavePINParams {
	p := gen.SavePINParams{
		TenantID: r.Holder.Tenant, HolderID: r.Holder.ID,
		InstanceID: r.Holder.Instance, HolderType: string(r.Holder.Type),
		PINID: optional(r.ID), Hash: optional(r.Hash), CreatedAt: optional(r.CreatedAt),
		CountsFrom: optional(r.CountsFrom), RemovedByRuntime: r.RemovedByRuntime,
		Failures: toInt32(r.Failures), LockedUntil: optional(r.LockedUntil),
		Inactive: r.Inactive, LockEpoch: r.LockEpoch, Generation: r.Generation,
		BucketEmptyAt: optional(r.BucketEmptyAt),
		SetBy:         optional(string(r.SetBy)), SetByPINID: optional(r.SetByPIN),
	}
	// Without a PIN no pepper is in use, whatever the record names.
	if r.ID != uuid.Nil {
		p.PepperID = optional(r.PepperID)
	}
	return p
}

func fromDBAttempt(row gen.PINAttempt) pin.Attempt {
	return pin.Attempt{
		ID: row.ID, SpentAt: row.SpentAt,
		Holder: pin.Holder{
			Type: pin.HolderType(row.HolderType), Tenant: row.TenantID,
			Instance: row.HolderInstanceID, ID: row.HolderID,
		},
	}
}

func toDBAttempt(a pin.Attempt) gen.InsertAttemptParams {
	return gen.InsertAttemptParams{
		TenantID: a.Holder.Tenant, ID: a.ID, HolderType: string(a.Holder.Type),
		HolderInstanceID: a.Holder.Instance, HolderID: a.Holder.ID, SpentAt: a.SpentAt,
	}
}

// fromDBPolicy reads what is not stored, and version 0, as the defaults: a row of that
// version was made to be locked.
func fromDBPolicy(i policy.Instance, row gen.GetPolicyRow) policy.Policy {
	p := policy.Default(i.Tenant, i.ID)
	if value(row.Version) > 0 {
		p.AppliesTo, p.Version = policy.AppliesTo(value(row.AppliesTo)), *row.Version
		p.RequiredSkills = append([]string{}, row.RequiredSkills...)
		p.SessionTTLMinutes = int(value(row.SessionTTLMinutes))
		p.MustBeOwn, p.Channels = value(row.MustBeOwn), policy.Channels(value(row.Channels))
	}
	p.Frozen, p.FreezeEpoch, p.SprayedUntil = row.Frozen, row.FreezeEpoch, value(row.SprayedUntil)
	return p
}

// fromDBLockedPolicy is fromDBPolicy for a row that was locked.
func fromDBLockedPolicy(i policy.Instance, row gen.LockPolicyRow) policy.Policy {
	return fromDBPolicy(i, gen.GetPolicyRow{
		AppliesTo: &row.AppliesTo, RequiredSkills: row.RequiredSkills,
		SessionTTLMinutes: &row.SessionTTLMinutes, Version: &row.Version,
		MustBeOwn: &row.MustBeOwn, Channels: &row.Channels,
	})
}

func fromDBFreeze(scope policy.Instance, row gen.GetFreezeRow) policy.Freeze {
	return policy.Freeze{
		Scope: scope, Frozen: row.Frozen, Since: value(row.Since), ByKind: auth.Kind(row.ByKind),
		ByID: row.ByID, Reason: row.Reason, Epoch: row.Epoch,
	}
}

func toDBFreeze(f policy.Freeze) gen.SaveFreezeParams {
	return gen.SaveFreezeParams{
		TenantID: f.Scope.Tenant, InstanceID: f.Scope.ID, Frozen: f.Frozen, Since: optional(f.Since),
		ByKind: string(f.ByKind), ByID: f.ByID, Reason: f.Reason, Epoch: f.Epoch,
	}
}

func toDBPolicy(p policy.Policy) gen.SavePolicyParams {
	return gen.SavePolicyParams{
		TenantID: p.Tenant, InstanceID: p.Instance, AppliesTo: string(p.AppliesTo),
		RequiredSkills:    append([]string{}, p.RequiredSkills...),
		SessionTTLMinutes: toInt32(p.SessionTTLMinutes), Version: p.Version,
		MustBeOwn: p.MustBeOwn, Channels: string(p.Channels),
	}
}

func fromDBSession(row gen.PINSession) confirmation.Session {
	return confirmation.Session{
		ID: row.ID, Instance: row.InstanceID,
		Holder: pin.Holder{
			Type: pin.HolderType(row.HolderType), Tenant: row.TenantID,
			Instance: row.HolderInstanceID, ID: row.HolderID,
		},
		Role: policy.Role(row.Role), PINID: row.PINID, LockEpoch: row.LockEpoch,
		FreezeEpoch: row.FreezeEpoch, AuthTime: row.AuthTime, ByPage: row.ByPage, TTL: row.TTL,
	}
}

func toDBSession(s confirmation.Session) gen.SaveSessionParams {
	return gen.SaveSessionParams{
		TenantID: s.Holder.Tenant, ID: s.ID, InstanceID: s.Instance,
		HolderType: string(s.Holder.Type), HolderInstanceID: s.Holder.Instance, HolderID: s.Holder.ID,
		Role: string(s.Role), PINID: s.PINID, LockEpoch: s.LockEpoch, AuthTime: s.AuthTime, TTL: s.TTL,
		FreezeEpoch: s.FreezeEpoch, ByPage: s.ByPage,
	}
}

func fromDBConfirmation(row gen.Confirmation) confirmation.Confirmation {
	c := confirmation.Confirmation{
		ID: row.ID,
		Question: confirmation.Question{
			Holder: pin.Holder{
				Type: pin.HolderType(row.HolderType), Tenant: row.TenantID,
				Instance: row.HolderInstanceID, ID: row.HolderID,
			},
			Instance: row.InstanceID, Role: policy.Role(row.Role), Skill: row.Skill,
			Lifetime: row.Lifetime, IdempotencyKey: value(row.IdempotencyKey),
			CallKey: value(row.CallKey),
		},
		Status: confirmation.Status(row.Status), Reason: confirmation.Reason(row.Reason),
		CreatedAt: row.CreatedAt, ExpiresAt: row.ExpiresAt, EndedAt: value(row.EndedAt),
		Receipt: row.Receipt, RedeemID: value(row.RedeemID),
		PageTries: int(row.PageTries), PageFailures: int(row.PageFailures),
		Outcome: confirmation.Outcome{
			Kind: confirmation.OutcomeKind(value(row.Outcome)), Detail: row.OutcomeDetail, At: value(row.OutcomeAt),
		},
	}
	if row.ActionDigest != nil {
		c.Action = &confirmation.Action{
			Summary: value(row.ActionSummary), Params: row.ActionParams, Digest: *row.ActionDigest,
		}
	}
	if row.ApprovedAt != nil {
		c.Approval = &confirmation.Approval{
			At: *row.ApprovedAt, Attempt: value(row.ApprovedAttemptID), PINID: value(row.ApprovedPINID),
			LockEpoch: value(row.ApprovedLockEpoch), FreezeEpoch: value(row.ApprovedFreezeEpoch),
			AuthTime: value(row.AuthTime), ByPage: row.ApprovedByPage, Session: value(row.SessionID),
		}
	}
	return c
}

func fromDBOpenCounts(row gen.CountOpenConfirmationsRow) confirmation.OpenCounts {
	return confirmation.OpenCounts{
		Pending: int(row.Pending), Approved: int(row.Approved),
		FirstPending: row.FirstPending, FirstApproved: row.FirstApproved,
	}
}

func toDBConfirmation(c confirmation.Confirmation) gen.InsertConfirmationParams {
	p := gen.InsertConfirmationParams{
		TenantID: c.Holder.Tenant, InstanceID: c.Instance, ID: c.ID,
		HolderType: string(c.Holder.Type), HolderInstanceID: c.Holder.Instance, HolderID: c.Holder.ID,
		Role: string(c.Role), Skill: c.Skill, Lifetime: c.Lifetime, IdempotencyKey: optional(c.IdempotencyKey),
		Status: string(c.Status), Reason: string(c.Reason),
		CreatedAt: c.CreatedAt, ExpiresAt: c.ExpiresAt, EndedAt: optional(c.EndedAt), Receipt: c.Receipt,
		RedeemID: optional(c.RedeemID), CallKey: optional(c.CallKey),
		PageTries: toInt32(c.PageTries), PageFailures: toInt32(c.PageFailures),
		Outcome: optional(string(c.Outcome.Kind)), OutcomeAt: optional(c.Outcome.At), OutcomeDetail: c.Outcome.Detail,
	}
	if a := c.Action; a != nil {
		// Nil params would be NULL, and an action is whole or not there.
		p.ActionSummary, p.ActionParams, p.ActionDigest = &a.Summary, append([]byte{}, a.Params...), &a.Digest
	}
	if a := c.Approval; a != nil {
		p.ApprovedAt, p.ApprovedPINID, p.ApprovedLockEpoch = &a.At, &a.PINID, &a.LockEpoch
		p.ApprovedFreezeEpoch = &a.FreezeEpoch
		p.ApprovedAttemptID, p.AuthTime, p.SessionID = optional(a.Attempt), &a.AuthTime, optional(a.Session)
		p.ApprovedByPage = a.ByPage
	}
	return p
}

// toDBConfirmations holds what transitions may change; a zero value stands for NULL.
func toDBConfirmations(cs []confirmation.Confirmation) gen.SaveConfirmationsParams {
	var p gen.SaveConfirmationsParams
	for _, c := range cs {
		a := value(c.Approval)
		p.TenantIds = append(p.TenantIds, c.Holder.Tenant)
		p.InstanceIds = append(p.InstanceIds, c.Instance)
		p.Ids = append(p.Ids, c.ID)
		p.Statuses = append(p.Statuses, string(c.Status))
		p.Reasons = append(p.Reasons, string(c.Reason))
		p.ExpiresAts = append(p.ExpiresAts, c.ExpiresAt)
		p.EndedAts = append(p.EndedAts, c.EndedAt)
		p.ApprovedAts = append(p.ApprovedAts, a.At)
		p.ApprovedAttemptIds = append(p.ApprovedAttemptIds, a.Attempt)
		p.ApprovedPINIds = append(p.ApprovedPINIds, a.PINID)
		p.ApprovedLockEpochs = append(p.ApprovedLockEpochs, a.LockEpoch)
		p.ApprovedFreezeEpochs = append(p.ApprovedFreezeEpochs, a.FreezeEpoch)
		p.AuthTimes = append(p.AuthTimes, a.AuthTime)
		p.SessionIds = append(p.SessionIds, a.Session)
		p.Receipts = append(p.Receipts, c.Receipt)
		p.RedeemIds = append(p.RedeemIds, c.RedeemID)
		p.PageTries = append(p.PageTries, toInt32(c.PageTries))
		p.PageFailures = append(p.PageFailures, toInt32(c.PageFailures))
		p.ApprovedByPages = append(p.ApprovedByPages, a.ByPage)
	}
	return p
}

func fromDBAPIKey(row gen.APIKey) auth.APIKey {
	k := auth.APIKey{
		ID: row.ID, Kind: auth.Kind(row.Kind), Tenant: row.TenantID, Instance: row.InstanceID, Name: row.Name,
		CreatedAt: row.CreatedAt, ExpiresAt: value(row.ExpiresAt), RevokedAt: value(row.RevokedAt),
		CreatedByKind: auth.Kind(row.CreatedByKind), CreatedBy: row.CreatedBy, Depth: int(row.Depth),
		LastUsedAt: value(row.LastUsedAt),
	}
	copy(k.Hash[:], row.Hash)
	for _, s := range row.Scopes {
		k.Scopes = append(k.Scopes, auth.Scope(s))
	}
	return k
}

func toDBAPIKey(k auth.APIKey) gen.InsertAPIKeyParams {
	scopes := make([]string, 0, len(k.Scopes))
	for _, s := range k.Scopes {
		scopes = append(scopes, string(s))
	}
	return gen.InsertAPIKeyParams{
		TenantID: k.Tenant, ID: k.ID, Kind: string(k.Kind), Hash: k.Hash[:], InstanceID: k.Instance,
		Scopes: scopes, Name: k.Name,
		CreatedAt: k.CreatedAt, ExpiresAt: optional(k.ExpiresAt), RevokedAt: optional(k.RevokedAt),
		CreatedByKind: string(k.CreatedByKind), CreatedBy: k.CreatedBy, Depth: toInt32(k.Depth),
		LastUsedAt: optional(k.LastUsedAt),
	}
}

func toDBEvents(events []audit.Event) (gen.AppendEventsParams, error) {
	var p gen.AppendEventsParams
	for _, e := range events {
		leaf, err := e.Leaf()
		if err != nil {
			return gen.AppendEventsParams{}, err
		}
		p.TenantIds = append(p.TenantIds, e.Tenant)
		p.Ids = append(p.Ids, e.ID)
		p.OccurredAts = append(p.OccurredAts, e.Time)
		p.Types = append(p.Types, string(e.Details.Type()))
		p.ActorKinds = append(p.ActorKinds, string(e.Actor.Kind))
		p.ActorIds = append(p.ActorIds, e.Actor.ID)
		p.HolderTypes = append(p.HolderTypes, string(e.Holder.Type))
		p.HolderInstanceIds = append(p.HolderInstanceIds, e.Holder.Instance)
		p.HolderIds = append(p.HolderIds, e.Holder.ID)
		p.InstanceIds = append(p.InstanceIds, e.Instance)
		p.ConfirmationIds = append(p.ConfirmationIds, e.Confirmation)
		p.Leaves = append(p.Leaves, leaf)
	}
	return p, nil
}

// optional is NULL for a zero value: for no time, no UUID, no text.
func optional[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

// value is the zero value for NULL.
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
