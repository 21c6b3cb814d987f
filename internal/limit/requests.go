package limit

import (
	"crypto/sha256"
	"net/netip"
	"time"
)

const (
	// maxBuckets bounds the buckets of one kind: some 8 MB.
	maxBuckets = 32_768
	// maxCredential is the length of a credential from which on it is not looked at: none that
	// is valid is as long.
	maxCredential = 16 << 10
	// networkBits is how much of an IPv6 address is one subscriber's (RFC 6177).
	networkBits = 64
)

// Rates are the limits of requests.
type Rates struct {
	// Key is of an API key or token, Address of what comes from an address without a known one.
	Key, Address Rate
}

// Requests limits requests: a credential that is known to be valid is charged itself, everything else
// its address. What is not known to be valid can thus use up no credential's tokens, and the valid ones
// are no burden to those that share their address. It is safe for concurrent use.
type Requests struct {
	// off says that there is no limit at all.
	off       bool
	keys      *Buckets[[sha256.Size]byte]
	addresses *Buckets[netip.Prefix]
}

// NewRequests returns limits for requests.
func NewRequests(rates Rates, now func() time.Time) *Requests {
	return &Requests{
		off:       !rates.Key.Limits() && !rates.Address.Limits(),
		keys:      NewBuckets[[sha256.Size]byte]("key", rates.Key, maxBuckets, now),
		addresses: NewBuckets[netip.Prefix]("address", rates.Address, maxBuckets, now),
	}
}

// Take charges a request with a credential, which may be empty, from an address. It returns an
// [*ExceededError] when it comes too soon.
func (r *Requests) Take(credential string, from netip.Addr) error {
	if r.off {
		return nil
	}
	if credential != "" && len(credential) <= maxCredential {
		if id := sha256.Sum256([]byte(credential)); r.keys.Has(id) {
			return r.keys.Take(id)
		}
	}
	return r.addresses.Take(network(from))
}

// Know notes that a credential was verified.
func (r *Requests) Know(credential string) {
	if !r.off {
		r.keys.Know(sha256.Sum256([]byte(credential)))
	}
}

// Forget notes that a credential was refused.
func (r *Requests) Forget(credential string) {
	if len(credential) <= maxCredential {
		r.keys.Forget(sha256.Sum256([]byte(credential)))
	}
}

// network is what is charged for an address: one of IPv4 alone, of IPv6 its /64.
func network(a netip.Addr) netip.Prefix {
	a = a.Unmap().WithZone("")
	bits := a.BitLen()
	if a.Is6() {
		bits = networkBits
	}
	p, _ := a.Prefix(bits) // no address, the zero one, has the zero Prefix
	return p
}
