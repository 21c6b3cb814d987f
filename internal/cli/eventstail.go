package cli

import (
	"bufio"
	"context"
	"errors"
	"iter"
	"slices"
	"time"

	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/service"
	"github.com/hydracore/hydrapin/sdk/go/hydrapin"
)

type eventsTail struct {
	trailFlags
	Lines int           `short:"n" default:"10" placeholder:"10" help:"How many of the newest events to print first."`
	Every time.Duration `default:"1s" placeholder:"1s" help:"How often to look for new ones."`
}

// Help implements kong.HelpProvider.
func (eventsTail) Help() string {
	return `It ends when it is interrupted. An event is printed once it has its index, within a second, while a server runs.
` + databaseHelp + `

Example:

    hydrapin events tail -n 20`
}

// Run prints events until it is interrupted.
func (e eventsTail) Run(ctx context.Context, a *app) error {
	if e.Lines < 0 || e.Every < 100*time.Millisecond {
		return usage("--lines must not be negative, and --every at least 100ms")
	}
	remote, err := e.isRemote(a)
	if err != nil {
		return err
	}
	if !remote {
		return a.withService(ctx, func(s *service.Service) error {
			return e.follow(ctx, a, storedNewest(ctx, s, service.Operator(e.Tenant.UUID)))
		})
	}
	c, err := a.client()
	if err != nil {
		return err
	}
	return e.follow(ctx, a, remoteEvents(c.Events(ctx, hydrapin.EventFilter{NewestFirst: true})))
}

// follow prints what is new in a trail that is read from its newest event backwards, as
// often as it is asked for. The index says what was printed.
func (e eventsTail) follow(ctx context.Context, a *app, newest iter.Seq2[printedEvent, error]) error {
	out := bufio.NewWriter(a.stdout)
	last := int64(-1)
	for most := e.Lines; ; most = -1 {
		var fresh []printedEvent
		seen := last
		for event, err := range newest {
			if err != nil {
				return errors.Join(out.Flush(), err)
			}
			if *event.Index <= last {
				break
			}
			seen = max(seen, *event.Index)
			if len(fresh) == most {
				break
			}
			fresh = append(fresh, event)
		}
		last = seen
		for _, event := range slices.Backward(fresh) {
			if err := e.print(out, event); err != nil {
				return err
			}
		}
		if err := out.Flush(); err != nil {
			return err
		}
		select {
		case <-time.After(e.Every):
		case <-ctx.Done():
			return nil
		}
	}
}

// storedNewest reads the trail of a database from its newest event backwards.
func storedNewest(ctx context.Context, s *service.Service, c service.Caller) iter.Seq2[printedEvent, error] {
	return func(yield func(printedEvent, error) bool) {
		q := service.TrailQuery{Back: true, Limit: eventsPage}
		for {
			page, err := s.Trail(ctx, c, q)
			if err != nil {
				yield(printedEvent{}, err)
				return
			}
			for _, event := range page.Events {
				if !yield(toPrinted(event)) {
					return
				}
			}
			if q.After = page.Next; q.After == nil {
				return
			}
		}
	}
}

// remoteEvents are events of a server as they are printed.
func remoteEvents(events iter.Seq2[hydrapin.Event, error]) iter.Seq2[printedEvent, error] {
	return func(yield func(printedEvent, error) bool) {
		for e, err := range events {
			if !yield(printedEvent{Index: &e.Index, Entry: fromEvent(e)}, explain(err)) {
				return
			}
		}
	}
}

func fromEvent(e hydrapin.Event) audit.Entry {
	return audit.Entry{
		ID: e.ID, Time: stamp(e.Time), TenantID: e.Tenant, Type: audit.Type(e.Type), ActorKind: e.ActorKind, ActorID: e.ActorID,
		HolderType: textOrNil(e.HolderType), CustomerID: idOrNil(e.Customer), IdentityID: idOrNil(e.Identity),
		InstanceID: idOrNil(e.Instance), ConfirmationID: idOrNil(e.Confirmation),
		RequestID: textOrNil(e.RequestID), Peer: textOrNil(e.Peer), Details: e.Details,
	}
}

func textOrNil(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// runRemote prints the trail of a server.
func (e eventsList) runRemote(ctx context.Context, a *app) error {
	c, err := a.client()
	if err != nil {
		return err
	}
	out := bufio.NewWriter(a.stdout)
	for event, err := range remoteEvents(c.Events(ctx, hydrapin.EventFilter{})) {
		if err != nil {
			return errors.Join(out.Flush(), err)
		}
		if e.After != nil && *event.Index <= *e.After {
			continue
		}
		if err := e.print(out, event); err != nil {
			return err
		}
	}
	return out.Flush()
}
