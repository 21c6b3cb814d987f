package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/sdk/go/hydrapin"
)

// runRemote creates a key through the API.
func (k keysCreate) runRemote(ctx context.Context, a *app) error {
	if k.Name == "" {
		return usage("--name is missing: through the API every key has a name for people")
	}
	c, err := a.client()
	if err != nil {
		return err
	}
	spec := k.spec()
	fresh := hydrapin.NewAPIKey{Name: k.Name, Instance: spec.Instance}
	for _, s := range spec.Scopes {
		fresh.Scopes = append(fresh.Scopes, hydrapin.Scope(s))
	}
	if k.ExpiresIn.Duration > 0 {
		fresh.ExpiresAt = time.Now().Add(k.ExpiresIn.Duration)
	}
	created, err := c.CreateAPIKey(ctx, fresh)
	if err != nil {
		return explain(err)
	}
	if k.JSON {
		return a.printJSON(createdKey{listedKey: fromRemote(created.APIKey), Key: created.Key.Reveal()})
	}
	return a.printKey(created.ID, created.ExpiresAt, created.Key.Reveal())
}

// runRemote lists keys through the API.
func (k keysList) runRemote(ctx context.Context, a *app) error {
	c, err := a.client()
	if err != nil {
		return err
	}
	listed := []listedKey{}
	for key, err := range c.APIKeys(ctx) {
		if err != nil {
			return explain(err)
		}
		listed = append(listed, fromRemote(key))
	}
	return a.printKeys(listed, k.JSON)
}

// runRemote revokes a key through the API.
func (k keysRevoke) runRemote(ctx context.Context, a *app) error {
	c, err := a.client()
	if err != nil {
		return err
	}
	if err := c.RevokeAPIKey(ctx, k.ID); errors.Is(err, hydrapin.ErrNotFound) {
		return fmt.Errorf("no key has this id; %s keys list shows them", programName)
	} else if err != nil {
		return explain(err)
	}
	a.printRevoked(k.ID)
	return nil
}

func (a *app) printRevoked(id string) {
	fmt.Fprintf(a.stderr, "Key %s is revoked, with what it created; every node refuses them within 5 seconds.\n", id)
}

// fromRemote is a key of the API as list prints it. Its tenant is that of the credential.
func fromRemote(k hydrapin.APIKey) listedKey {
	scopes := make([]auth.Scope, len(k.Scopes))
	for i, s := range k.Scopes {
		scopes[i] = auth.Scope(s)
	}
	l := toListed(auth.APIKey{
		ID: k.ID, Kind: auth.Kind(k.Kind), Tenant: uuid.Nil, Instance: k.Instance, Scopes: scopes, Name: k.Name,
		CreatedAt: k.CreatedAt, ExpiresAt: k.ExpiresAt, RevokedAt: k.RevokedAt, LastUsedAt: k.LastUsedAt,
	}, time.Now())
	l.CreatedBy, l.Prefix = k.CreatedBy, k.Prefix
	return l
}
