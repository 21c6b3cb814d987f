package auth

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// ErrClaimName is returned by [ParseClaim] and [ParseAdminClaim]; its text says what
// a claim name looks like.
var ErrClaimName = errors.New("auth: not a claim name")

// The claim names that HydraCore's own issuer uses, and so the defaults.
const (
	DefaultTenantClaim   = "tenant_id"
	DefaultCustomerClaim = "customer_id"
	DefaultAdminClaim    = "is_admin"
	DefaultAudienceClaim = "aud"
)

// Claim is where a token has a value: a claim's name or, when it begins with "/", a
// JSON Pointer (RFC 6901) into the claims.
type Claim struct {
	name string
	path []string
}

// ParseClaim reads a claim name or a JSON Pointer. The error is [ErrClaimName].
func ParseClaim(s string) (Claim, error) {
	if s == "" {
		return Claim{}, errors.Join(ErrClaimName, errors.New("it is empty"))
	}
	if s[0] != '/' {
		return Claim{name: s, path: []string{s}}, nil
	}
	path := strings.Split(s[1:], "/")
	for i, token := range path {
		plain := strings.NewReplacer("~0", "", "~1", "").Replace(token)
		if token == "" || strings.Contains(plain, "~") {
			return Claim{}, errors.Join(ErrClaimName, errors.New("a JSON Pointer looks like /realm_access/roles, with ~1 for / and ~0 for ~"))
		}
		path[i] = strings.NewReplacer("~1", "/", "~0", "~").Replace(token)
	}
	return Claim{name: s, path: path}, nil
}

// String returns the claim as it was configured.
func (c Claim) String() string { return c.name }

func (c Claim) isZero() bool { return c.name == "" }

// AdminClaim says which tokens are an admin's: those where the claim is true or,
// when it was written name=value, where it is that string or an array that holds it.
type AdminClaim struct {
	Claim

	value *string
}

// ParseAdminClaim reads a claim, or a claim and a value. The first "=" divides. The
// error is [ErrClaimName].
func ParseAdminClaim(s string) (AdminClaim, error) {
	name, value, hasValue := strings.Cut(s, "=")
	claim, err := ParseClaim(name)
	if err != nil {
		return AdminClaim{}, err
	}
	if !hasValue {
		return AdminClaim{Claim: claim}, nil
	}
	if value == "" {
		return AdminClaim{}, errors.Join(ErrClaimName, errors.New("nothing follows the ="))
	}
	return AdminClaim{Claim: claim, value: &value}, nil
}

// String returns the claim as it was configured.
func (c AdminClaim) String() string {
	if c.value == nil {
		return c.name
	}
	return c.name + "=" + *c.value
}

// ClaimNames says under which names an issuer writes what hydrapin needs. A zero
// field means the default.
type ClaimNames struct {
	Tenant, Customer, Audience Claim
	Admin                      AdminClaim
}

// withDefaults fills in the names that were not configured.
func (n ClaimNames) withDefaults() ClaimNames {
	for _, f := range []struct {
		claim *Claim
		name  string
	}{
		{&n.Tenant, DefaultTenantClaim},
		{&n.Customer, DefaultCustomerClaim},
		{&n.Admin.Claim, DefaultAdminClaim},
		{&n.Audience, DefaultAudienceClaim},
	} {
		if f.claim.isZero() {
			*f.claim = Claim{name: f.name, path: []string{f.name}}
		}
	}
	return n
}

// document is the claims of a token. The decoder has refused duplicate names at
// every depth.
type document map[string]jsontext.Value

// find returns the value of a claim, or nil when there is none. Null is none.
func (d document) find(c Claim) jsontext.Value {
	value := d[c.path[0]]
	for _, token := range c.path[1:] {
		value = member(value, token)
	}
	if value.Kind() == jsontext.KindNull {
		return nil
	}
	return value
}

// member returns what a JSON Pointer's token refers to (RFC 6901 section 4).
func member(v jsontext.Value, token string) jsontext.Value {
	switch v.Kind() {
	case jsontext.KindBeginObject:
		var object map[string]jsontext.Value
		if json.Unmarshal(v, &object) == nil {
			return object[token]
		}
	case jsontext.KindBeginArray:
		var array []jsontext.Value
		i, err := strconv.Atoi(token)
		if err == nil && strconv.Itoa(i) == token && json.Unmarshal(v, &array) == nil && i >= 0 && i < len(array) {
			return array[i]
		}
	default:
	}
	return nil
}

// text reads a claim that is a string; "" when it is absent. Errors name the claim.
func (d document) text(c Claim) (string, error) {
	value := d.find(c)
	if value == nil {
		return "", nil
	}
	var s string
	if json.Unmarshal(value, &s) != nil {
		return "", invalid(c.String() + " is not a string")
	}
	return s, nil
}

// texts reads a claim that is one string or an array of strings, as aud is
// (RFC 7519 section 4.1.3); nil when it is absent.
func (d document) texts(c Claim) ([]string, error) {
	value := d.find(c)
	if value == nil {
		return nil, nil
	}
	var one string
	if json.Unmarshal(value, &one) == nil {
		return []string{one}, nil
	}
	// Pointers, because a null would otherwise read as an empty string.
	var list []*string
	if json.Unmarshal(value, &list) != nil || slices.Contains(list, nil) {
		return nil, invalid(c.String() + " is not a string or an array of strings")
	}
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = *s
	}
	return out, nil
}

// admin says whether the token is an admin's.
func (d document) admin(c AdminClaim) (bool, error) {
	value := d.find(c.Claim)
	if value == nil {
		return false, nil
	}
	if c.value != nil {
		return holds(value, *c.value), nil
	}
	var yes bool
	if json.Unmarshal(value, &yes) != nil {
		return false, invalid(c.String() + " is not true or false")
	}
	return yes, nil
}

// holds says whether value is the string, or an array with it. Other elements of
// the array are another application's business.
func holds(value jsontext.Value, want string) bool {
	elements := []jsontext.Value{value}
	if value.Kind() == jsontext.KindBeginArray && json.Unmarshal(value, &elements) != nil {
		return false
	}
	return slices.ContainsFunc(elements, func(e jsontext.Value) bool {
		var s string
		return e.Kind() == jsontext.KindString && json.Unmarshal(e, &s) == nil && s == want
	})
}

// set stores a value under a claim's name or pointer, making the objects on the way.
func (c Claim) set(claims map[string]any, value any) error {
	at := claims
	for _, token := range c.path[:len(c.path)-1] {
		switch next := at[token].(type) {
		case nil:
			made := map[string]any{}
			at[token] = made
			at = made
		case map[string]any:
			at = next
		default:
			return errors.Join(ErrInvalidClaims, errors.New(c.String()+" leads through another claim"))
		}
	}
	last := c.path[len(c.path)-1]
	if _, taken := at[last]; taken {
		return errors.Join(ErrInvalidClaims, errors.New(c.String()+" is the name of another claim too"))
	}
	at[last] = value
	return nil
}
