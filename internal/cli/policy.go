package cli

import (
	"context"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/sdk/go/hydrapin"
)

type policyCommands struct {
	Get policyGet `cmd:"" help:"Show the PIN policy of an instance."`
	Set policySet `cmd:"" help:"Change the PIN policy of an instance."`
}

// shownPolicy is a policy as get and set print it.
type shownPolicy struct {
	InstanceID        uuid.UUID `json:"instance_id"`
	AppliesTo         string    `json:"pin_applies_to"`
	RequiredSkills    []string  `json:"pin_required_skills"`
	SessionTTLMinutes int       `json:"pin_session_ttl_minutes"`
	MustBeOwn         bool      `json:"pin_must_be_own"`
	Channels          string    `json:"pin_channels"`
	ETag              string    `json:"etag"`
}

func (a *app) printPolicy(p hydrapin.Policy, asJSON bool) error {
	shown := shownPolicy{
		InstanceID: p.Instance, AppliesTo: string(p.AppliesTo), RequiredSkills: p.RequiredSkills,
		SessionTTLMinutes: int(p.SessionTTL / time.Minute), MustBeOwn: p.MustBeOwn, Channels: string(p.Channels), ETag: p.ETag,
	}
	if shown.RequiredSkills == nil {
		shown.RequiredSkills = []string{}
	}
	if asJSON {
		return a.printJSON(shown)
	}
	own := "no"
	if p.MustBeOwn {
		own = "yes"
	}
	t := a.newTable(0, "INSTANCE", "SKILLS THAT NEED A PIN", "ROLES", "SESSION", "OWN PIN ONLY", "CHANNELS", "VERSION")
	t.add(plain, p.Instance.String(), strings.Join(p.RequiredSkills, ","), string(p.AppliesTo), p.SessionTTL.String(),
		own, string(p.Channels), p.ETag)
	return t.print()
}

type policyGet struct {
	Instance id   `required:"" placeholder:"UUID" help:"The agent instance."`
	JSON     bool `name:"json" help:"Print a JSON object."`
}

// Help implements kong.HelpProvider.
func (policyGet) Help() string {
	return remoteHelp + `

Example:

    hydrapin policy get --instance 0b9c8d7e-6f5a-4b3c-9d2e-1f0a9b8c7d6e`
}

// Run shows a policy.
func (p policyGet) Run(ctx context.Context, a *app) error {
	c, err := a.client()
	if err != nil {
		return err
	}
	policy, err := c.Policy(ctx, p.Instance.UUID)
	if err != nil {
		return explain(err)
	}
	return a.printPolicy(policy, p.JSON)
}

type policySet struct {
	Instance  id             `required:"" placeholder:"UUID" help:"The agent instance."`
	Skills    []string       `placeholder:"SKILL" xor:"skills" help:"The skills that need a PIN, all of them; payments.* is every skill that begins so, and * is every skill."`
	NoSkills  bool           `xor:"skills" help:"No skill needs a PIN."`
	AppliesTo string         `enum:",owner,customer,all" default:"" placeholder:"ROLE" help:"Who is asked for a PIN: owner, customer or all."`
	Session   *time.Duration `placeholder:"30m" help:"How long one PIN lasts, in whole minutes, up to 24h; 0s for no sessions."`
	OwnPIN    *bool          `name:"own-pin" negatable:"" help:"Accept only PINs that their holders chose themselves."`
	Channels  string         `enum:",any,page" default:"" placeholder:"WHERE" help:"Where a PIN may be entered: any, or page for hydrapin's own pages alone."`
	IfMatch   string         `placeholder:"ETAG" help:"Only if the policy still has this version, as get prints it."`
	JSON      bool           `name:"json" help:"Print a JSON object."`
}

// Help implements kong.HelpProvider.
func (policySet) Help() string {
	return `What is not given stays as it is.
` + remoteHelp + `

Example:

    hydrapin policy set --instance 0b9c8d7e-6f5a-4b3c-9d2e-1f0a9b8c7d6e --skills payments.transfer,mail.send --session 15m`
}

// Run changes a policy.
func (p policySet) Run(ctx context.Context, a *app) error {
	update := hydrapin.PolicyUpdate{
		AppliesTo: hydrapin.AppliesTo(p.AppliesTo), Channels: hydrapin.Channels(p.Channels), RequiredSkills: p.Skills,
		SessionTTL: p.Session, MustBeOwn: p.OwnPIN, IfMatch: p.IfMatch,
	}
	if p.NoSkills {
		update.RequiredSkills = []string{}
	}
	if p.Session != nil && (*p.Session < 0 || *p.Session > 24*time.Hour || *p.Session%time.Minute != 0) {
		return usage("--session must be whole minutes, from 0s to 24h, written like 30m")
	}
	c, err := a.client()
	if err != nil {
		return err
	}
	policy, err := c.UpdatePolicy(ctx, p.Instance.UUID, update)
	if err != nil {
		return explain(err)
	}
	return a.printPolicy(policy, p.JSON)
}
