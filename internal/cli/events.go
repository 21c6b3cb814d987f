package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/service"
)

type events struct {
	Tenant id    `required:"" placeholder:"UUID" help:"The tenant whose events are printed."`
	After  int64 `placeholder:"SEQ" help:"Only events after this one: the seq of the last that was seen."`
	JSON   bool  `name:"json" help:"Print one JSON object a line."`
}

// Help implements kong.HelpProvider.
func (events) Help() string {
	return `Events are printed oldest first. They never hold a PIN or the parameters of an action.
It works beside a running serve and needs no peppers.

Example:

    hydrapin events --tenant 6f1b2c34-5d6e-4f70-8a9b-0c1d2e3f4a5b --json`
}

// eventsPage is how many events are read at once.
const eventsPage = 500

// Run prints events.
func (e events) Run(ctx context.Context, a *app) error {
	return a.withService(ctx, func(s *service.Service) error {
		out := bufio.NewWriter(a.stdout)
		enc := json.NewEncoder(out)
		enc.SetEscapeHTML(false)
		after := e.After
		for {
			page, err := eventsOf(ctx, s, audit.Filter{Tenant: e.Tenant.UUID, After: after, Limit: eventsPage})
			if err != nil {
				return errors.Join(out.Flush(), err)
			}
			for _, event := range page {
				after = event.Seq
				if e.JSON {
					err = enc.Encode(toPrinted(event))
				} else {
					_, err = fmt.Fprintln(out, eventLine(event))
				}
				if err != nil {
					return err
				}
			}
			if len(page) == 0 {
				return out.Flush()
			}
		}
	})
}

// printedEvent is an event as JSON: every field is there, null when absent.
type printedEvent struct {
	Seq            int64          `json:"seq"`
	Time           string         `json:"time"`
	TenantID       uuid.UUID      `json:"tenant_id"`
	Type           audit.Type     `json:"type"`
	ActorKind      auth.Kind      `json:"actor_kind"`
	ActorID        string         `json:"actor_id"`
	HolderType     *string        `json:"holder_type"`
	HolderID       *uuid.UUID     `json:"holder_id"`
	InstanceID     *uuid.UUID     `json:"instance_id"`
	ConfirmationID *uuid.UUID     `json:"confirmation_id"`
	RequestID      *string        `json:"request_id"`
	Peer           *string        `json:"peer"`
	Details        map[string]any `json:"details"`
}

func toPrinted(e audit.Event) printedEvent {
	return printedEvent{
		Seq: e.Seq, Time: stamp(e.Time), TenantID: e.Tenant, Type: e.Type,
		ActorKind: e.Actor.Kind, ActorID: e.Actor.ID,
		HolderType: orNil(string(e.Holder.Type)), HolderID: orNil(e.Holder.ID),
		InstanceID: orNil(e.Instance), ConfirmationID: orNil(e.Confirmation),
		RequestID: orNil(e.RequestID), Peer: orNil(e.Peer), Details: e.Details,
	}
}

func orNil[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

// eventLine is an event for people: what is absent is left out.
func eventLine(e audit.Event) string {
	parts := []string{stamp(e.Time), fmt.Sprintf("%-25s", e.Type), string(e.Actor.Kind) + ":" + quoted(e.Actor.ID)}
	if e.Holder != (pin.Holder{}) {
		parts = append(parts, string(e.Holder.Type)+"="+e.Holder.ID.String())
	}
	for _, field := range []struct {
		name string
		id   uuid.UUID
	}{{"instance", e.Instance}, {"confirmation", e.Confirmation}} {
		if field.id != uuid.Nil {
			parts = append(parts, field.name+"="+field.id.String())
		}
	}
	for _, name := range slices.Sorted(maps.Keys(e.Details)) {
		value, err := json.Marshal(e.Details[name])
		if err == nil {
			parts = append(parts, name+"="+string(value))
		}
	}
	for _, field := range [][2]string{{"peer", e.Peer}, {"request", e.RequestID}} {
		if field[1] != "" {
			parts = append(parts, field[0]+"="+quoted(field[1]))
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
