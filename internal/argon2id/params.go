// Package argon2id hashes PINs with argon2id under a pepper, in a bounded pool.
//
// It guarantees that a stored hash is of use only with its pepper, and only for
// the holder it was made for; that no more hashes run at once than there are
// workers, and no more wait than there are places; that what it reads from
// storage is bounded before it costs anything; and that neither a PIN nor a
// pepper is in any error, format verb or log value.
//
// It must not know attempts, locks, stores or transport: the service decides when
// to hash and what an outcome means.
package argon2id

import (
	"errors"
	"fmt"
)

// Bounds of the values that are accepted from settings and from storage. RFC 9106 allows far more;
// these keep a damaged row or a mistyped setting from asking for more than a server has.
const (
	maxMemoryKiB   = 1 << 20 // 1 GiB
	maxTime        = 64
	maxParallelism = 16
	// memoryPerLane is RFC 9106's least memory, in KiB for each lane.
	memoryPerLane = 8
)

// Params are argon2id's costs (RFC 9106, section 3.1).
type Params struct {
	// MemoryKiB is the memory of one hash in KiB: 8 for each lane up to 1 GiB.
	MemoryKiB uint32
	// Time is the number of passes over the memory: 1 to 64.
	Time uint32
	// Parallelism is the number of lanes: 1 to 16.
	Parallelism uint8
}

// DefaultParams returns the second choice of OWASP's Password Storage Cheat
// Sheet: 19 MiB, two passes, one lane.
func DefaultParams() Params { return Params{MemoryKiB: 19456, Time: 2, Parallelism: 1} }

// ErrParams is returned by [Params.Validate].
var ErrParams = errors.New("argon2id: parameters out of bounds")

// Validate returns an error that is [ErrParams] and names the bound when a cost
// is outside what [Params] documents.
func (p Params) Validate() error {
	switch {
	case p.Parallelism < 1 || p.Parallelism > maxParallelism:
		return fmt.Errorf("%w: parallelism %d is not within 1 and %d", ErrParams, p.Parallelism, maxParallelism)
	case p.Time < 1 || p.Time > maxTime:
		return fmt.Errorf("%w: time %d is not within 1 and %d", ErrParams, p.Time, maxTime)
	case p.MemoryKiB < memoryPerLane*uint32(p.Parallelism) || p.MemoryKiB > maxMemoryKiB:
		return fmt.Errorf("%w: memory %d KiB is not within %d and %d KiB",
			ErrParams, p.MemoryKiB, memoryPerLane*uint32(p.Parallelism), maxMemoryKiB)
	}
	return nil
}
