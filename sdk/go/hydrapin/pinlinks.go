package hydrapin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/sdk/go/hydrapin/internal/client"
)

// PINLink is a link with which a person chooses their PIN, once.
type PINLink struct {
	ID        uuid.UUID
	URL       LinkURL
	ExpiresAt time.Time
}

// CreateCustomerPINLink creates a link with which a customer chooses their PIN, and ends the one
// that was created before. It lives for expiresIn, 5 minutes to 7 days in whole seconds; 0 stands
// for the server's default of 24 hours. The PIN counts as one that an admin set: it lifts a lock or
// deactivation. Send the link to the person through a channel of your own, see [LinkURL].
func (a *Admin) CreateCustomerPINLink(ctx context.Context, customer uuid.UUID, expiresIn time.Duration) (PINLink, error) {
	return a.c.createPINLink(ctx, call{op: client.OpCreateCustomerPinLink, at: ids(customer)}, expiresIn)
}

// EndCustomerPINLinks ends the live links of a customer. It also succeeds if there are none.
func (a *Admin) EndCustomerPINLinks(ctx context.Context, customer uuid.UUID) error {
	return a.c.nothing(ctx, call{op: client.OpEndCustomerPinLinks, at: ids(customer)})
}

// CreateIdentityPINLink is [Admin.CreateCustomerPINLink] for a channel identity of an instance.
func (a *Admin) CreateIdentityPINLink(ctx context.Context, instance, identity uuid.UUID, expiresIn time.Duration) (PINLink, error) {
	return a.c.createPINLink(ctx, call{op: client.OpCreateIdentityPinLink, at: ids(instance, identity)}, expiresIn)
}

// EndIdentityPINLinks ends the live links of a channel identity, those of the runtime included. It
// also succeeds if there are none.
func (a *Admin) EndIdentityPINLinks(ctx context.Context, instance, identity uuid.UUID) error {
	return a.c.nothing(ctx, call{op: client.OpEndIdentityPinLinks, at: ids(instance, identity)})
}

// CreatePINLink creates a link with which a channel identity chooses its PIN, and ends the one that
// the runtime created before. It lives for expiresIn, 1 to 60 minutes in whole seconds; 0 stands for
// the server's default of 15 minutes. If a PIN is set, the person must enter it too. Send the link to
// the person through a channel of your own, see [LinkURL].
func (r *Runtime) CreatePINLink(ctx context.Context, identity uuid.UUID, expiresIn time.Duration) (PINLink, error) {
	return r.c.createPINLink(ctx, call{op: client.OpRuntimeCreatePinLink, at: ids(r.instance, identity)}, expiresIn)
}

// EndPINLinks ends the live links that the runtime created. It also succeeds if there are none.
func (r *Runtime) EndPINLinks(ctx context.Context, identity uuid.UUID) error {
	return r.c.nothing(ctx, call{op: client.OpRuntimeEndPinLinks, at: ids(r.instance, identity)})
}

func (c *connection) createPINLink(ctx context.Context, k call, expiresIn time.Duration) (PINLink, error) {
	var create client.CreatePinLink // on the wire the same for admins and runtimes
	if expiresIn != 0 {
		if expiresIn%time.Second != 0 {
			return PINLink{}, fmt.Errorf("%w: expiresIn must be in whole seconds", ErrArgument)
		}
		seconds := int(expiresIn / time.Second)
		create.ExpiresInSeconds = &seconds
	}
	var err error
	if k.body, err = encode(create); err != nil {
		return PINLink{}, err
	}
	return read(ctx, c, k, fromPINLink)
}

func fromPINLink(w client.PinLink) (PINLink, error) {
	if w.Url == "" {
		return PINLink{}, errors.New("a link without an address")
	}
	return PINLink{ID: w.Id, URL: LinkURL{hide(w.Url)}, ExpiresAt: w.ExpiresAt}, nil
}
