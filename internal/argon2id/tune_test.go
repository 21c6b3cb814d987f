package argon2id_test

import (
	"runtime"
	"runtime/debug"
	"testing"

	"github.com/hydracore/hydrapin/internal/argon2id"
)

// runtimeNow returns the settings that Tune may change.
func runtimeNow() (procs, gcPercent int, memory int64) {
	gcPercent = debug.SetGCPercent(100)
	debug.SetGCPercent(gcPercent)
	return runtime.GOMAXPROCS(0), gcPercent, debug.SetMemoryLimit(-1)
}

// It changes the whole process, so it runs alone and puts back what it found.
func TestTune(t *testing.T) {
	procs, gcPercent, memory := runtimeNow()
	restore := func() {
		runtime.GOMAXPROCS(procs)
		debug.SetGCPercent(gcPercent)
		debug.SetMemoryLimit(memory)
	}
	t.Cleanup(restore)
	for _, name := range []string{"GOMAXPROCS", "GOGC", "GOMEMLIMIT"} {
		t.Setenv(name, "")
	}
	argon2id.Tune(argon2id.DefaultParams(), 2)
	gotProcs, gotGC, gotMemory := runtimeNow()
	if wantMemory := int64(128<<20 + 2*4*19<<20); gotProcs != 2*argon2id.Cores() || gotGC != 800 || gotMemory != wantMemory {
		t.Errorf("GOMAXPROCS %d, GC %d %%, limit %d", gotProcs, gotGC, gotMemory)
	}
	if argon2id.DefaultWorkers() != argon2id.Cores() {
		t.Errorf("%d workers for %d cores", argon2id.DefaultWorkers(), argon2id.Cores())
	}
	restore()
	t.Setenv("GOMAXPROCS", "1")
	t.Setenv("GOGC", "100")
	t.Setenv("GOMEMLIMIT", "1GiB")
	argon2id.Tune(argon2id.DefaultParams(), 2)
	if p, g, m := runtimeNow(); p != procs || g != gcPercent || m != memory {
		t.Errorf("what the environment sets was changed: GOMAXPROCS %d, GC %d %%, limit %d", p, g, m)
	}
}
