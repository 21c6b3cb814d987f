// Package pin holds the rules of PINs: who has one, which PINs are accepted, and what
// incorrect attempts cost. Every decision is a pure function of a record, the
// settings and a time; the package knows no store, no hash and no transport.
package pin

import "github.com/google/uuid"

// HolderType says in what capacity somebody holds a PIN.
type HolderType string

// The types of holders. The values are stored and signed.
const (
	Customer HolderType = "customer"
	Identity HolderType = "identity"
)

// Holder is who has a PIN. The whole tuple is the key of PIN, attempts and
// sessions: one UUID as customer and as identity is two holders.
type Holder struct {
	Type   HolderType
	Tenant uuid.UUID
	// Instance is uuid.Nil for a customer.
	Instance uuid.UUID
	ID       uuid.UUID
}

// CustomerHolder returns the holder for a tenant's customer.
func CustomerHolder(tenant, customer uuid.UUID) Holder {
	return Holder{Type: Customer, Tenant: tenant, ID: customer}
}

// IdentityHolder returns the holder for a channel identity of an instance.
func IdentityHolder(tenant, instance, identity uuid.UUID) Holder {
	return Holder{Type: Identity, Tenant: tenant, Instance: instance, ID: identity}
}
