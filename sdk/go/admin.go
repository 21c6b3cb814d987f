package hydrapin

import (
	"bytes"
	"context"
	"fmt"
	"net/http"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/gen/client"
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
	return a.c.pinStatus(ctx, call{
		operation: "getCustomerPinStatus", repeatable: true,
		send: func(ctx context.Context) (*http.Response, error) { return a.c.api.GetCustomerPinStatus(ctx, customer) },
	})
}

// SetCustomerPIN sets a customer's PIN, or replaces it. A lock or deactivation is lifted, and all
// sessions and all pending or approved confirmations of the customer end. A PIN that the server
// does not accept is a [ValidationError].
func (a *Admin) SetCustomerPIN(ctx context.Context, customer uuid.UUID, pin PIN) (PINStatus, error) {
	body, err := encode(client.SetPin{Pin: pin.secret.value()})
	if err != nil {
		return PINStatus{}, err
	}
	return a.c.pinStatus(ctx, call{operation: "setCustomerPin", send: func(ctx context.Context) (*http.Response, error) {
		return a.c.api.SetCustomerPinWithBody(ctx, customer, mediaType, bytes.NewReader(body))
	}})
}

// RemoveCustomerPIN removes a customer's PIN. All sessions and all pending or approved
// confirmations of the customer end. It also succeeds if the customer has no PIN.
func (a *Admin) RemoveCustomerPIN(ctx context.Context, customer uuid.UUID) error {
	return a.c.nothing(ctx, call{operation: "removeCustomerPin", send: func(ctx context.Context) (*http.Response, error) {
		return a.c.api.RemoveCustomerPin(ctx, customer)
	}})
}

// UnlockCustomerPIN lifts a lock or deactivation and clears the incorrect attempts. The PIN does
// not change.
func (a *Admin) UnlockCustomerPIN(ctx context.Context, customer uuid.UUID) (PINStatus, error) {
	return a.c.pinStatus(ctx, call{operation: "unlockCustomerPin", send: func(ctx context.Context) (*http.Response, error) {
		return a.c.api.UnlockCustomerPin(ctx, customer)
	}})
}

// IdentityPIN returns the status of the PIN of a channel identity of an instance.
func (a *Admin) IdentityPIN(ctx context.Context, instance, identity uuid.UUID) (PINStatus, error) {
	return a.c.pinStatus(ctx, call{
		operation: "getIdentityPinStatus", repeatable: true,
		send: func(ctx context.Context) (*http.Response, error) {
			return a.c.api.GetIdentityPinStatus(ctx, instance, identity)
		},
	})
}

// RemoveIdentityPIN removes the PIN of a channel identity with its attempts, its lock and its
// cooling-off period. It also succeeds if the identity has no PIN.
func (a *Admin) RemoveIdentityPIN(ctx context.Context, instance, identity uuid.UUID) error {
	return a.c.nothing(ctx, call{operation: "removeIdentityPin", send: func(ctx context.Context) (*http.Response, error) {
		return a.c.api.RemoveIdentityPin(ctx, instance, identity)
	}})
}

// UnlockIdentityPIN lifts a lock or deactivation of an identity's PIN and ends its cooling-off
// period. The PIN does not change.
func (a *Admin) UnlockIdentityPIN(ctx context.Context, instance, identity uuid.UUID) (PINStatus, error) {
	return a.c.pinStatus(ctx, call{operation: "unlockIdentityPin", send: func(ctx context.Context) (*http.Response, error) {
		return a.c.api.UnlockIdentityPin(ctx, instance, identity)
	}})
}

// MyPIN returns the status of the PIN of the customer whose token is the credential. With an API
// key, or the token of a user who is not a customer, it returns [ErrForbidden].
func (a *Admin) MyPIN(ctx context.Context) (PINStatus, error) {
	return a.c.pinStatus(ctx, call{
		operation: "getMyPinStatus", repeatable: true,
		send: func(ctx context.Context) (*http.Response, error) { return a.c.api.GetMyPinStatus(ctx) },
	})
}

// Policy returns the policy of an instance, or the defaults if none is stored.
func (a *Admin) Policy(ctx context.Context, instance uuid.UUID) (Policy, error) {
	return a.c.policy(ctx, instance, call{
		operation: "getPinPolicy", repeatable: true,
		send: func(ctx context.Context) (*http.Response, error) { return a.c.api.GetPinPolicy(ctx, instance, nil) },
	})
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
	params := &client.UpdatePinPolicyParams{}
	if u.IfMatch != "" {
		params.IfMatch = &u.IfMatch
	}
	return a.c.policy(ctx, instance, call{operation: "updatePinPolicy", send: func(ctx context.Context) (*http.Response, error) {
		return a.c.api.UpdatePinPolicyWithBody(ctx, instance, params, mediaType, bytes.NewReader(body))
	}})
}

func (c *connection) pinStatus(ctx context.Context, k call) (PINStatus, error) {
	k.want = []int{http.StatusOK}
	a, err := c.do(ctx, k)
	if err != nil {
		return PINStatus{}, err
	}
	return read(k.operation, a, fromPINStatus)
}

func (c *connection) policy(ctx context.Context, instance uuid.UUID, k call) (Policy, error) {
	k.want = []int{http.StatusOK}
	a, err := c.do(ctx, k)
	if err != nil {
		return Policy{}, err
	}
	p, err := read(k.operation, a, fromPolicy(a.header.Get("ETag")))
	if err == nil && p.Instance != instance {
		return Policy{}, fmt.Errorf("hydrapin: %s: %w: of another instance", k.operation, ErrUnexpectedAnswer)
	}
	return p, err
}

func (c *connection) nothing(ctx context.Context, k call) error {
	k.want = []int{http.StatusNoContent}
	_, err := c.do(ctx, k)
	return err
}
