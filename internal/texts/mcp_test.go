//go:build npm

package texts_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestQuickStartOfMCP pastes the commands of docs/mcp.md into one fresh shell in a copy of the tree,
// beside the server and the person. npx finds the MCP server in what make guard has installed.
func TestQuickStartOfMCP(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join(root, "docs", "mcp.md"))
	must(t, err)
	tree, address := copyOfTree(t), freeAddress(t)
	modules, err := filepath.Abs(filepath.Join(root, "tools", "guard", "node_modules"))
	must(t, err)
	must(t, os.Symlink(modules, filepath.Join(tree, "node_modules")))
	env := append(freshEnvironment(t), "HYDRAPIN_ADDR="+address, "npm_config_offline=true")

	var script strings.Builder
	servers := 0
	for _, block := range codeBlock.FindAllStringSubmatch(string(page), -1) {
		content := strings.ReplaceAll(block[2], documented, address)
		switch {
		case block[1] != "sh":
		case content == background:
			serve(t, tree, address, env)
			servers++
		default:
			script.WriteString(content + "\necho\n")
		}
	}
	if servers != 1 {
		t.Fatalf("docs/mcp.md has %d times make run", servers)
	}
	pasted := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", script.String())
	pasted.Dir, pasted.Env = tree, env
	out, pages, err := watched(t, pasted, "http://"+address, "Run write_file")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if pages != 1 {
		t.Errorf("the commands printed %d links to a page, want 1:\n%s", pages, out)
	}
	for _, want := range []string{`"has_pin":true`, "the policy lists the skill", "Successfully wrote to hello.txt", "Hello"} {
		if !bytes.Contains(out, []byte(want)) {
			t.Errorf("the commands did not print %s:\n%s", want, out)
		}
	}
}
