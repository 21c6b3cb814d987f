package hydrapin

import (
	"context"
	"errors"
	"net/http"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/sdk/go/hydrapin/internal/client"
)

// Admin is the client for a tenant's dashboard or back end: it sets customers' PINs and the policy
// of each instance. An operation that the credential does not allow returns [ErrForbidden].
type Admin struct{ c *connection }

// NewAdmin returns an Admin for the server at baseURL (which may have a path prefix). It
// authenticates with an API key or with a user's tokens:
//
//	hydrapin.NewAdmin("https://pin.example.com", hydrapin.NewKey(os.Getenv("HYDRAPIN_KEY")))
//	hydrapin.NewAdmin("https://pin.example.com", hydrapin.TokenSource(session.Token))
//
// It returns [ErrConfig] if an argument is not valid. It sends no request.
func NewAdmin(baseURL string, credential Credential, options ...Option) (*Admin, error) {
	c, err := connect(baseURL, credential, options)
	if err != nil {
		return nil, err
	}
	return &Admin{c}, nil
}

// CustomerPIN returns the status of a customer's PIN. A customer whom the server has never seen has
// the status of a customer without a PIN.
func (a *Admin) CustomerPIN(ctx context.Context, customer uuid.UUID) (PINStatus, error) {
	return a.c.pinStatus(ctx, call{op: client.OpGetCustomerPinStatus, at: ids(customer)})
}

// SetCustomerPIN sets a customer's PIN, or replaces it. A lock or deactivation is lifted, and all
// sessions and all pending or approved confirmations of the customer end. A PIN that the server
// does not accept is a [ValidationError].
func (a *Admin) SetCustomerPIN(ctx context.Context, customer uuid.UUID, pin PIN) (PINStatus, error) {
	body, err := encode(client.SetPin{Pin: pin.secret.value()})
	if err != nil {
		return PINStatus{}, err
	}
	return a.c.pinStatus(ctx, call{op: client.OpSetCustomerPin, at: ids(customer), body: body})
}

// RemoveCustomerPIN removes a customer's PIN. All sessions and all pending or approved
// confirmations of the customer end. It also succeeds if the customer has no PIN.
func (a *Admin) RemoveCustomerPIN(ctx context.Context, customer uuid.UUID) error {
	return a.c.nothing(ctx, call{op: client.OpRemoveCustomerPin, at: ids(customer)})
}

// UnlockCustomerPIN lifts a lock or deactivation and clears the incorrect attempts. The PIN does
// not change.
func (a *Admin) UnlockCustomerPIN(ctx context.Context, customer uuid.UUID) (PINStatus, error) {
	return a.c.pinStatus(ctx, call{op: client.OpUnlockCustomerPin, at: ids(customer)})
}

// IdentityPIN returns the status of the PIN of a channel identity of an instance.
func (a *Admin) IdentityPIN(ctx context.Context, instance, identity uuid.UUID) (PINStatus, error) {
	return a.c.pinStatus(ctx, call{op: client.OpGetIdentityPinStatus, at: ids(instance, identity)})
}

// RemoveIdentityPIN removes the PIN of a channel identity with its attempts, its lock and its
// cooling-off period. It also succeeds if the identity has no PIN.
func (a *Admin) RemoveIdentityPIN(ctx context.Context, instance, identity uuid.UUID) error {
	return a.c.nothing(ctx, call{op: client.OpRemoveIdentityPin, at: ids(instance, identity)})
}

// UnlockIdentityPIN lifts a lock or deactivation of an identity's PIN and ends its cooling-off
// period. The PIN does not change.
func (a *Admin) UnlockIdentityPIN(ctx context.Context, instance, identity uuid.UUID) (PINStatus, error) {
	return a.c.pinStatus(ctx, call{op: client.OpUnlockIdentityPin, at: ids(instance, identity)})
}

// MyPIN returns the status of the PIN of the customer whose token is the credential. With an API
// key, or the token of a user who is not a customer, it returns [ErrForbidden].
func (a *Admin) MyPIN(ctx context.Context) (PINStatus, error) {
	return a.c.pinStatus(ctx, call{op: client.OpGetMyPinStatus})
}

// SetMyPIN replaces the PIN of the customer whose token is the credential. Checking the current PIN
// costs an attempt: [WrongPINError], [LockedError]. Without a PIN it returns [ErrPINNotSet], unless
// the server allows customers to set their first one: then current is the zero PIN.
func (a *Admin) SetMyPIN(ctx context.Context, current, pin PIN) (PINStatus, error) {
	set := client.SetMyPin{Pin: pin.secret.value()}
	if entered := current.secret.value(); entered != "" {
		set.CurrentPin = &entered
	}
	body, err := encode(set)
	if err != nil {
		return PINStatus{}, err
	}
	return a.c.pinStatus(ctx, call{op: client.OpSetMyPin, body: body})
}

// Policy returns the policy of an instance, or the defaults if none is stored.
func (a *Admin) Policy(ctx context.Context, instance uuid.UUID) (Policy, error) {
	return a.c.policy(ctx, instance, call{op: client.OpGetPinPolicy, at: ids(instance)})
}

// UpdatePolicy changes the fields that are set, and returns the policy after the update.
func (a *Admin) UpdatePolicy(ctx context.Context, instance uuid.UUID, u PolicyUpdate) (Policy, error) {
	wire, err := u.wire()
	if err != nil {
		return Policy{}, err
	}
	body, err := encode(wire)
	if err != nil {
		return Policy{}, err
	}
	header := http.Header{}
	if u.IfMatch != "" {
		header.Set("If-Match", u.IfMatch)
	}
	return a.c.policy(ctx, instance, call{op: client.OpUpdatePinPolicy, at: ids(instance), header: header, body: body})
}

// TenantFreeze says whether the tenant is frozen.
func (a *Admin) TenantFreeze(ctx context.Context) (Freeze, error) {
	return read(ctx, a.c, call{op: client.OpGetTenantFreeze}, fromFreeze)
}

// FreezeTenant stops everything that a PIN protects in the whole tenant, at once: questions are
// blocked, nothing is verified or redeemed, approvals are declined and sessions end. The reason is
// for people, and may be "".
func (a *Admin) FreezeTenant(ctx context.Context, reason string) (Freeze, error) {
	return a.freeze(ctx, call{op: client.OpSetTenantFreeze}, reason)
}

// LiftTenantFreeze lifts the freeze of the tenant. What it ended stays ended. It also succeeds if
// there is none; a freeze by an admin's token needs an admin's token.
func (a *Admin) LiftTenantFreeze(ctx context.Context) error {
	return a.c.nothing(ctx, call{op: client.OpLiftTenantFreeze})
}

// InstanceFreeze says whether an instance is frozen.
func (a *Admin) InstanceFreeze(ctx context.Context, instance uuid.UUID) (Freeze, error) {
	return read(ctx, a.c, call{op: client.OpGetInstanceFreeze, at: ids(instance)}, fromFreeze)
}

// FreezeInstance is [Admin.FreezeTenant] for one instance.
func (a *Admin) FreezeInstance(ctx context.Context, instance uuid.UUID, reason string) (Freeze, error) {
	return a.freeze(ctx, call{op: client.OpSetInstanceFreeze, at: ids(instance)}, reason)
}

// LiftInstanceFreeze lifts the freeze of an instance, as [Admin.LiftTenantFreeze] does.
func (a *Admin) LiftInstanceFreeze(ctx context.Context, instance uuid.UUID) error {
	return a.c.nothing(ctx, call{op: client.OpLiftInstanceFreeze, at: ids(instance)})
}

func (a *Admin) freeze(ctx context.Context, k call, reason string) (Freeze, error) {
	var set client.SetFreeze
	if reason != "" {
		set.Reason = &reason
	}
	var err error
	if k.body, err = encode(set); err != nil {
		return Freeze{}, err
	}
	return read(ctx, a.c, k, fromFreeze)
}

func (c *connection) pinStatus(ctx context.Context, k call) (PINStatus, error) {
	return read(ctx, c, k, fromPINStatus)
}

func (c *connection) policy(ctx context.Context, instance uuid.UUID, k call) (Policy, error) {
	p, header, err := readWithHeader(ctx, c, k, fromPolicy)
	if err != nil {
		return Policy{}, err
	}
	// Without a version, an update that was meant for this one would overwrite any.
	if p.ETag = header.Get("ETag"); p.ETag == "" {
		return Policy{}, unexpected(k, errors.New("no ETag"))
	}
	if p.Instance != instance {
		return Policy{}, unexpected(k, errors.New("of another instance"))
	}
	return p, nil
}
