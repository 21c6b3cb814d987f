package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/service"
)

type events struct {
	List eventsList `cmd:"" default:"withargs" help:"Print the audit trail, oldest first (default)."`
	Tail eventsTail `cmd:"" help:"Print the newest events, and then each new one as it comes."`
}

// Help implements kong.HelpProvider.
func (events) Help() string { return eventsList{}.Help() }

// trailFlags say whose trail is printed, and how.
type trailFlags struct {
	Database bool `help:"Work on the database, also where HYDRAPIN_URL is set."`
	Tenant   *id  `placeholder:"UUID" help:"The tenant whose events are printed, from the database."`
	JSON     bool `name:"json" help:"Print one JSON object a line."`
}

// isRemote says whether the trail is that of a server; else a tenant is named.
func (f trailFlags) isRemote(a *app) (bool, error) {
	remote, err := a.isRemote(f.Database, f.Tenant)
	if err == nil && !remote && f.Tenant == nil {
		err = usage("missing flags: --tenant=UUID, or set HYDRAPIN_URL to call a server")
	}
	return remote, err
}

type eventsList struct {
	trailFlags
	After *int64 `placeholder:"INDEX" help:"Only events after this one: the index of the last that was seen."`
}

// Help implements kong.HelpProvider.
func (eventsList) Help() string {
	return `Events are printed in the order of the audit trail. They never hold a PIN or the parameters of an action. An event gets its
index within a second, while a server runs; until then its index is null, and it is printed last. On the database
the command works beside a running serve and needs no peppers.
` + databaseHelp + `

Example:

    hydrapin events list --json
    hydrapin events --tenant 6f1b2c34-5d6e-4f70-8a9b-0c1d2e3f4a5b --json`
}

// eventsPage is how many events are read at once.
const eventsPage = 500

// Run prints events.
func (e eventsList) Run(ctx context.Context, a *app) error {
	remote, err := e.isRemote(a)
	switch {
	case err != nil:
		return err
	case remote:
		return e.runRemote(ctx, a)
	}
	return a.withService(ctx, func(s *service.Service) error {
		out := bufio.NewWriter(a.stdout)
		f := audit.Filter{Tenant: e.Tenant.UUID, Limit: eventsPage}
		if e.After != nil {
			f.From = *e.After + 1
		}
		for {
			page, err := s.Events(ctx, f)
			if err != nil {
				return errors.Join(out.Flush(), err)
			}
			for _, event := range page {
				if event.Queued() {
					// Whatever gets its index from now on was printed, or comes after.
					f.From, f.AfterSeq = math.MaxInt64, event.Seq
				} else {
					f.From = event.Index + 1
				}
				printed, err := toPrinted(event)
				if err != nil {
					return err
				}
				if err := e.print(out, printed); err != nil {
					return err
				}
			}
			if len(page) < eventsPage {
				return out.Flush()
			}
		}
	})
}

// toPrinted is an event of the database as it is printed.
func toPrinted(event audit.Stored) (printedEvent, error) {
	entry, err := event.Entry()
	printed := printedEvent{Entry: entry}
	if !event.Queued() {
		printed.Index = &event.Index
	}
	return printed, err
}

func (f trailFlags) print(out io.Writer, printed printedEvent) error {
	if !f.JSON {
		_, err := fmt.Fprintln(out, eventLine(printed.Entry))
		return err
	}
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	return enc.Encode(printed)
}

// printedEvent is an event as JSON: as it is stored, with its place in the trail.
type printedEvent struct {
	Index *int64 `json:"index"`
	audit.Entry
}

// eventLine is an event for people: what is absent is left out.
func eventLine(e audit.Entry) string {
	parts := []string{e.Time, fmt.Sprintf("%-25s", e.Type), e.ActorKind + ":" + quoted(e.ActorID)}
	for _, field := range []struct {
		name string
		id   *uuid.UUID
	}{{"customer", e.CustomerID}, {"identity", e.IdentityID}, {"instance", e.InstanceID}, {"confirmation", e.ConfirmationID}} {
		if field.id != nil {
			parts = append(parts, field.name+"="+field.id.String())
		}
	}
	var details map[string]json.RawMessage
	if err := json.Unmarshal(e.Details, &details); err == nil {
		for _, name := range slices.Sorted(maps.Keys(details)) {
			parts = append(parts, name+"="+string(details[name]))
		}
	}
	for _, field := range []struct {
		name  string
		value *string
	}{{"peer", e.Peer}, {"request", e.RequestID}} {
		if field.value != nil {
			parts = append(parts, field.name+"="+quoted(*field.value))
		}
	}
	return strings.Join(parts, " ")
}

// quoted keeps what someone else wrote from looking like more than one field, or
// from reaching a terminal as a control sequence.
func quoted(s string) string {
	const plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.:/@|[]"
	if s != "" && strings.Trim(s, plain) == "" {
		return s
	}
	return fmt.Sprintf("%+q", s)
}
