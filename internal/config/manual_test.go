package config_test

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hydracore/hydrapin/internal/config"
)

// The tables of the operations page are the definitions of the settings, word for
// word. HYDRAPIN_TEST_UPDATE=1 writes them.
func TestOperationsPage(t *testing.T) {
	t.Parallel()
	const path = "../../docs/operations.md"
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := string(page)
	for _, table := range []struct {
		head     string
		settings []config.Documented
	}{
		{"| setting | default | meaning |", config.Manual()},
		{"| client setting | default | meaning |", config.ClientSettings()},
	} {
		before, rest, found := strings.Cut(want, table.head+"\n")
		_, after, ended := strings.Cut(rest, "\n\n")
		if !found || !ended {
			t.Fatalf("the page has no table %q", table.head)
		}
		want = before + table.head + "\n" + rows(table.settings) + "\n" + after
	}
	if os.Getenv("HYDRAPIN_TEST_UPDATE") == "1" {
		if err := os.WriteFile(path, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, string(page)); diff != "" {
		t.Errorf("%s is not what the settings say; HYDRAPIN_TEST_UPDATE=1 go test ./internal/config writes it (-want +got):\n%s", path, diff)
	}
}

// rows writes settings as the rows of a Markdown table.
func rows(settings []config.Documented) string {
	var b strings.Builder
	b.WriteString("| --- | --- | --- |\n")
	for _, d := range settings {
		standard, help := d.Default, d.Help
		// Markdown would take <data> for a tag.
		if d.Literal || strings.Contains(standard, "<") {
			standard = "`" + standard + "`"
		}
		if d.File {
			help += " (or `" + d.Name + "_FILE`)"
		}
		b.WriteString("| `" + d.Name + "` | " + standard + " | " + help + " |\n")
	}
	return b.String()
}
