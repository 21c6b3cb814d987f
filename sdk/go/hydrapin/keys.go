package hydrapin

import (
	"context"
	"fmt"
	"iter"
	"net/url"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/sdk/go/hydrapin/internal/client"
)

// Scope is a right of an API key. A server that is newer than this package may send others.
type Scope string

// The scopes.
const (
	ScopePINsRead      Scope = "pins:read"
	ScopePINsWrite     Scope = "pins:write"
	ScopePoliciesRead  Scope = "pin-policies:read"
	ScopePoliciesWrite Scope = "pin-policies:write"
	ScopeKeysRead      Scope = "api-keys:read"
	ScopeKeysWrite     Scope = "api-keys:write"
	ScopeEventsRead    Scope = "events:read"
	ScopeWebhooksRead  Scope = "webhooks:read"
	ScopeWebhooksWrite Scope = "webhooks:write"
)

// KeyKind says what a key opens: what its scopes say, or the internal operations of an instance.
type KeyKind string

// The kinds of keys.
const (
	KindAPIKey     KeyKind = "api_key"
	KindRuntimeKey KeyKind = "runtime_key"
)

// APIKey is a key as the server lists it, without its secret.
type APIKey struct {
	// ID names the key, and Prefix is how it begins. Neither is a secret.
	ID, Prefix string
	Kind       KeyKind
	// Name is for people, and may be "".
	Name string
	// Scopes are those of an API key, and Instance is that of a runtime key.
	Scopes   []Scope
	Instance uuid.UUID
	// CreatedBy is the kind and the id of the credential that created the key, as in "jwt:ada".
	CreatedAt time.Time
	CreatedBy string
	// ExpiresAt, RevokedAt and LastUsedAt are zero if the key does not expire, is not revoked, and
	// was never used. LastUsedAt may be a minute old.
	ExpiresAt, RevokedAt, LastUsedAt time.Time
}

// CreatedKey is a key that was just created. Key is shown only this once: store what [Key.Reveal]
// returns as a secret.
type CreatedKey struct {
	APIKey
	Key Key
}

// NewAPIKey is a key to create: with Scopes an API key, with Instance a runtime key.
type NewAPIKey struct {
	Name     string
	Scopes   []Scope
	Instance uuid.UUID
	// ExpiresAt is zero for a key that expires with the one that creates it, or not at all.
	ExpiresAt time.Time
}

// CreateAPIKey creates a key. With an API key as credential it creates only API keys, with no scope
// that the credential lacks and no later expiry: otherwise it returns [ErrForbidden]. A call whose
// answer is lost is not repeated; [Admin.APIKeys] shows whether the key exists.
func (a *Admin) CreateAPIKey(ctx context.Context, k NewAPIKey) (CreatedKey, error) {
	create := client.CreateApiKey{Name: k.Name}
	if k.Instance != uuid.Nil {
		create.InstanceId = &k.Instance
	}
	if len(k.Scopes) > 0 {
		scopes := make([]client.ApiKeyScope, len(k.Scopes))
		for i, s := range k.Scopes {
			scopes[i] = client.ApiKeyScope(s)
		}
		create.Scopes = &scopes
	}
	if !k.ExpiresAt.IsZero() {
		at := k.ExpiresAt.UTC()
		create.ExpiresAt = &at
	}
	body, err := encode(create)
	if err != nil {
		return CreatedKey{}, err
	}
	return read(ctx, a.c, call{op: client.OpCreateApiKey, body: body}, fromCreatedKey)
}

// RevokeAPIKey revokes a key for good, with every key that was created with it. An API key can
// revoke itself and those alone: otherwise it returns [ErrForbidden]. It also succeeds if the key
// is revoked already.
func (a *Admin) RevokeAPIKey(ctx context.Context, id string) error {
	if id == "" {
		return fmt.Errorf("%w: the id of the key is empty", ErrArgument)
	}
	return a.c.nothing(ctx, call{op: client.OpRevokeApiKey, at: []string{url.PathEscape(id)}})
}

// APIKeys iterates over the keys of the tenant, the oldest first, expired and revoked ones too. A
// list reaches its first 10,000 entries.
func (a *Admin) APIKeys(ctx context.Context) iter.Seq2[APIKey, error] {
	return numbered(url.Values{}, func(query url.Values) ([]APIKey, int, error) {
		list, err := read(ctx, a.c, call{op: client.OpListApiKeys, query: query}, func(w client.ApiKeyList) (client.ApiKeyList, error) {
			return w, nil
		})
		keys := make([]APIKey, len(list.ApiKeys))
		for i, w := range list.ApiKeys {
			keys[i] = fromAPIKey(w)
		}
		return keys, list.TotalPages, err
	})
}

func fromAPIKey(w client.ApiKey) APIKey {
	k := APIKey{
		ID: w.Id, Prefix: w.Prefix, Kind: KeyKind(w.Kind), Name: valueOf(w.Name), Scopes: make([]Scope, len(w.Scopes)),
		CreatedAt: w.CreatedAt, CreatedBy: w.CreatedBy,
		ExpiresAt: timeOf(w.ExpiresAt), RevokedAt: timeOf(w.RevokedAt), LastUsedAt: timeOf(w.LastUsedAt),
	}
	for i, s := range w.Scopes {
		k.Scopes[i] = Scope(s)
	}
	if w.InstanceId != nil {
		k.Instance = *w.InstanceId
	}
	return k
}

func fromCreatedKey(w client.CreatedApiKey) (CreatedKey, error) {
	return CreatedKey{Key: NewKey(w.Key), APIKey: fromAPIKey(client.ApiKey{
		Id: w.Id, Prefix: w.Prefix, Kind: client.ApiKeyKind(w.Kind), Name: w.Name, Scopes: w.Scopes, InstanceId: w.InstanceId,
		CreatedAt: w.CreatedAt, CreatedBy: w.CreatedBy, ExpiresAt: w.ExpiresAt, RevokedAt: w.RevokedAt, LastUsedAt: w.LastUsedAt,
	})}, nil
}
