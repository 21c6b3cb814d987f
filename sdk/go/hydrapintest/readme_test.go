package hydrapintest_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hydracore/hydrapin/sdk/go/hydrapintest"
)

// The quick start of the SDK's README, compiled and run as it stands.
func TestReadme(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../hydrapin/README.md")
	must(t, err)
	_, program, _ := strings.Cut(string(readme), "```go\n")
	program, _, ok := strings.Cut(program, "```")
	if !ok {
		t.Fatal("no program")
	}
	srv := hydrapintest.Start(t)
	// Within the repository, so that the server's module has what it imports.
	folder, err := os.MkdirTemp(".", "testdata-readme-") //nolint:usetesting // it has to be within the module
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	file := filepath.Join(folder, "main.go")
	must(t, os.WriteFile(file, []byte(program), 0o600))
	run := exec.CommandContext(t.Context(), "go", "run", "./"+file)
	run.Env = append(os.Environ(), "HYDRAPIN_URL="+srv.URL, "HYDRAPIN_API_KEY="+srv.APIKey,
		"HYDRAPIN_RUNTIME_KEY="+srv.RuntimeKey, "HYDRAPIN_INSTANCE="+srv.Instance.String())
	run.Stdin = strings.NewReader("804615\n")
	out, err := run.CombinedOutput()
	want := `Send 250.00 EUR to DE89370400440532013000? PIN: Transferred {"amount":"250.00","currency":"EUR","to":"DE89370400440532013000"}`
	if err != nil || strings.TrimSpace(string(out)) != want {
		t.Errorf("%v: %s", err, out)
	}
}
