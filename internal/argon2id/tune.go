package argon2id

import (
	"os"
	"runtime"
	"runtime/debug"
)

// cores is what Go found at the start: the machine's, a container's limit, or
// what GOMAXPROCS says. It is read before [Tune] can change it.
//
//nolint:gochecknoglobals // a constant that is known at the start only
var cores = max(1, runtime.GOMAXPROCS(0))

// DefaultWorkers returns the number of cores that the process may use, at least
// one. Hashing gains nothing from more workers than cores.
func DefaultWorkers() int { return cores }

const (
	gcPercent = 800
	// baseMemory is room for all that is not hashing.
	baseMemory = 128 << 20
	// blocksPerWorker is one memory block in use and three that are garbage.
	blocksPerWorker = 4
)

// Tune sets up the Go runtime for a server that hashes and answers other
// requests too. It changes the whole process; call it once, before serving.
//
//   - GOMAXPROCS becomes twice the cores. Go preempts a hashing goroutine only every
//     10 ms; with spare Ps another request runs at once, and the kernel divides the
//     cores in shorter slices.
//   - The garbage collector runs at 800 % instead of 100 %, under a soft memory
//     limit of 128 MiB and four hashes' memory for each worker. At 100 % each hash's
//     memory (19 MiB of it) starts a collection of its own.
//
// Measured on two cores with two workers hashing without pause, 1,000 reads a
// second beside them: with neither, 56 hashes/s and reads' p99 at 30 ms; with
// both, 52 hashes/s and 4.3 ms.
//
// The environment wins: where GOMAXPROCS, GOGC or GOMEMLIMIT is set, its setting is not changed.
func Tune(params Params, workers int) {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(2 * cores)
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(baseMemory + blocksPerWorker*int64(workers)*int64(params.MemoryKiB)<<10)
	}
}
