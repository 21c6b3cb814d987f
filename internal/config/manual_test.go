package config_test

import (
	"os"
	"strings"
	"testing"

	"github.com/hydracore/hydrapin/internal/config"
)

// The operations page has every setting with its default and meaning, and no
// other.
func TestOperationsPage(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]string{}
	for line := range strings.Lines(string(page)) {
		if cells := strings.Split(line, "|"); len(cells) == 5 && strings.HasPrefix(cells[1], " `HYDRAPIN_") {
			rows[strings.Trim(cells[1], " `")] = line
		}
	}
	manual := config.Manual()
	if len(rows) != len(manual) {
		t.Errorf("%d settings on the page, want %d", len(rows), len(manual))
	}
	for _, d := range manual {
		help, file, _ := strings.Cut(d.Help, "; also as ")
		for _, want := range []string{d.Default, help, file} {
			if !strings.Contains(rows[d.Name], want) {
				t.Errorf("%s: its row does not say %q: %s", d.Name, want, rows[d.Name])
			}
		}
	}
}
