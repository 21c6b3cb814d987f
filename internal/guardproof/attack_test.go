package guardproof_test

import (
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/hydracore/hydrapin/internal/hydratest"
)

// envReport names a file that the table is appended to.
const envReport = "HYDRAPIN_TEST_GUARD_REPORT"

// outcome is what became of a row, over all its kinds.
type outcome struct {
	mu                       sync.Mutex
	kinds, ran, without, bad int
}

func TestAttack(t *testing.T) {
	t.Parallel()
	hydra := hydratest.Start(t, hydratest.Options{LogLevel: slog.LevelError})
	hydratest.Binary(t)
	outcomes := make([]outcome, len(attacks))
	t.Run("table", func(t *testing.T) {
		for i, a := range attacks {
			for _, k := range a.kinds {
				t.Run(a.name+" over "+k.String(), func(t *testing.T) {
					t.Parallel()
					s := newStage(t, hydra, k)
					defer outcomes[i].count(t, s, a)
					a.run(t, s)
				})
			}
		}
	})
	printTable(t, outcomes)
}

// count compares the record with what the person confirmed, also when the attack ended early.
func (o *outcome) count(t *testing.T, s *stage, a attack) {
	t.Helper()
	v := s.judge()
	o.mu.Lock()
	defer o.mu.Unlock()
	o.kinds++
	o.ran += v.ran - len(v.without)
	o.without += len(v.without)
	for _, raw := range v.without {
		t.Errorf("ran without the PIN: %s", raw)
	}
	switch {
	case a.ran == upToConfirmed && v.ran > v.confirmed, a.ran != upToConfirmed && v.ran != a.ran:
		t.Errorf("%d calls ran, want %d; %d were confirmed", v.ran, a.ran, v.confirmed)
	}
	if t.Failed() {
		o.bad++
	}
}

func printTable(t *testing.T, outcomes []outcome) {
	t.Helper()
	var out strings.Builder
	out.WriteString("| attack | the attacker can | tried | over | ran with the PIN | ran without |\n|---|---|---|---|---|---|\n")
	for i, a := range attacks {
		if outcomes[i].kinds == 0 {
			continue // left out by -run
		}
		without := "nothing"
		if outcomes[i].without > 0 {
			without = fmt.Sprint(outcomes[i].without)
		}
		if outcomes[i].bad > 0 {
			without += " (failed)"
		}
		fmt.Fprintf(&out, "| %s | %s | %s | %d | %d | %s |\n", a.name, a.may, a.tried, outcomes[i].kinds, outcomes[i].ran, without)
	}
	t.Log("\n" + out.String())
	name := os.Getenv(envReport)
	if name == "" {
		return
	}
	f, err := os.OpenFile(name, os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o600)
	must(t, err)
	_, err = f.WriteString(out.String())
	must(t, err)
	must(t, f.Close())
}

// The count itself can fail: a call that reaches the server without guard is one that ran without the
// PIN, in every spelling.
func TestTheRecordCountsWhatRan(t *testing.T) {
	t.Parallel()
	hydra := hydratest.Start(t, hydratest.Options{LogLevel: slog.LevelError})
	for i, raw := range []string{
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"send_money","arguments":{"amount":"1"}}}`,
		`{"jsonrpc":"2.0","method":"Tools\u002fCall","params":{"name":"read_balance"}}`,
		`[{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read_balance"}}]`,
		`{"jsonrpc":"2.0","id":1,"method":"ping","Method":"tools/call"}`,
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read_balance","Name":"send_money"}}`,
		`{"id":1,"method":"tools/call"`,
		"{\x00\"\x00m\x00e\x00t\x00h\x00o\x00d\x00\"\x00:\x00\"\x00t\x00o\x00o\x00l\x00s\x00/\x00c\x00a\x00l\x00l\x00\"\x00}\x00",
	} {
		s := newStage(t, hydra, httpOlder)
		r, err := newRecorder(s.path, honest)
		must(t, err)
		must(t, r.write(entry{Raw: []byte(raw)}))
		must(t, r.write(entry{Raw: []byte(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read_balance"}}`)}))
		must(t, r.file.Close())
		if v := s.judge(); v.ran != 1 || len(v.without) != 1 {
			t.Errorf("%d: the record of %s says %+v", i, raw, v)
		}
	}
}
