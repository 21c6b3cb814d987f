package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
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
	Database  bool     `help:"Work on the database, also where HYDRAPIN_URL is set."`
	Tenant    *id      `xor:"tenant" placeholder:"UUID" help:"The tenant that the key is for, in the database."`
	NewTenant bool     `xor:"tenant" help:"Create the key for a new tenant in the database, and print its UUID on stderr."`
	Scopes    []scope  `required:"" xor:"kind" placeholder:"SCOPE" help:"Create an API key with these rights: ${scopes}."`
	AllScopes bool     `required:"" xor:"kind" help:"Create an API key with every right."`
	Instance  *id      `required:"" xor:"kind" placeholder:"UUID" help:"Create the runtime key of this agent instance."`
	Name      string   `placeholder:"TEXT" help:"A name for people, shown by list."`
	ExpiresIn lifetime `placeholder:"720h" help:"How long the key lives; without it, until it is revoked."`
	JSON      bool     `name:"json" help:"Print a JSON object with the key."`
}

// Help implements kong.HelpProvider.
func (keysCreate) Help() string {
	return `The key alone is printed on stdout; the tenant and the key's id go to stderr. Only the key's hash is stored, so it cannot
be shown again. On the database the command works beside a running serve and needs no peppers.
` + databaseHelp + `

Example:

    hydrapin keys create --new-tenant --all-scopes --name admin
    hydrapin keys create --tenant 6f1b2c34-5d6e-4f70-8a9b-0c1d2e3f4a5b --scopes pins:read,pins:write --name dashboard --expires-in 720h
    hydrapin keys create --tenant 6f1b2c34-5d6e-4f70-8a9b-0c1d2e3f4a5b --instance 0b9c8d7e-6f5a-4b3c-9d2e-1f0a9b8c7d6e --name booking-agent`
}

// databaseHelp says where keys and events are.
const databaseHelp = `Where HYDRAPIN_URL is set, the command calls that server with HYDRAPIN_API_KEY or HYDRAPIN_TOKEN. Without it, or with
--database or --tenant, it works on the database.`

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
	remote, err := a.isRemote(k.Database || k.NewTenant, k.Tenant)
	switch {
	case err != nil:
		return err
	case remote:
		return k.runRemote(ctx, a)
	case k.Tenant == nil && !k.NewTenant:
		return usage("missing flags: --tenant=UUID or --new-tenant, or set HYDRAPIN_URL to call a server")
	}
	spec := k.spec()
	return a.withService(ctx, func(s *service.Service) error {
		key, secret, err := s.MintKey(ctx, service.Operator(spec.Tenant), spec)
		if err != nil {
			return err
		}
		if k.JSON {
			return a.printJSON(createdKey{listedKey: toListed(key, time.Now()), Key: secret.Reveal()})
		}
		fmt.Fprintf(a.stderr, "tenant  %s\n", key.Tenant)
		return a.printKey(key.ID, key.ExpiresAt, secret.Reveal())
	})
}

// printKey prints the key alone on stdout.
func (a *app) printKey(id string, expires time.Time, secret string) error {
	until := "it is revoked"
	if !expires.IsZero() {
		until = stamp(expires)
	}
	fmt.Fprintf(a.stderr, "key id  %s\nThe key is valid until %s. It is shown only this once:\n", id, until)
	_, err := fmt.Fprintln(a.stdout, secret)
	return err
}

// createdKey is a key as create prints it.
type createdKey struct {
	listedKey
	Key string `json:"key"`
}

type keysList struct {
	Database bool `help:"Work on the database, also where HYDRAPIN_URL is set."`
	Tenant   *id  `placeholder:"UUID" help:"Only the keys of this tenant, in the database."`
	JSON     bool `name:"json" help:"Print a JSON array."`
}

// Help implements kong.HelpProvider.
func (keysList) Help() string {
	return `It never prints a secret. On the database it works beside a running serve and needs no peppers.
` + databaseHelp + `

Example:

    hydrapin keys list --json`
}

// listedKey is a key as list prints it.
type listedKey struct {
	ID         string       `json:"id"`
	Prefix     string       `json:"prefix"`
	Kind       auth.Kind    `json:"kind"`
	State      string       `json:"state"`
	TenantID   *uuid.UUID   `json:"tenant_id,omitempty"`
	InstanceID *uuid.UUID   `json:"instance_id"`
	Scopes     []auth.Scope `json:"scopes"`
	Name       string       `json:"name"`
	CreatedAt  string       `json:"created_at"`
	CreatedBy  string       `json:"created_by"`
	ExpiresAt  *string      `json:"expires_at"`
	RevokedAt  *string      `json:"revoked_at"`
	LastUsedAt *string      `json:"last_used_at"`
}

func toListed(k auth.APIKey, now time.Time) listedKey {
	l := listedKey{
		ID: k.ID, Prefix: k.Prefix(), Kind: k.Kind, State: "live", TenantID: idOrNil(k.Tenant), Scopes: slices.Clone(k.Scopes), Name: k.Name,
		CreatedAt: stamp(k.CreatedAt), CreatedBy: string(k.CreatedByKind) + ":" + k.CreatedBy,
		ExpiresAt: stampOrNil(k.ExpiresAt), RevokedAt: stampOrNil(k.RevokedAt), LastUsedAt: stampOrNil(k.LastUsedAt),
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
	remote, err := a.isRemote(k.Database, k.Tenant)
	switch {
	case err != nil:
		return err
	case remote:
		return k.runRemote(ctx, a)
	}
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
		return a.printKeys(listed, k.JSON)
	})
}

func (a *app) printKeys(listed []listedKey, asJSON bool) error {
	if asJSON {
		return a.printJSON(listed)
	}
	t := a.newTable(1, "ID", "STATE", "TENANT", "OPENS", "NAME", "CREATED", "CREATED BY", "EXPIRES", "LAST USED")
	for _, l := range listed {
		opens := joinScopes(l.Scopes)
		if l.InstanceID != nil {
			opens = "instance " + l.InstanceID.String()
		}
		expires := "never"
		if l.ExpiresAt != nil {
			expires = *l.ExpiresAt
		}
		colour := map[string]string{"live": green, "expired": yellow, "revoked": red}[l.State]
		t.add(colour, l.ID, l.State, idText(l.TenantID), opens, l.Name, l.CreatedAt, l.CreatedBy, expires, textOf(l.LastUsedAt))
	}
	return t.print()
}

func joinScopes(scopes []auth.Scope) string {
	names := make([]string, len(scopes))
	for i, s := range scopes {
		names[i] = string(s)
	}
	return strings.Join(names, ",")
}

type keysRevoke struct {
	Database bool   `help:"Work on the database, also where HYDRAPIN_URL is set."`
	ID       string `arg:"" help:"The key's id, as list prints it: the part between hc_live_ or hc_agent_ and the last underscore. The whole key is accepted, too."`
}

// Help implements kong.HelpProvider.
func (keysRevoke) Help() string {
	return `With the key, every key that was created with it is revoked. Every node refuses them within 5 seconds. Revoking a key again
changes nothing.
` + databaseHelp + `

Example:

    hydrapin keys revoke 4fTz0aQmW9xL2bKc`
}

// Run revokes a key.
func (k keysRevoke) Run(ctx context.Context, a *app) error {
	// The whole key is accepted in place of its id.
	if _, fromKey, _, err := auth.ParseKey(k.ID); err == nil {
		k.ID = fromKey
	}
	remote, err := a.isRemote(k.Database, nil)
	switch {
	case err != nil:
		return err
	case remote:
		return k.runRemote(ctx, a)
	}
	return a.withService(ctx, func(s *service.Service) error {
		err := s.RevokeKey(ctx, service.Operator(uuid.Nil), k.ID)
		if errors.Is(err, service.ErrNotFound) {
			return fmt.Errorf("no key has this id; %s keys list shows them", programName)
		}
		if err == nil {
			a.printRevoked(k.ID)
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
