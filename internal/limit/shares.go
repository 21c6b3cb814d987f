package limit

// Shares says whether a caller gets one more of the places of a queue.
//
// A tenant alone may hold all places. While several hold some, one that holds its equal share or
// more gets no further one; so do a tenant's credentials with the tenant's share. A tenant that holds
// none always gets one, even when the queue is full, until there are as many extra places again. Half
// of those are also for a credential that holds none while others of its tenant hold the tenant's
// share; the other half is left for tenants, so that one with many credentials takes no other's.
func Shares(places int, h Held) bool {
	if h.Tenant == 0 {
		return h.Total < 2*places
	}
	share := part(places, h.Tenants)
	if h.Credential == 0 {
		return h.Tenant < 2*share && h.Total < places+places/2
	}
	return h.Total < places && h.Tenant < share && h.Credential < part(share, h.Credentials)
}

// part is an equal share of what there is, and at least one.
func part(of, among int) int { return max(1, of/max(1, among)) }

// Bounds say how much may be held at once. Zero is no bound.
type Bounds struct{ Total, Tenant, Credential int }

// Verdict is what [Bounds.Admit] says.
type Verdict int

// The verdicts.
const (
	// Admitted: the caller gets one more.
	Admitted Verdict = iota
	// OverBound: the caller, or its tenant, has as many as it may.
	OverBound
	// Full: all have as many together as there may be.
	Full
)

// Admit says whether a caller may hold one more. A credential that holds none gets one beyond its
// tenant's bound, up to half as many again, and a tenant that holds none gets one beyond the total, up
// to as many again: who floods shuts out only itself.
func (b Bounds) Admit(h Held) Verdict {
	tenant, total := b.Tenant, b.Total
	if h.Credential == 0 {
		tenant += tenant / 2
	}
	if h.Tenant == 0 {
		total *= 2
	}
	switch {
	case b.Credential > 0 && h.Credential >= b.Credential, b.Tenant > 0 && h.Tenant >= tenant:
		return OverBound
	case b.Total > 0 && h.Total >= total:
		return Full
	default:
		return Admitted
	}
}
