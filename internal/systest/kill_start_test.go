package systest_test

import (
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/hydratest"
)

// A first start that is killed at any point leaves a folder with which the second
// one works.
func TestKillFirstStart(t *testing.T) {
	t.Parallel()
	// Each file appears at a point of its own; then instants in between.
	for _, file := range []string{
		"hydrapin.lock", "jwt-secret", "peppers.new", "peppers", "receipt-keys", "hydrapin.db", "hydrapin.db-wal",
	} {
		killFirstStart(t, "when "+file+" is there", func(m *machine, n *node) {
			hydratest.Eventually(t, "the first start makes "+file, func() bool {
				_, err := os.Lstat(m.path("data/" + file))
				select {
				case <-n.done:
					t.Fatalf("serve ended: %v\n%s", n.err, n.text(&n.stderr))
				default:
				}
				// A file with the temporary name is there for a moment only.
				return err == nil || strings.HasSuffix(file, ".new") && exists(m, strings.TrimSuffix(file, ".new"))
			})
		})
	}
	r := random(t)
	for range 6 {
		at := time.Duration(r.Int64N(int64(200 * time.Millisecond)))
		killFirstStart(t, "after "+at.String(), func(*machine, *node) { after(t, at) })
	}
}

func exists(m *machine, file string) bool {
	_, err := os.Lstat(m.path("data/" + file))
	return err == nil
}

func killFirstStart(t *testing.T, when string, wait func(*machine, *node)) {
	t.Helper()
	m := newMachine(t, strings.Fields(cheapHash)...)
	first := m.launch()
	wait(m, first)
	first.kill()
	second := m.serve()
	// Whoever was killed between making the key and printing it makes another.
	tenant := uuid.New()
	key := m.key("--tenant", tenant.String(), "--scopes", "pins:read,pins:write")
	second.call(key, http.MethodPost, pinPath(uuid.New()), `{"pin":"`+m.newPIN()+`"}`).want(t, http.StatusOK)
	m.noteFolder()
	for _, file := range []string{"peppers", "receipt-keys", "jwt-secret", "hydrapin.db"} {
		info, err := os.Stat(m.path("data/" + file))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("killed %s: %s is %v, %v", when, file, info, err)
		}
	}
	if r := m.run(nil, "doctor"); r.code != 0 {
		t.Errorf("killed %s: doctor: exit code %d\n%s", when, r.code, r.stdout)
	}
	second.stop()
	const greeting = "They are shown only this once"
	if n := strings.Count(first.text(&first.stdout)+second.text(&second.stdout), greeting); n > 1 {
		t.Errorf("killed %s: the greeting came %d times", when, n)
	}
}
