package guardproof_test

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/hydracore/hydrapin/internal/hydratest"
)

// Of a call that needs no PIN, nothing leaves guard but the name of its skill; and no argument is in
// guard's log.
func TestAFreeCallIsNotReported(t *testing.T) {
	t.Parallel()
	hydra := hydratest.Start(t, hydratest.Options{LogLevel: slog.LevelError})
	for _, k := range everyKind {
		t.Run(k.String(), func(t *testing.T) {
			t.Parallel()
			s := newStage(t, hydra, k)
			g := s.start(setup{})
			const private = "8f14e45fceea167a5a36dedd4bea2543"
			g.call(freeTool, `{"account":"`+private+`"}`).wantRan()
			g.ran(guardedTool, `{"to":"`+private+`-confirmed"}`)
			g.settled()
			if said := s.front.said(); strings.Contains(strings.ReplaceAll(said, private+"-confirmed", ""), private) {
				t.Errorf("guard sent hydrapin the arguments of a call that needs no PIN:\n%s", said)
			}
			if strings.Contains(g.log.String(), private) {
				t.Errorf("guard's log has arguments:\n%s", &g.log)
			}
			for _, e := range readRecord(t, s.path).messages {
				if strings.Contains(string(e.Raw), s.runtime) || strings.Contains(strings.Join(e.Header, "\n"), s.runtime) {
					t.Error("the server has guard's runtime key")
				}
			}
		})
	}
}
