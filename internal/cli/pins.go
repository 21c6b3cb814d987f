package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/sdk/go/hydrapin"
)

type pins struct {
	List       pinsList       `cmd:"" help:"List who has a PIN, and who is locked."`
	Status     pinsStatus     `cmd:"" help:"Show the state of a PIN."`
	Unlock     pinsUnlock     `cmd:"" help:"Lift a lock or deactivation; the PIN stays."`
	Deactivate pinsDeactivate `cmd:"" help:"Deactivate a PIN until it is unlocked or replaced."`
	Link       pinsLink       `cmd:"" help:"Create a link with which a person chooses their PIN."`
}

// holder is the flags that name a holder.
type holder struct {
	Customer *id `placeholder:"UUID" help:"The customer."`
	Instance *id `placeholder:"UUID" help:"The agent instance of a channel identity."`
	Identity *id `placeholder:"UUID" help:"The channel identity of that instance."`
}

// check returns the ids: of a customer, or of an instance and an identity.
func (h holder) check() (customer, instance, identity uuid.UUID, err error) {
	switch {
	case h.Customer != nil && h.Instance == nil && h.Identity == nil:
		return h.Customer.UUID, uuid.Nil, uuid.Nil, nil
	case h.Customer == nil && h.Instance != nil && h.Identity != nil:
		return uuid.Nil, h.Instance.UUID, h.Identity.UUID, nil
	}
	return uuid.Nil, uuid.Nil, uuid.Nil, usage("name the holder: either --customer, or --instance with --identity")
}

// run calls the operation of a customer or the one of an identity, and prints the status.
func (h holder) run(
	a *app, asJSON bool,
	ofCustomer func(c *hydrapin.Admin, customer uuid.UUID) (hydrapin.PINStatus, error),
	ofIdentity func(c *hydrapin.Admin, instance, identity uuid.UUID) (hydrapin.PINStatus, error),
) error {
	customer, instance, identity, err := h.check()
	if err != nil {
		return err
	}
	c, err := a.client()
	if err != nil {
		return err
	}
	held := hydrapin.HolderPIN{HolderType: "customer", Customer: customer}
	if customer != uuid.Nil {
		held.PINStatus, err = ofCustomer(c, customer)
	} else {
		held.HolderType, held.Instance, held.Identity = "identity", instance, identity
		held.PINStatus, err = ofIdentity(c, instance, identity)
	}
	if err != nil {
		return explain(err)
	}
	listed := toListedPIN(held)
	if asJSON {
		return a.printJSON(listed)
	}
	return a.printPINs([]listedPIN{listed})
}

// listedPIN is a holder as list prints it.
type listedPIN struct {
	HolderType  string     `json:"holder_type"`
	CustomerID  *uuid.UUID `json:"customer_id"`
	InstanceID  *uuid.UUID `json:"instance_id"`
	IdentityID  *uuid.UUID `json:"identity_id"`
	HasPIN      bool       `json:"has_pin"`
	IsActive    bool       `json:"is_active"`
	IsLocked    bool       `json:"is_locked"`
	LockedUntil *string    `json:"locked_until"`
	CreatedAt   *string    `json:"created_at"`
	SetBy       *string    `json:"set_by"`
}

func toListedPIN(h hydrapin.HolderPIN) listedPIN {
	l := listedPIN{
		HolderType: h.HolderType, CustomerID: idOrNil(h.Customer), InstanceID: idOrNil(h.Instance), IdentityID: idOrNil(h.Identity),
		HasPIN: h.HasPIN, IsActive: h.Active, IsLocked: h.Locked,
		LockedUntil: stampOrNil(h.LockedUntil), CreatedAt: stampOrNil(h.CreatedAt),
	}
	if h.SetBy != "" {
		l.SetBy = (*string)(&h.SetBy)
	}
	return l
}

func idOrNil(id uuid.UUID) *uuid.UUID {
	if id == uuid.Nil {
		return nil
	}
	return &id
}

func idText(id *uuid.UUID) string {
	if id == nil {
		return ""
	}
	return id.String()
}

func textOf(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// state is the one word for a PIN's state, with its colour.
func (l listedPIN) state() (word, colour string) {
	switch {
	case !l.HasPIN:
		return "none", plain
	case !l.IsActive:
		return "inactive", red
	case l.IsLocked:
		return "locked", yellow
	default:
		return "active", green
	}
}

func (a *app) printPINs(all []listedPIN) error {
	t := a.newTable(3, "CUSTOMER", "INSTANCE", "IDENTITY", "STATE", "LOCKED UNTIL", "SET BY", "SET AT")
	for _, l := range all {
		state, colour := l.state()
		t.add(colour, idText(l.CustomerID), idText(l.InstanceID), idText(l.IdentityID), state,
			textOf(l.LockedUntil), textOf(l.SetBy), textOf(l.CreatedAt))
	}
	return t.print()
}

type pinsList struct {
	Status     string `enum:",active,locked,inactive,none" default:"" placeholder:"STATE" help:"Only PINs in this state: active, locked, inactive or none."`
	SetBy      string `enum:",admin,runtime,holder" default:"" placeholder:"WHO" help:"Only PINs that were set by admin, runtime or holder."`
	HolderType string `enum:",customer,identity" default:"" placeholder:"TYPE" help:"Only holders of this type: customer or identity."`
	Instance   *id    `placeholder:"UUID" help:"Only channel identities of this instance."`
	JSON       bool   `name:"json" help:"Print a JSON array."`
}

// Help implements kong.HelpProvider.
func (pinsList) Help() string {
	return `A list reaches its first 10,000 entries; narrow it with the flags.
` + remoteHelp + `

Example:

    hydrapin pins list --status locked`
}

// Run lists holders.
func (p pinsList) Run(ctx context.Context, a *app) error {
	c, err := a.client()
	if err != nil {
		return err
	}
	f := hydrapin.PINFilter{State: hydrapin.PINState(p.Status), SetBy: hydrapin.SetBy(p.SetBy), HolderType: p.HolderType}
	if p.Instance != nil {
		f.Instance = p.Instance.UUID
	}
	all := []listedPIN{}
	for h, err := range c.PINs(ctx, f) {
		if err != nil {
			return explain(err)
		}
		all = append(all, toListedPIN(h))
	}
	if p.JSON {
		return a.printJSON(all)
	}
	return a.printPINs(all)
}

type pinsStatus struct {
	holder
	JSON bool `name:"json" help:"Print a JSON object."`
}

// Help implements kong.HelpProvider.
func (pinsStatus) Help() string { return holderHelp("status", "") }

// holderHelp is the help of a command about one holder.
func holderHelp(command, more string) string {
	return more + remoteHelp + `

Example:

    hydrapin pins ` + command + ` --customer 497f6eca-6276-4993-bfeb-53cbbbba6f08
    hydrapin pins ` + command + ` --instance 0b9c8d7e-6f5a-4b3c-9d2e-1f0a9b8c7d6e --identity b3e1f6a2-90c4-4d7b-8a1e-5f2c7d94e063`
}

// Run shows the state of a PIN.
func (p pinsStatus) Run(ctx context.Context, a *app) error {
	return p.run(a, p.JSON, func(c *hydrapin.Admin, customer uuid.UUID) (hydrapin.PINStatus, error) {
		return c.CustomerPIN(ctx, customer)
	}, func(c *hydrapin.Admin, instance, identity uuid.UUID) (hydrapin.PINStatus, error) {
		return c.IdentityPIN(ctx, instance, identity)
	})
}

type pinsUnlock struct {
	holder
	JSON bool `name:"json" help:"Print a JSON object."`
}

// Help implements kong.HelpProvider.
func (pinsUnlock) Help() string { return holderHelp("unlock", "") }

// Run unlocks a PIN.
func (p pinsUnlock) Run(ctx context.Context, a *app) error {
	return p.run(a, p.JSON, func(c *hydrapin.Admin, customer uuid.UUID) (hydrapin.PINStatus, error) {
		return c.UnlockCustomerPIN(ctx, customer)
	}, func(c *hydrapin.Admin, instance, identity uuid.UUID) (hydrapin.PINStatus, error) {
		return c.UnlockIdentityPIN(ctx, instance, identity)
	})
}

type pinsDeactivate struct {
	holder
	JSON bool `name:"json" help:"Print a JSON object."`
}

// Help implements kong.HelpProvider.
func (pinsDeactivate) Help() string {
	return holderHelp("deactivate", "PIN sessions and PIN links end, and what was approved before is not redeemed. Without a PIN, only an admin can set one\nuntil the unlock.\n")
}

// Run deactivates a PIN.
func (p pinsDeactivate) Run(ctx context.Context, a *app) error {
	return p.run(a, p.JSON, func(c *hydrapin.Admin, customer uuid.UUID) (hydrapin.PINStatus, error) {
		return c.DeactivateCustomerPIN(ctx, customer)
	}, func(c *hydrapin.Admin, instance, identity uuid.UUID) (hydrapin.PINStatus, error) {
		return c.DeactivateIdentityPIN(ctx, instance, identity)
	})
}

type pinsLink struct {
	holder
	ExpiresIn lifetime `placeholder:"24h" help:"How long the link lives: 5m to 168h."`
	JSON      bool     `name:"json" help:"Print a JSON object."`
}

// Help implements kong.HelpProvider.
func (pinsLink) Help() string {
	return holderHelp("link", "The link alone is printed on stdout. Whoever has it chooses the PIN: send it to the person through a channel of your own,\nand never pass it through a model. A new link ends the one before it.\n")
}

// Run creates a PIN link.
func (p pinsLink) Run(ctx context.Context, a *app) error {
	customer, instance, identity, err := p.check()
	if err != nil {
		return err
	}
	c, err := a.client()
	if err != nil {
		return err
	}
	var link hydrapin.PINLink
	expiresIn := p.ExpiresIn.Truncate(time.Second)
	if customer != uuid.Nil {
		link, err = c.CreateCustomerPINLink(ctx, customer, expiresIn)
	} else {
		link, err = c.CreateIdentityPINLink(ctx, instance, identity, expiresIn)
	}
	if err != nil {
		return explain(err)
	}
	if p.JSON {
		return a.printJSON(map[string]string{"id": link.ID.String(), "url": link.URL.Reveal(), "expires_at": stamp(link.ExpiresAt)})
	}
	fmt.Fprintf(a.stderr, "The link works once, until %s:\n", stamp(link.ExpiresAt))
	_, err = fmt.Fprintln(a.stdout, link.URL.Reveal())
	return err
}
