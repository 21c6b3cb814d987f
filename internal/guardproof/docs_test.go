package guardproof_test

import (
	"encoding/json"
	"log/slog"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/hydracore/hydrapin/internal/hydratest"
)

var fenced = regexp.MustCompile("(?ms)^```(json|yaml)\n(.*?)^```$") //nolint:gocritic // with (?m), ^ is the start of any line

// The settings that docs/mcp.md shows are settings that guard takes, and its JSON is JSON.
func TestDocumentedSettings(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/mcp.md")
	must(t, err)
	config, others := "", 0
	for _, block := range fenced.FindAllStringSubmatch(string(page), -1) {
		switch {
		case strings.HasPrefix(block[2], "server:"), strings.HasPrefix(block[2], "tools:"):
			config += block[2]
		case block[1] == "json":
			others++
			if !json.Valid([]byte(block[2])) {
				t.Errorf("this is not JSON:\n%s", block[2])
			}
		}
	}
	if !strings.Contains(config, "holder:") || !strings.Contains(config, "summary:") || others < 2 {
		t.Fatalf("docs/mcp.md has %d blocks of JSON and the settings\n%s", others, config)
	}
	s := newStage(t, hydratest.Start(t, hydratest.Options{LogLevel: slog.LevelError}), stdioNewer)
	s.start(setup{anyHolder: true, config: config}).settled()
}
