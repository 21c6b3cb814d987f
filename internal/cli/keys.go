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
	"github.com/hydracore/hydrapin/internal/server"
	"github.com/hydracore/hydrapin/internal/service"
)

type keys struct {
	Create keysCreate `cmd:"" help:"Make a key and print it, once."`
	List   keysList   `cmd:"" help:"List keys, without their secrets."`
	Revoke keysRevoke `cmd:"" help:"Revoke a key for ever."`
}

type keysCreate struct {
	Tenant    id       `required:"" placeholder:"UUID" help:"The tenant that the key is for."`
	Scopes    []scope  `required:"" xor:"kind" placeholder:"SCOPE" help:"Make an API key with these rights: pins:read, pins:write, pin-policies:read, pin-policies:write."`
	Instance  *id      `required:"" xor:"kind" placeholder:"UUID" help:"Make the runtime key of this agent instance."`
	Name      string   `placeholder:"TEXT" help:"A name for people, shown by list."`
	ExpiresIn lifetime `placeholder:"720h" help:"How long the key lives; without it, until it is revoked."`
}

// Help implements kong.HelpProvider.
func (keysCreate) Help() string {
	return `The key alone is printed on stdout. Only its hash is stored: nobody can print it again.
It works beside a running serve and needs no peppers.

Example:

    hydrapin keys create --tenant 6f1b2c34-5d6e-4f70-8a9b-0c1d2e3f4a5b --scopes pins:read,pins:write --name dashboard --expires-in 720h
    hydrapin keys create --tenant 6f1b2c34-5d6e-4f70-8a9b-0c1d2e3f4a5b --instance 0b9c8d7e-6f5a-4b3c-9d2e-1f0a9b8c7d6e --name booking-agent`
}

// Run makes a key.
func (k keysCreate) Run(ctx context.Context, a *app) error {
	if err := checkName(k.Name); err != nil {
		return err
	}
	spec := service.KeySpec{Tenant: k.Tenant.UUID, Name: k.Name, ExpiresIn: k.ExpiresIn.Duration}
	if k.Instance != nil {
		spec.Instance = k.Instance.UUID
	}
	for _, s := range k.Scopes {
		if !slices.Contains(spec.Scopes, s.Scope) {
			spec.Scopes = append(spec.Scopes, s.Scope)
		}
	}
	return a.withService(ctx, func(s *service.Service) error {
		key, secret, err := s.MintKey(ctx, service.Operator(spec.Tenant), spec)
		if err != nil {
			return err
		}
		until := "until it is revoked"
		if !key.ExpiresAt.IsZero() {
			until = "until " + stamp(key.ExpiresAt)
		}
		fmt.Fprintf(a.stderr, "Key %s of tenant %s, good %s. It is shown this once:\n", key.ID, key.Tenant, until)
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
	return `Example:

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
	ID string `arg:"" help:"The key's id, as list prints it: the part between hc_live_ or hc_agent_ and the last underscore."`
}

// Help implements kong.HelpProvider.
func (keysRevoke) Help() string {
	return `Every node refuses the key within 5 seconds. Revoking it again changes nothing.

Example:

    hydrapin keys revoke 4fTz0aQmW9xL2bKc`
}

// Run revokes a key.
func (k keysRevoke) Run(ctx context.Context, a *app) error {
	// Who has the whole key at hand may give that.
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

// withService runs fn with a service that has a database and nothing else: no
// peppers and no receipt keys.
func (a *app) withService(ctx context.Context, fn func(*service.Service) error) error {
	cfg, err := a.database()
	if err != nil {
		return err
	}
	st, err := server.OpenStore(ctx, cfg, false)
	if err != nil {
		return unusable(cfg, err)
	}
	defer func() { _ = st.Close() }()
	if err := st.Ping(ctx); err != nil {
		return unusable(cfg, err)
	}
	return fn(service.New(service.Config{Store: st}))
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
