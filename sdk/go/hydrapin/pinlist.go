package hydrapin

import (
	"context"
	"errors"
	"iter"
	"net/url"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/sdk/go/hydrapin/internal/client"
)

// DeactivateCustomerPIN deactivates a customer's PIN as too many incorrect attempts do: sessions and
// PIN links end, and what was approved before is not redeemed. It lasts until an unlock, or until an
// admin sets another PIN. Without a PIN, the runtime can set none until then.
func (a *Admin) DeactivateCustomerPIN(ctx context.Context, customer uuid.UUID) (PINStatus, error) {
	return a.c.pinStatus(ctx, call{op: client.OpDeactivateCustomerPin, at: ids(customer)})
}

// DeactivateIdentityPIN is [Admin.DeactivateCustomerPIN] for a channel identity of an instance.
func (a *Admin) DeactivateIdentityPIN(ctx context.Context, instance, identity uuid.UUID) (PINStatus, error) {
	return a.c.pinStatus(ctx, call{op: client.OpDeactivateIdentityPin, at: ids(instance, identity)})
}

// PINState is what a list of holders can be narrowed to.
type PINState string

// The states. A PIN that is locked is not active.
const (
	PINActive   PINState = "active"
	PINLocked   PINState = "locked"
	PINInactive PINState = "inactive"
	PINNone     PINState = "none"
)

// PINFilter narrows a list of holders. What is zero narrows nothing.
type PINFilter struct {
	State PINState
	SetBy SetBy
	// HolderType is "customer" or "identity".
	HolderType string
	// Instance is that of channel identities.
	Instance uuid.UUID
}

// HolderPIN is a holder and the status of their PIN.
type HolderPIN struct {
	// HolderType is "customer" or "identity". Customer is the id of a customer; Instance and
	// Identity are those of a channel identity.
	HolderType                   string
	Customer, Instance, Identity uuid.UUID
	PINStatus
}

// PINs iterates over the holders of the tenant: customers in the order of their ids, then the
// channel identities of each instance. A list reaches its first 10,000 entries.
func (a *Admin) PINs(ctx context.Context, f PINFilter) iter.Seq2[HolderPIN, error] {
	query := url.Values{}
	for name, value := range map[string]string{
		"status": string(f.State), "set_by": string(f.SetBy), "holder_type": f.HolderType,
	} {
		if value != "" {
			query.Set(name, value)
		}
	}
	if f.Instance != uuid.Nil {
		query.Set("instance_id", f.Instance.String())
	}
	return numbered(query, func(query url.Values) ([]HolderPIN, int, error) {
		pages := 0
		holders, err := read(ctx, a.c, call{op: client.OpListPins, query: query}, func(w client.PinList) ([]HolderPIN, error) {
			pages = w.TotalPages
			holders := make([]HolderPIN, len(w.Pins))
			for i, pin := range w.Pins {
				var err error
				if holders[i], err = fromHolderPIN(pin); err != nil {
					return nil, err
				}
			}
			return holders, nil
		})
		return holders, pages, err
	})
}

func fromHolderPIN(w client.HolderPin) (HolderPIN, error) {
	h := HolderPIN{HolderType: string(w.HolderType), PINStatus: PINStatus{
		HasPIN: w.HasPin, Active: w.IsActive, Locked: w.IsLocked,
		LockedUntil: timeOf(w.LockedUntil), CreatedAt: timeOf(w.CreatedAt), SetBy: SetBy(valueOf((*string)(w.SetBy))),
	}}
	switch {
	case w.HolderType == client.HolderTypeCustomer && w.CustomerId != nil:
		h.Customer = *w.CustomerId
	case w.HolderType == client.HolderTypeIdentity && w.InstanceId != nil && w.IdentityId != nil:
		h.Instance, h.Identity = *w.InstanceId, *w.IdentityId
	default:
		return HolderPIN{}, errors.New("a holder that cannot be")
	}
	return h, nil
}
