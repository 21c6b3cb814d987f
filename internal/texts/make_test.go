package texts_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	makeCommand = regexp.MustCompile("(?m)(?:`|^)make ([a-z0-9/]+)")
	makeTarget  = regexp.MustCompile(`(?m)^([a-z0-9/ ]+):(?:[^=]|$)`)
)

// TestMakeTargetsExist finds a target in the Makefile, or in what it includes, for every make
// command of the documents.
func TestMakeTargetsExist(t *testing.T) {
	t.Parallel()
	targets := map[string]bool{}
	for _, name := range []string{"Makefile", "sdk/python/python.mk"} {
		content, err := os.ReadFile(filepath.Join(root, name))
		must(t, err)
		for _, match := range makeTarget.FindAllStringSubmatch(string(content), -1) {
			for target := range strings.FieldsSeq(match[1]) {
				targets[target] = true
			}
		}
	}
	commands := 0
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/adr/*.md", "sdk/*/README.md"} {
		names, err := filepath.Glob(filepath.Join(root, pattern))
		must(t, err)
		for _, name := range names {
			content, err := os.ReadFile(name)
			must(t, err)
			for _, match := range makeCommand.FindAllStringSubmatch(string(content), -1) {
				commands++
				if !targets[match[1]] {
					t.Errorf("%s: the Makefile has no target %q", name, match[1])
				}
			}
		}
	}
	if commands < 10 {
		t.Errorf("the documents have %d make commands", commands)
	}
}
