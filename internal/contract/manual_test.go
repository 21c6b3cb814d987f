package contract_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/hydracore/hydrapin/internal/contract"
	"github.com/hydracore/hydrapin/internal/problem"
)

// manual is what docs/errors.md promises.
type manual struct {
	// problems have status and title by code.
	problems map[string][2]string
	// invalid and rules have what is said of each type of a 422, and of each rule.
	invalid, rules map[string]string
}

func readManual(tb testing.TB) manual {
	tb.Helper()
	text, err := os.ReadFile(filepath.Join(contract.Root(), "docs", "errors.md"))
	must(tb, err)
	m := manual{problems: map[string][2]string{}, invalid: map[string]string{}, rules: map[string]string{}}
	section := ""
	for line := range strings.Lines(string(text)) {
		if title, ok := strings.CutPrefix(line, "## "); ok {
			section = strings.TrimSpace(title)
		}
		if !strings.HasPrefix(line, "| `") {
			continue
		}
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
			if cells[i] == "" {
				tb.Errorf("an empty cell in %q", line)
			}
		}
		name := strings.Trim(cells[0], "`")
		columns := 3
		switch section {
		case "Problem codes":
			columns = 5
			m.problems[name] = [2]string{cells[1], cells[2]}
		case "Types of a 422":
			m.invalid[name] = cells[1]
		case "Rules that no schema expresses":
			m.rules[name] = cells[1]
		default:
			tb.Errorf("a table in the section %q", section)
		}
		if len(cells) != columns {
			tb.Errorf("%d cells instead of %d in %q", len(cells), columns, line)
		}
	}
	return m
}

// TestManualHasEveryError compares docs/errors.md with the contract, and with the problems and
// validation errors that the server has. TestEveryAnswerIsReached shows that each is reached.
func TestManualHasEveryError(t *testing.T) {
	t.Parallel()
	m := readManual(t)
	spec, err := contract.Current()
	must(t, err)
	if got, want := slices.Sorted(maps.Keys(m.problems)), problemCodes(t, spec); !slices.Equal(got, want) {
		t.Errorf("docs/errors.md has the codes\n%v\nand the contract\n%v", got, want)
	}
	made := madeByServer(t)
	if !maps.Equal(m.problems, made.problems) {
		t.Errorf("docs/errors.md has the codes, statuses and titles\n%v\nand the server\n%v", m.problems, made.problems)
	}
	if got, want := slices.Sorted(maps.Keys(m.invalid)), slices.Sorted(maps.Keys(made.invalid)); !slices.Equal(got, want) {
		t.Errorf("docs/errors.md has the types of a 422\n%v\nand the server\n%v", got, want)
	}
	for _, rule := range generatorRules {
		if m.rules[rule] == "" {
			t.Errorf("docs/errors.md does not have the rule %s", rule)
		}
	}
}

// madeByServer returns every problem that the server has, and the types of validation errors that
// stand in the source of internal/openapi.
func madeByServer(t *testing.T) manual {
	t.Helper()
	m := manual{problems: map[string][2]string{}, invalid: map[string]string{"pin_too_weak": "", "pin_unchanged": "", "unsafe_text": ""}}
	for _, p := range problem.All() {
		if p.Code != "" {
			m.problems[string(p.Code)] = [2]string{strconv.Itoa(p.Status), p.Title}
		}
	}
	files, err := filepath.Glob(filepath.Join(contract.Root(), "internal", "openapi", "*.go"))
	must(t, err)
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		must(t, err)
		ast.Inspect(file, func(n ast.Node) bool {
			kv, ok := n.(*ast.KeyValueExpr)
			if !ok {
				return true
			}
			key, isIdent := kv.Key.(*ast.Ident)
			if kind, isText := text(kv.Value); isIdent && isText && key.Name == "Type" {
				m.invalid[kind] = ""
			}
			return true
		})
	}
	return m
}

func text(e ast.Expr) (string, bool) {
	literal, ok := e.(*ast.BasicLit)
	if !ok || literal.Kind != token.STRING {
		return "", false
	}
	s, err := strconv.Unquote(literal.Value)
	return s, err == nil
}
