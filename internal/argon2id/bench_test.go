package argon2id_test

import (
	"context"
	"runtime/metrics"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"golang.org/x/crypto/argon2"

	"github.com/hydracore/hydrapin/internal/argon2id"
)

// BenchmarkHashes compares, in one run and with the server's runtime settings,
// x/crypto's argon2id on one goroutine a core ("raw") with a pool that 64
// callers keep busy ("pool"), and with 64 callers that nothing bounds
// ("unbounded"). It reports hashes/s and the most memory that the Go runtime held
// from the system, in MiB.
func BenchmarkHashes(b *testing.B) {
	params := argon2id.DefaultParams()
	argon2id.Tune(params, argon2id.DefaultWorkers())
	rawHash := func(int) {
		argon2.IDKey(pepperBytes("k"), []byte("0123456789abcdef"), params.Time, params.MemoryKiB, params.Parallelism, 32)
	}
	b.Run("raw", func(b *testing.B) { hashes(b, argon2id.DefaultWorkers(), rawHash) })
	b.Run("pool/64callers", func(b *testing.B) {
		pool, err := argon2id.NewPool(argon2id.PoolConfig{Ring: mustRing(b, "p1"), Params: params, Queue: 128})
		if err != nil {
			b.Fatal(err)
		}
		defer pool.Close()
		secret := mustPIN(b, "2580")
		tenants := make([]uuid.UUID, 8)
		for i := range tenants {
			tenants[i] = uuid.New()
		}
		hashes(b, 64, func(caller int) {
			place, err := pool.Reserve(of(tenants[caller%len(tenants)]))
			if err != nil {
				b.Error(err)
				return
			}
			if _, err := place.Hash(context.Background(), someone, secret); err != nil {
				b.Error(err)
			}
		})
	})
	b.Run("unbounded/64callers", func(b *testing.B) { hashes(b, 64, rawHash) })
}

// hashes runs b.N hashes on that many goroutines.
func hashes(b *testing.B, callers int, hash func(caller int)) {
	b.Helper()
	var left, peak atomic.Int64
	left.Store(int64(b.N))
	var running sync.WaitGroup
	b.ResetTimer()
	for i := range callers {
		running.Go(func() {
			for left.Add(-1) >= 0 {
				hash(i)
				for now := heldMemory(); ; {
					seen := peak.Load()
					if now <= seen || peak.CompareAndSwap(seen, now) {
						break
					}
				}
			}
		})
	}
	running.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "hashes/s")
	b.ReportMetric(float64(peak.Load())/(1<<20), "MiB")
}

// heldMemory is what the Go runtime holds from the system now, in bytes.
func heldMemory() int64 {
	s := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(s)
	return int64(s[0].Value.Uint64()) - int64(s[1].Value.Uint64())
}
