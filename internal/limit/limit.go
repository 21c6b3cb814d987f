// Package limit holds the rules that keep one tenant's load from becoming another's outage: fair
// shares of places, turns, transaction slots, and token buckets for requests.
//
// It guarantees that what it keeps is bounded, that a tenant which has nothing gets something, and
// that nothing is taken back once it is given. The rules are pure, and clocks are injected. It must
// not know HTTP, hashing or a database.
package limit

import "github.com/google/uuid"

// Caller is who asks: a tenant, and a credential of it.
type Caller struct {
	Tenant uuid.UUID
	// Credential tells the tenant's credentials apart.
	Credential string
}

// Held counts what is held, as one more is asked for.
type Held struct {
	Total int
	// Tenants is how many tenants hold something, and Tenant how much the asking one holds.
	Tenants, Tenant int
	// Credentials is how many credentials of the asking tenant hold something, and Credential
	// how much the asking one holds.
	Credentials, Credential int
}

// Ledger counts what each caller holds. It is as large as what is held, and not safe for concurrent
// use. The zero Ledger is empty.
type Ledger struct {
	total   int
	tenants map[uuid.UUID]*tally
}

type tally struct {
	held        int
	credentials map[string]int
}

// Total returns how much is held by all.
func (l *Ledger) Total() int { return l.total }

// Held returns the counts as the caller asks for one more.
func (l *Ledger) Held(c Caller) Held {
	h := Held{Total: l.total, Tenants: len(l.tenants)}
	if t := l.tenants[c.Tenant]; t != nil {
		h.Tenant, h.Credentials, h.Credential = t.held, len(t.credentials), t.credentials[c.Credential]
	}
	return h
}

// Take counts one more for the caller.
func (l *Ledger) Take(c Caller) {
	if l.tenants == nil {
		l.tenants = map[uuid.UUID]*tally{}
	}
	t := l.tenants[c.Tenant]
	if t == nil {
		t = &tally{credentials: map[string]int{}}
		l.tenants[c.Tenant] = t
	}
	l.total++
	t.held++
	t.credentials[c.Credential]++
}

// Give counts one less for a caller that took one.
func (l *Ledger) Give(c Caller) {
	t := l.tenants[c.Tenant]
	l.total--
	t.held--
	if t.credentials[c.Credential]--; t.credentials[c.Credential] == 0 {
		delete(t.credentials, c.Credential)
	}
	if t.held == 0 {
		delete(l.tenants, c.Tenant)
	}
}
