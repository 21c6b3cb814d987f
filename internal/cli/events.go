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
	Tenant id     `required:"" placeholder:"UUID" help:"The tenant whose events are printed."`
	After  *int64 `placeholder:"INDEX" help:"Only events after this one: the index of the last that was seen."`
	JSON   bool   `name:"json" help:"Print one JSON object a line."`
}

// Help implements kong.HelpProvider.
func (events) Help() string {
	return `Events are printed in the order of the audit trail. They never hold a PIN or the parameters of an action. An event gets its
index within a second, while a server runs; until then its index is null, and it is printed last. The command works beside a running serve and needs no peppers.

Example:

    hydrapin events --tenant 6f1b2c34-5d6e-4f70-8a9b-0c1d2e3f4a5b --json`
}

// eventsPage is how many events are read at once.
const eventsPage = 500

// Run prints events.
func (e events) Run(ctx context.Context, a *app) error {
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
				if err := e.print(out, event); err != nil {
					return err
				}
			}
			if len(page) < eventsPage {
				return out.Flush()
			}
		}
	})
}

func (e events) print(out io.Writer, event audit.Stored) error {
	entry, err := event.Entry()
	if err != nil {
		return err
	}
	if !e.JSON {
		_, err = fmt.Fprintln(out, eventLine(entry))
		return err
	}
	printed := printedEvent{Entry: entry}
	if !event.Queued() {
		printed.Index = &event.Index
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
