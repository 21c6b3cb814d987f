package cli

import (
	"context"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/sdk/go/hydrapin"
)

type freezeCommands struct {
	On     freezeOn     `cmd:"" help:"Stop everything that a PIN protects, at once."`
	Off    freezeOff    `cmd:"" help:"Lift a freeze."`
	Status freezeStatus `cmd:"" help:"Say whether something is frozen, since when, by whom and why."`
}

// frozenThing is the flag that names what is frozen.
type frozenThing struct {
	Instance *id `placeholder:"UUID" help:"One agent instance; without it, the whole tenant."`
}

func (f frozenThing) id() uuid.UUID {
	if f.Instance == nil {
		return uuid.Nil
	}
	return f.Instance.UUID
}

// shownFreeze is a freeze as the commands print it.
type shownFreeze struct {
	InstanceID *uuid.UUID `json:"instance_id"`
	Frozen     bool       `json:"frozen"`
	Since      *string    `json:"since"`
	By         *string    `json:"by"`
	Reason     *string    `json:"reason"`
}

func (a *app) printFreeze(instance uuid.UUID, f hydrapin.Freeze, asJSON bool) error {
	shown := shownFreeze{InstanceID: idOrNil(instance), Frozen: f.Frozen, Since: stampOrNil(f.Since)}
	if f.By != "" {
		shown.By = &f.By
	}
	if f.Reason != "" {
		shown.Reason = &f.Reason
	}
	if asJSON {
		return a.printJSON(shown)
	}
	what, state, colour := "the tenant", "not frozen", green
	if instance != uuid.Nil {
		what = "instance " + instance.String()
	}
	if f.Frozen {
		state, colour = "frozen", red
	}
	t := a.newTable(1, "WHAT", "STATE", "SINCE", "BY", "REASON")
	t.add(colour, what, state, textOf(shown.Since), f.By, f.Reason)
	return t.print()
}

type freezeOn struct {
	frozenThing
	Reason string `placeholder:"TEXT" help:"Why, for people."`
	JSON   bool   `name:"json" help:"Print a JSON object."`
}

// Help implements kong.HelpProvider.
func (freezeOn) Help() string {
	return `Questions are blocked, nothing is verified or redeemed, approvals are declined and sessions end, until it is lifted.
` + remoteHelp + `

Example:

    hydrapin freeze on --instance 0b9c8d7e-6f5a-4b3c-9d2e-1f0a9b8c7d6e --reason "The agent sent odd messages."`
}

// Run freezes.
func (f freezeOn) Run(ctx context.Context, a *app) error {
	c, err := a.client()
	if err != nil {
		return err
	}
	var frozen hydrapin.Freeze
	if f.id() == uuid.Nil {
		frozen, err = c.FreezeTenant(ctx, f.Reason)
	} else {
		frozen, err = c.FreezeInstance(ctx, f.id(), f.Reason)
	}
	if err != nil {
		return explain(err)
	}
	return a.printFreeze(f.id(), frozen, f.JSON)
}

type freezeOff struct {
	frozenThing
	JSON bool `name:"json" help:"Print a JSON object."`
}

// Help implements kong.HelpProvider.
func (freezeOff) Help() string {
	return `What the freeze ended stays ended. What an admin's token froze, only an admin's token lifts (HYDRAPIN_TOKEN).
` + remoteHelp + `

Example:

    hydrapin freeze off --instance 0b9c8d7e-6f5a-4b3c-9d2e-1f0a9b8c7d6e`
}

// Run lifts a freeze.
func (f freezeOff) Run(ctx context.Context, a *app) error {
	c, err := a.client()
	if err != nil {
		return err
	}
	if f.id() == uuid.Nil {
		err = c.LiftTenantFreeze(ctx)
	} else {
		err = c.LiftInstanceFreeze(ctx, f.id())
	}
	if err != nil {
		return explain(err)
	}
	return a.printFreeze(f.id(), hydrapin.Freeze{}, f.JSON)
}

type freezeStatus struct {
	frozenThing
	JSON bool `name:"json" help:"Print a JSON object."`
}

// Help implements kong.HelpProvider.
func (freezeStatus) Help() string {
	return `A freeze of the tenant is not shown with --instance: ask for both.
` + remoteHelp + `

Example:

    hydrapin freeze status`
}

// Run shows a freeze.
func (f freezeStatus) Run(ctx context.Context, a *app) error {
	c, err := a.client()
	if err != nil {
		return err
	}
	var frozen hydrapin.Freeze
	if f.id() == uuid.Nil {
		frozen, err = c.TenantFreeze(ctx)
	} else {
		frozen, err = c.InstanceFreeze(ctx, f.id())
	}
	if err != nil {
		return explain(err)
	}
	return a.printFreeze(f.id(), frozen, f.JSON)
}
