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

func fromDBPIN(row gen.PIN) pin.Record {
	return pin.Record{
		Holder: pin.Holder{
			Type: pin.HolderType(row.HolderType), Tenant: row.TenantID, Instance: row.InstanceID, ID: row.HolderID,
		},
		ID:               value(row.PINID),
		Hash:             value(row.Hash),
		CreatedAt:        fromDBNullTime(row.CreatedAt),
		CountsFrom:       fromDBNullTime(row.CountsFrom),
		RemovedByRuntime: row.RemovedByRuntime,
		Failures:         int(row.Failures),
		LockedUntil:      fromDBNullTime(row.LockedUntil),
		Inactive:         row.Inactive,
		LockEpoch:        row.LockEpoch,
		BucketEmptyAt:    fromDBNullTime(row.BucketEmptyAt),
	}
}

func toDBPIN(r pin.Record, pepperID string) gen.SavePinParams {
	p := gen.SavePinParams{
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
		BucketEmptyAt:    toDBNullTime(r.BucketEmptyAt),
	}
	// Without a PIN no pepper is in use, whatever the caller names.
	if r.ID != uuid.Nil {
		p.PepperID = optional(pepperID)
	}
	return p
}

func fromDBPolicy(row gen.PINPolicy) (policy.Policy, error) {
	p := policy.Policy{
		Tenant:            row.TenantID,
		Instance:          row.InstanceID,
		AppliesTo:         policy.AppliesTo(row.AppliesTo),
		SessionTTLMinutes: int(row.SessionTTLMinutes),
		Version:           row.Version,
	}
	if err := json.Unmarshal([]byte(row.RequiredSkills), &p.RequiredSkills); err != nil {
		return policy.Policy{}, fmt.Errorf("sqlite: the skills of a policy: %w", err)
	}
	return p, nil
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
		TTL:       time.Duration(row.TTLUs) * time.Microsecond,
	}
}

func fromDBSessions(rows []gen.PINSession) []confirmation.Session {
	sessions := make([]confirmation.Session, len(rows))
	for i, row := range rows {
		sessions[i] = fromDBSession(row)
	}
	return sessions
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
			Lifetime:       time.Duration(row.LifetimeUs) * time.Microsecond,
			IdempotencyKey: value(row.IdempotencyKey),
		},
		Status:    confirmation.Status(row.Status),
		Reason:    confirmation.Reason(row.Reason),
		CreatedAt: fromDBTime(row.CreatedAt),
		ExpiresAt: fromDBTime(row.ExpiresAt),
		EndedAt:   fromDBNullTime(row.EndedAt),
		Receipt:   row.Receipt,
	}
	if row.ActionDigest != nil {
		c.Action = &confirmation.Action{
			Summary: value(row.ActionSummary), Params: row.ActionParams, Digest: value(row.ActionDigest),
		}
	}
	if row.ApprovedAt != nil {
		c.Approval = &confirmation.Approval{
			At:        fromDBNullTime(row.ApprovedAt),
			PINID:     value(row.ApprovedPINID),
			LockEpoch: value(row.ApprovedLockEpoch),
			AuthTime:  fromDBNullTime(row.AuthTime),
			Session:   value(row.SessionID),
		}
	}
	return c
}

func fromDBConfirmations(rows []gen.Confirmation) []confirmation.Confirmation {
	list := make([]confirmation.Confirmation, len(rows))
	for i, row := range rows {
		list[i] = fromDBConfirmation(row)
	}
	return list
}

func toDBNewConfirmation(c confirmation.Confirmation) gen.InsertConfirmationParams {
	p := gen.InsertConfirmationParams{
		TenantID:         c.Holder.Tenant,
		InstanceID:       c.Instance,
		ID:               c.ID,
		HolderType:       string(c.Holder.Type),
		HolderInstanceID: c.Holder.Instance,
		HolderID:         c.Holder.ID,
		Role:             string(c.Role),
		Skill:            c.Skill,
		LifetimeUs:       c.Lifetime.Microseconds(),
		IdempotencyKey:   optional(c.IdempotencyKey),
		Status:           string(c.Status),
		Reason:           string(c.Reason),
		CreatedAt:        toDBTime(c.CreatedAt),
		ExpiresAt:        toDBTime(c.ExpiresAt),
		EndedAt:          toDBNullTime(c.EndedAt),
		Receipt:          c.Receipt,
	}
	if a := c.Action; a != nil {
		p.ActionSummary, p.ActionDigest = &a.Summary, &a.Digest
		// Nil would be NULL, and an action is whole or not there.
		p.ActionParams = append([]byte{}, a.Params...)
	}
	if a := c.Approval; a != nil {
		p.ApprovedAt, p.AuthTime = new(toDBTime(a.At)), new(toDBTime(a.AuthTime))
		p.ApprovedPINID, p.ApprovedLockEpoch = &a.PINID, &a.LockEpoch
		p.SessionID = optional(a.Session)
	}
	return p
}

// toDBConfirmation holds what a transition may change.
func toDBConfirmation(c confirmation.Confirmation) gen.UpdateConfirmationParams {
	p := toDBNewConfirmation(c)
	return gen.UpdateConfirmationParams{
		TenantID:          p.TenantID,
		InstanceID:        p.InstanceID,
		ID:                p.ID,
		Status:            p.Status,
		Reason:            p.Reason,
		ExpiresAt:         p.ExpiresAt,
		EndedAt:           p.EndedAt,
		ApprovedAt:        p.ApprovedAt,
		ApprovedPINID:     p.ApprovedPINID,
		ApprovedLockEpoch: p.ApprovedLockEpoch,
		AuthTime:          p.AuthTime,
		SessionID:         p.SessionID,
		Receipt:           p.Receipt,
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
	}
	copy(k.Hash[:], row.Hash)
	if err := json.Unmarshal([]byte(row.Scopes), &k.Scopes); err != nil {
		return auth.APIKey{}, fmt.Errorf("sqlite: the scopes of a key: %w", err)
	}
	return k, nil
}

func fromDBAPIKeys(rows []gen.APIKey) ([]auth.APIKey, error) {
	keys := make([]auth.APIKey, len(rows))
	for i, row := range rows {
		k, err := fromDBAPIKey(row)
		if err != nil {
			return nil, err
		}
		keys[i] = k
	}
	return keys, nil
}

func fromDBEvent(row gen.PINEvent) (audit.Event, error) {
	e := audit.Event{
		Seq:          row.Seq,
		Time:         fromDBTime(row.Time),
		Tenant:       row.TenantID,
		Type:         audit.Type(row.Type),
		Actor:        audit.Actor{Kind: auth.Kind(row.ActorKind), ID: row.ActorID},
		Instance:     value(row.InstanceID),
		Confirmation: value(row.ConfirmationID),
		RequestID:    row.RequestID,
		Peer:         row.Peer,
	}
	if row.HolderType != nil {
		e.Holder = pin.Holder{
			Type: pin.HolderType(*row.HolderType), Tenant: row.TenantID,
			Instance: value(row.HolderInstanceID), ID: value(row.HolderID),
		}
	}
	if row.Details != nil {
		if err := json.Unmarshal([]byte(*row.Details), &e.Details); err != nil {
			return audit.Event{}, fmt.Errorf("sqlite: the details of an event: %w", err)
		}
	}
	return e, nil
}

func toDBEvent(e audit.Event) (gen.InsertEventParams, error) {
	p := gen.InsertEventParams{
		TenantID:       e.Tenant,
		Time:           toDBTime(e.Time),
		Type:           string(e.Type),
		ActorKind:      string(e.Actor.Kind),
		ActorID:        e.Actor.ID,
		InstanceID:     optional(e.Instance),
		ConfirmationID: optional(e.Confirmation),
		RequestID:      e.RequestID,
		Peer:           e.Peer,
	}
	if e.Holder != (pin.Holder{}) {
		p.HolderType = new(string(e.Holder.Type))
		p.HolderInstanceID, p.HolderID = &e.Holder.Instance, &e.Holder.ID
	}
	if e.Details != nil {
		b, err := json.Marshal(e.Details)
		if err != nil {
			return gen.InsertEventParams{}, fmt.Errorf("sqlite: the details of an event: %w", err)
		}
		p.Details = new(string(b))
	}
	return p, nil
}
