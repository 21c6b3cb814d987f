package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/service"
)

type keys struct {
	Create keysCreate `cmd:"" help:"Create a key and print it, once."`
	List   keysList   `cmd:"" help:"List keys, without their secrets."`
	Revoke keysRevoke `cmd:"" help:"Revoke a key for good."`
}

type keysCreate struct {
	Tenant    *id      `required:"" xor:"tenant" placeholder:"UUID" help:"The tenant that the key is for."`
	NewTenant bool     `required:"" xor:"tenant" help:"Create the key for a new tenant, and print its UUID on stderr."`
	Scopes    []scope  `required:"" xor:"kind" placeholder:"SCOPE" help:"Create an API key with these rights: ${scopes}."`
	AllScopes bool     `required:"" xor:"kind" help:"Create an API key with every right."`
	Instance  *id      `required:"" xor:"kind" placeholder:"UUID" help:"Create the runtime key of this agent instance."`
	Name      string   `placeholder:"TEXT" help:"A name for people, shown by list."`
	ExpiresIn lifetime `placeholder:"720h" help:"How long the key lives; without it, until it is revoked."`
}

// Help implements kong.HelpProvider.
func (keysCreate) Help() string {
	return `The key alone is printed on stdout; the tenant and the key's id go to stderr. Only the key's hash is stored, so it cannot
be shown again. The command works beside a running serve and needs no peppers.

Example:

    hydrapin keys create --new-tenant --all-scopes --name admin
    hydrapin keys create --tenant 6f1b2c34-5d6e-4f70-8a9b-0c1d2e3f4a5b --scopes pins:read,pins:write --name dashboard --expires-in 720h
    hydrapin keys create --tenant 6f1b2c34-5d6e-4f70-8a9b-0c1d2e3f4a5b --instance 0b9c8d7e-6f5a-4b3c-9d2e-1f0a9b8c7d6e --name booking-agent`
}

// spec returns what the flags ask for.
func (k keysCreate) spec() service.KeySpec {
	spec := service.KeySpec{Tenant: uuid.New(), Name: k.Name, ExpiresIn: k.ExpiresIn.Duration}
	if k.Tenant != nil {
		spec.Tenant = k.Tenant.UUID
	}
	switch {
	case k.Instance != nil:
		spec.Instance = k.Instance.UUID
	case k.AllScopes:
		spec.Scopes = auth.Scopes()
	}
	for _, s := range k.Scopes {
		if !slices.Contains(spec.Scopes, s.Scope) {
			spec.Scopes = append(spec.Scopes, s.Scope)
		}
	}
	return spec
}

// Run creates a key.
func (k keysCreate) Run(ctx context.Context, a *app) error {
	if err := checkName(k.Name); err != nil {
		return err
	}
	spec := k.spec()
	return a.withService(ctx, func(s *service.Service) error {
		key, secret, err := s.MintKey(ctx, service.Operator(spec.Tenant), spec)
		if err != nil {
			return err
		}
		until := "it is revoked"
		if !key.ExpiresAt.IsZero() {
			until = stamp(key.ExpiresAt)
		}
		fmt.Fprintf(a.stderr, "tenant  %s\nkey id  %s\nThe key is valid until %s. It is shown only this once:\n", key.Tenant, key.ID, until)
		_, err = fmt.Fprintln(a.stdout, secret.Reveal())
		return err
	})
}

type keysList struct {
	Tenant *id  `placeholder:"UUID" help:"Only the keys of this tenant."`
	JSON   bool `name:"json" help:"Print a JSON array."`
}

// Help implements kong.HelpProvider.
func (keysList) Help() string {
	return `It never prints a secret, works beside a running serve and needs no peppers.

Example:

    hydrapin keys list --json`
}

// listedKey is a key as list prints it.
type listedKey struct {
	ID         string       `json:"id"`
	Kind       auth.Kind    `json:"kind"`
	State      string       `json:"state"`
	TenantID   uuid.UUID    `json:"tenant_id"`
	InstanceID *uuid.UUID   `json:"instance_id"`
	Scopes     []auth.Scope `json:"scopes"`
	Name       string       `json:"name"`
	CreatedAt  string       `json:"created_at"`
	ExpiresAt  *string      `json:"expires_at"`
	RevokedAt  *string      `json:"revoked_at"`
}

func toListed(k auth.APIKey, now time.Time) listedKey {
	l := listedKey{
		ID: k.ID, Kind: k.Kind, State: "live", TenantID: k.Tenant, Scopes: slices.Clone(k.Scopes), Name: k.Name,
		CreatedAt: stamp(k.CreatedAt), ExpiresAt: stampOrNil(k.ExpiresAt), RevokedAt: stampOrNil(k.RevokedAt),
	}
	if l.Scopes == nil {
		l.Scopes = []auth.Scope{}
	}
	if k.Instance != uuid.Nil {
		l.InstanceID = &k.Instance
	}
	switch {
	case !k.RevokedAt.IsZero():
		l.State = "revoked"
	case !k.Live(now):
		l.State = "expired"
	}
	return l
}

// Run lists keys.
func (k keysList) Run(ctx context.Context, a *app) error {
	tenant := uuid.Nil
	if k.Tenant != nil {
		tenant = k.Tenant.UUID
	}
	return a.withService(ctx, func(s *service.Service) error {
		all, err := s.Keys(ctx, tenant)
		if err != nil {
			return err
		}
		listed := make([]listedKey, 0, len(all))
		for _, key := range all {
			listed = append(listed, toListed(key, time.Now()))
		}
		if k.JSON {
			return a.printJSON(listed)
		}
		out := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(out, "ID\tSTATE\tTENANT\tOPENS\tNAME\tCREATED\tEXPIRES")
		for _, l := range listed {
			opens := "instance "
			if l.InstanceID != nil {
				opens += l.InstanceID.String()
			} else {
				opens = joinScopes(l.Scopes)
			}
			expires := "never"
			if l.ExpiresAt != nil {
				expires = *l.ExpiresAt
			}
			fmt.Fprintf(out, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", l.ID, l.State, l.TenantID, opens, l.Name, l.CreatedAt, expires)
		}
		return out.Flush()
	})
}

func joinScopes(scopes []auth.Scope) string {
	names := make([]string, len(scopes))
	for i, s := range scopes {
		names[i] = string(s)
	}
	return strings.Join(names, ",")
}

type keysRevoke struct {
	ID string `arg:"" help:"The key's id, as list prints it: the part between hc_live_ or hc_agent_ and the last underscore. The whole key is accepted, too."`
}

// Help implements kong.HelpProvider.
func (keysRevoke) Help() string {
	return `Every node refuses the key within 5 seconds. Revoking it again changes nothing.

Example:

    hydrapin keys revoke 4fTz0aQmW9xL2bKc`
}

// Run revokes a key.
func (k keysRevoke) Run(ctx context.Context, a *app) error {
	// The whole key is accepted in place of its id.
	if _, fromKey, _, err := auth.ParseKey(k.ID); err == nil {
		k.ID = fromKey
	}
	return a.withService(ctx, func(s *service.Service) error {
		err := s.RevokeKey(ctx, service.Operator(uuid.Nil), k.ID)
		if errors.Is(err, service.ErrNotFound) {
			return fmt.Errorf("no key has this id; %s keys list shows them", programName)
		}
		if err == nil {
			fmt.Fprintf(a.stderr, "Key %s is revoked; every node refuses it within 5 seconds.\n", k.ID)
		}
		return err
	})
}

// stamp writes a time as the API does.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000Z") }

func stampOrNil(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	s := stamp(t)
	return &s
}

func (a *app) printJSON(v any) error {
	out := bufio.NewWriter(a.stdout)
	enc := json.NewEncoder(out)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return errors.Join(enc.Encode(v), out.Flush())
}
