package cli

import (
	"context"
	"strings"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/sdk/go/hydrapin"
)

type webhooks struct {
	List webhooksList `cmd:"" help:"List where events of the tenant are sent."`
}

type webhooksList struct {
	JSON bool `name:"json" help:"Print a JSON array."`
}

// Help implements kong.HelpProvider.
func (webhooksList) Help() string {
	return `It never prints a secret. A webhook that is disabled gets no events until it is enabled again.
` + remoteHelp + `

Example:

    hydrapin webhooks list`
}

// listedWebhook is a webhook as list prints it.
type listedWebhook struct {
	ID             uuid.UUID `json:"id"`
	URL            string    `json:"url"`
	Events         []string  `json:"events"`
	Description    *string   `json:"description"`
	Enabled        bool      `json:"enabled"`
	DisabledReason *string   `json:"disabled_reason"`
	FailingSince   *string   `json:"failing_since"`
	CreatedAt      string    `json:"created_at"`
	UpdatedAt      string    `json:"updated_at"`
	CreatedBy      string    `json:"created_by"`
}

// Run lists webhooks.
func (w webhooksList) Run(ctx context.Context, a *app) error {
	c, err := a.client()
	if err != nil {
		return err
	}
	listed := []listedWebhook{}
	for hook, err := range c.Webhooks(ctx) {
		if err != nil {
			return explain(err)
		}
		listed = append(listed, toListedWebhook(hook))
	}
	if w.JSON {
		return a.printJSON(listed)
	}
	t := a.newTable(1, "ID", "STATE", "URL", "EVENTS", "DESCRIPTION", "FAILING SINCE", "CREATED BY")
	for _, l := range listed {
		state, colour := "enabled", green
		switch {
		case !l.Enabled:
			state, colour = strings.TrimSuffix("disabled: "+textOf(l.DisabledReason), ": "), red
		case l.FailingSince != nil:
			state, colour = "failing", yellow
		}
		t.add(colour, l.ID.String(), state, l.URL, strings.Join(l.Events, ","), textOf(l.Description), textOf(l.FailingSince), l.CreatedBy)
	}
	return t.print()
}

func toListedWebhook(w hydrapin.Webhook) listedWebhook {
	l := listedWebhook{
		ID: w.ID, URL: w.URL, Events: w.Events, Enabled: w.Enabled, FailingSince: stampOrNil(w.FailingSince),
		CreatedAt: stamp(w.CreatedAt), UpdatedAt: stamp(w.UpdatedAt), CreatedBy: w.CreatedBy,
	}
	if w.Description != "" {
		l.Description = &w.Description
	}
	if w.DisabledReason != "" {
		l.DisabledReason = &w.DisabledReason
	}
	return l
}
