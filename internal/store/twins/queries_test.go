package twins_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
)

var queryName = regexp.MustCompile(`(?m)^-- name: (\w+) :`)

// queryNames returns the names of a store's queries, sorted.
func queryNames(t *testing.T, engine string) (names []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", "..", "db", engine, "queries", "*.sql"))
	if err != nil || len(files) < 5 {
		t.Fatalf("the queries of %s: %v, %v", engine, files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range queryName.FindAllStringSubmatch(string(text), -1) {
			names = append(names, match[1])
		}
	}
	slices.Sort(names)
	return names
}
