package sqlite

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	gen "github.com/hydracore/hydrapin/gen/sqlite"
	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/policy"
)

// Times are whole microseconds in UTC; a zero time is NULL where a column may be.

func toDBTime(t time.Time) int64 { return t.UnixMicro() }

func toDBNullTime(t time.Time) *int64 {
	if t.IsZero() {
		return nil
	}
	return new(t.UnixMicro())
}

func fromDBTime(us int64) time.Time { return time.UnixMicro(us).UTC() }

func fromDBNullTime(us *int64) time.Time {
	if us == nil {
		return time.Time{}
	}
	return fromDBTime(*us)
}

// optional is NULL for a zero value.
func optional[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

// value is the zero value for NULL.
func value[T any](v *T) T {
	if v == nil {
		var zero T
		return zero
	}
	return *v
}

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

func fromDBPIN(row gen.PIN) pin.Record {
	return pin.Record{
		Holder: pin.Holder{
			Type: pin.HolderType(row.HolderType), Tenant: row.TenantID, Instance: row.InstanceID, ID: row.HolderID,
		},
		ID:               value(row.PINID),
		Hash:             value(row.Hash),
		PepperID:         value(row.PepperID),
		CreatedAt:        fromDBNullTime(row.CreatedAt),
		CountsFrom:       fromDBNullTime(row.CountsFrom),
		RemovedByRuntime: row.RemovedByRuntime,
		Failures:         int(row.Failures),
		LockedUntil:      fromDBNullTime(row.LockedUntil),
		Inactive:         row.Inactive,
		LockEpoch:        row.LockEpoch,
		Generation:       row.Generation,
		BucketEmptyAt:    fromDBNullTime(row.BucketEmptyAt),
		SetBy:            pin.SetBy(value(row.SetBy)),
		SetByPIN:         value(row.SetByPINID),
	}
}

func toDBPIN(r pin.Record) gen.SavePINParams {
	p := gen.SavePINParams{
		TenantID:         r.Holder.Tenant,
		HolderType:       string(r.Holder.Type),
		InstanceID:       r.Holder.Instance,
		HolderID:         r.Holder.ID,
		PINID:            optional(r.ID),
		Hash:             optional(r.Hash),
		CreatedAt:        toDBNullTime(r.CreatedAt),
		CountsFrom:       toDBNullTime(r.CountsFrom),
		RemovedByRuntime: r.RemovedByRuntime,
		Failures:         int64(r.Failures),
		LockedUntil:      toDBNullTime(r.LockedUntil),
		Inactive:         r.Inactive,
		LockEpoch:        r.LockEpoch,
		Generation:       r.Generation,
		BucketEmptyAt:    toDBNullTime(r.BucketEmptyAt),
		SetBy:            optional(string(r.SetBy)),
		SetByPINID:       optional(r.SetByPIN),
	}
	// Without a PIN no pepper is in use, whatever the record names.
	if r.ID != uuid.Nil {
		p.PepperID = optional(r.PepperID)
	}
	return p
}

func fromDBAttempt(row gen.PINAttempt) pin.Attempt {
	return pin.Attempt{
		ID: row.ID, SpentAt: fromDBTime(row.SpentAt),
		Holder: pin.Holder{
			Type: pin.HolderType(row.HolderType), Tenant: row.TenantID,
			Instance: row.HolderInstanceID, ID: row.HolderID,
		},
	}
}

func toDBAttempt(a pin.Attempt) gen.InsertAttemptParams {
	return gen.InsertAttemptParams{
		TenantID: a.Holder.Tenant, ID: a.ID, HolderType: string(a.Holder.Type),
		HolderInstanceID: a.Holder.Instance, HolderID: a.Holder.ID, SpentAt: toDBTime(a.SpentAt),
	}
}

func fromDBPolicy(row gen.PINPolicy) (policy.Policy, error) {
	p := policy.Policy{
		Tenant:            row.TenantID,
		Instance:          row.InstanceID,
		AppliesTo:         policy.AppliesTo(row.AppliesTo),
		SessionTTLMinutes: int(row.SessionTTLMinutes),
		MustBeOwn:         row.MustBeOwn,
		Channels:          policy.Channels(row.Channels),
		Version:           row.Version,
	}
	if err := json.Unmarshal([]byte(row.RequiredSkills), &p.RequiredSkills); err != nil {
		return policy.Policy{}, fmt.Errorf("sqlite: the skills of a policy: %w", err)
	}
	return p, nil
}

func toDBPolicy(p policy.Policy) (gen.SavePolicyParams, error) {
	skills, err := toDBStrings(p.RequiredSkills)
	return gen.SavePolicyParams{
		TenantID: p.Tenant, InstanceID: p.Instance, AppliesTo: string(p.AppliesTo),
		RequiredSkills: skills, SessionTTLMinutes: int64(p.SessionTTLMinutes), Version: p.Version,
		MustBeOwn: p.MustBeOwn, Channels: string(p.Channels),
	}, err
}

func fromDBFreeze(row gen.Freeze) policy.Freeze {
	return policy.Freeze{
		Scope: policy.Instance{Tenant: row.TenantID, ID: row.InstanceID}, Frozen: row.Frozen,
		Since: fromDBNullTime(row.Since), ByKind: auth.Kind(row.ByKind), ByID: row.ByID,
		Reason: row.Reason, Epoch: row.Epoch,
	}
}

func toDBFreeze(f policy.Freeze) gen.SaveFreezeParams {
	return gen.SaveFreezeParams{
		TenantID: f.Scope.Tenant, InstanceID: f.Scope.ID, Frozen: f.Frozen, Since: toDBNullTime(f.Since),
		ByKind: string(f.ByKind), ByID: f.ByID, Reason: f.Reason, Epoch: f.Epoch,
	}
}

// toDBStrings writes a list as a JSON array, never as null.
func toDBStrings[S ~string](list []S) (string, error) {
	if list == nil {
		list = []S{}
	}
	b, err := json.Marshal(list)
	if err != nil {
		return "", fmt.Errorf("sqlite: a list of strings: %w", err)
	}
	return string(b), nil
}

func fromDBSession(row gen.PINSession) confirmation.Session {
	return confirmation.Session{
		ID:       row.ID,
		Instance: row.InstanceID,
		Holder: pin.Holder{
			Type: pin.HolderType(row.HolderType), Tenant: row.TenantID, Instance: row.HolderInstanceID, ID: row.HolderID,
		},
		Role:      policy.Role(row.Role),
		PINID:     row.PINID,
		LockEpoch: row.LockEpoch,
		AuthTime:  fromDBTime(row.AuthTime),
		ByPage:    row.ByPage,
		TTL:       time.Duration(row.TTL) * time.Microsecond,

		FreezeEpoch: row.FreezeEpoch,
	}
}

func toDBSession(s confirmation.Session) gen.SaveSessionParams {
	return gen.SaveSessionParams{
		TenantID: s.Holder.Tenant, ID: s.ID, InstanceID: s.Instance, HolderType: string(s.Holder.Type),
		HolderInstanceID: s.Holder.Instance, HolderID: s.Holder.ID, Role: string(s.Role), PINID: s.PINID,
		LockEpoch: s.LockEpoch, AuthTime: toDBTime(s.AuthTime), TTL: s.TTL.Microseconds(),
		FreezeEpoch: s.FreezeEpoch, ByPage: s.ByPage,
	}
}

func fromDBConfirmation(row gen.Confirmation) confirmation.Confirmation {
	c := confirmation.Confirmation{
		ID: row.ID,
		Question: confirmation.Question{
			Holder: pin.Holder{
				Type: pin.HolderType(row.HolderType), Tenant: row.TenantID, Instance: row.HolderInstanceID, ID: row.HolderID,
			},
			Instance:       row.InstanceID,
			Role:           policy.Role(row.Role),
			Skill:          row.Skill,
			Lifetime:       time.Duration(row.Lifetime) * time.Microsecond,
			IdempotencyKey: value(row.IdempotencyKey),
			CallKey:        value(row.CallKey),
		},
		Status:       confirmation.Status(row.Status),
		Reason:       confirmation.Reason(row.Reason),
		CreatedAt:    fromDBTime(row.CreatedAt),
		ExpiresAt:    fromDBTime(row.ExpiresAt),
		EndedAt:      fromDBNullTime(row.EndedAt),
		Receipt:      row.Receipt,
		RedeemID:     value(row.RedeemID),
		PageTries:    int(row.PageTries),
		PageFailures: int(row.PageFailures),
		Outcome: confirmation.Outcome{
			Kind: confirmation.OutcomeKind(value(row.Outcome)), Detail: row.OutcomeDetail, At: fromDBNullTime(row.OutcomeAt),
		},
	}
	if row.ActionDigest != nil {
		c.Action = &confirmation.Action{
			Summary: value(row.ActionSummary), Params: row.ActionParams, Digest: value(row.ActionDigest),
		}
	}
	if row.ApprovedAt != nil {
		c.Approval = &confirmation.Approval{
			At:        fromDBNullTime(row.ApprovedAt),
			Attempt:   value(row.ApprovedAttemptID),
			PINID:     value(row.ApprovedPINID),
			LockEpoch: value(row.ApprovedLockEpoch),
			AuthTime:  fromDBNullTime(row.AuthTime),
			Session:   value(row.SessionID),

			FreezeEpoch: value(row.ApprovedFreezeEpoch),
			ByPage:      row.ApprovedByPage,
		}
	}
	return c
}

func fromDBOpenCounts(row gen.CountOpenConfirmationsRow) confirmation.OpenCounts {
	counts := confirmation.OpenCounts{Pending: int(row.Pending), Approved: int(row.Approved)}
	if row.Pending > 0 {
		counts.FirstPending = fromDBTime(row.FirstPending)
	}
	if row.Approved > 0 {
		counts.FirstApproved = fromDBTime(row.FirstApproved)
	}
	return counts
}

func toDBConfirmation(c confirmation.Confirmation) gen.InsertConfirmationParams {
	p := gen.InsertConfirmationParams{
		TenantID:         c.Holder.Tenant,
		InstanceID:       c.Instance,
		ID:               c.ID,
		HolderType:       string(c.Holder.Type),
		HolderInstanceID: c.Holder.Instance,
		HolderID:         c.Holder.ID,
		Role:             string(c.Role),
		Skill:            c.Skill,
		Lifetime:         c.Lifetime.Microseconds(),
		IdempotencyKey:   optional(c.IdempotencyKey),
		Status:           string(c.Status),
		Reason:           string(c.Reason),
		CreatedAt:        toDBTime(c.CreatedAt),
		ExpiresAt:        toDBTime(c.ExpiresAt),
		EndedAt:          toDBNullTime(c.EndedAt),
		Receipt:          c.Receipt,
		RedeemID:         optional(c.RedeemID),
		CallKey:          optional(c.CallKey),
		Outcome:          optional(string(c.Outcome.Kind)),
		OutcomeAt:        toDBNullTime(c.Outcome.At),
		OutcomeDetail:    c.Outcome.Detail,
		PageTries:        int64(c.PageTries),
		PageFailures:     int64(c.PageFailures),
	}
	if a := c.Action; a != nil {
		p.ActionSummary, p.ActionDigest = &a.Summary, &a.Digest
		// Nil would be NULL, and an action is whole or not there.
		p.ActionParams = append([]byte{}, a.Params...)
	}
	if a := c.Approval; a != nil {
		p.ApprovedAt, p.AuthTime = new(toDBTime(a.At)), new(toDBTime(a.AuthTime))
		p.ApprovedPINID, p.ApprovedLockEpoch = &a.PINID, &a.LockEpoch
		p.ApprovedFreezeEpoch = &a.FreezeEpoch
		p.ApprovedAttemptID, p.SessionID = optional(a.Attempt), optional(a.Session)
		p.ApprovedByPage = a.ByPage
	}
	return p
}

// toDBTransition holds what a transition may change.
func toDBTransition(c confirmation.Confirmation) gen.SaveConfirmationParams {
	p := toDBConfirmation(c)
	return gen.SaveConfirmationParams{
		TenantID: p.TenantID, InstanceID: p.InstanceID, ID: p.ID,
		Status: p.Status, Reason: p.Reason, ExpiresAt: p.ExpiresAt, EndedAt: p.EndedAt,
		ApprovedAt: p.ApprovedAt, ApprovedAttemptID: p.ApprovedAttemptID, ApprovedPINID: p.ApprovedPINID,
		ApprovedLockEpoch: p.ApprovedLockEpoch, ApprovedFreezeEpoch: p.ApprovedFreezeEpoch,
		AuthTime: p.AuthTime, SessionID: p.SessionID,
		Receipt: p.Receipt, RedeemID: p.RedeemID,
		PageTries: p.PageTries, PageFailures: p.PageFailures, ApprovedByPage: p.ApprovedByPage,
	}
}

func fromDBAPIKey(row gen.APIKey) (auth.APIKey, error) {
	k := auth.APIKey{
		ID:        row.ID,
		Kind:      auth.Kind(row.Kind),
		Tenant:    row.TenantID,
		Instance:  row.InstanceID,
		Name:      row.Name,
		CreatedAt: fromDBTime(row.CreatedAt),
		ExpiresAt: fromDBNullTime(row.ExpiresAt),
		RevokedAt: fromDBNullTime(row.RevokedAt),

		CreatedByKind: auth.Kind(row.CreatedByKind),
		CreatedBy:     row.CreatedBy,
		Depth:         int(row.Depth),
		LastUsedAt:    fromDBNullTime(row.LastUsedAt),
	}
	copy(k.Hash[:], row.Hash)
	if err := json.Unmarshal([]byte(row.Scopes), &k.Scopes); err != nil {
		return auth.APIKey{}, fmt.Errorf("sqlite: the scopes of a key: %w", err)
	}
	return k, nil
}

func toDBAPIKey(k auth.APIKey) (gen.InsertAPIKeyParams, error) {
	scopes, err := toDBStrings(k.Scopes)
	return gen.InsertAPIKeyParams{
		TenantID: k.Tenant, ID: k.ID, Kind: string(k.Kind), Hash: k.Hash[:], InstanceID: k.Instance,
		Scopes: scopes, Name: k.Name, CreatedAt: toDBTime(k.CreatedAt),
		ExpiresAt: toDBNullTime(k.ExpiresAt), RevokedAt: toDBNullTime(k.RevokedAt),
		CreatedByKind: string(k.CreatedByKind), CreatedBy: k.CreatedBy, Depth: int64(k.Depth),
		LastUsedAt: toDBNullTime(k.LastUsedAt),
	}, err
}

func toDBEvent(e audit.Event) (gen.AppendEventParams, error) {
	leaf, err := e.Leaf()
	if err != nil {
		return gen.AppendEventParams{}, err
	}
	p := gen.AppendEventParams{
		TenantID: e.Tenant, ID: e.ID, OccurredAt: toDBTime(e.Time), Type: string(e.Details.Type()),
		ActorKind: string(e.Actor.Kind), ActorID: e.Actor.ID,
		InstanceID: optional(e.Instance), ConfirmationID: optional(e.Confirmation), Leaf: leaf,
	}
	if e.Holder.Type != "" {
		p.HolderType = new(string(e.Holder.Type))
		p.HolderInstanceID, p.HolderID = &e.Holder.Instance, &e.Holder.ID
	}
	return p, nil
}

// infallible gives a conversion that cannot fail the form of one that may.
func infallible[A, B any](fn func(A) B) func(A) (B, error) {
	return func(a A) (B, error) { return fn(a), nil }
}

func convert[A, B any](from []A, fn func(A) (B, error)) ([]B, error) {
	to := make([]B, 0, len(from))
	for _, a := range from {
		b, err := fn(a)
		if err != nil {
			return nil, err
		}
		to = append(to, b)
	}
	return to, nil
}
