package contract_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/hydracore/hydrapin/internal/contract"
)

// manual is what docs/errors.md promises.
type manual struct {
	// problems have status and title by code.
	problems map[string][2]string
	// faults and rules have what is said of each.
	faults, rules map[string]string
}

func readManual(tb testing.TB) manual {
	tb.Helper()
	text, err := os.ReadFile(filepath.Join(contract.Root(), "docs", "errors.md"))
	must(tb, err)
	m := manual{problems: map[string][2]string{}, faults: map[string]string{}, rules: map[string]string{}}
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
			m.faults[name] = cells[1]
		case "Rules that no schema tells":
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

// TestManualHasEveryError holds docs/errors.md against the contract, and against
// the answers and faults that the source of internal/httpapi can make. That each
// is reached is TestEveryAnswerIsReached's to show.
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
	if got, want := slices.Sorted(maps.Keys(m.faults)), slices.Sorted(maps.Keys(made.faults)); !slices.Equal(got, want) {
		t.Errorf("docs/errors.md has the types of a 422\n%v\nand the server\n%v", got, want)
	}
	for _, rule := range generatorRules {
		if m.rules[rule] == "" {
			t.Errorf("docs/errors.md does not have the rule %s", rule)
		}
	}
}

// madeByServer reads the error table from its source: whatever says which kind and
// status an answer has, and the types of faults.
func madeByServer(t *testing.T) manual {
	t.Helper()
	m := manual{problems: map[string][2]string{}, faults: map[string]string{"pin_too_weak": "", "unsafe_text": ""}}
	files, err := filepath.Glob(filepath.Join(contract.Root(), "internal", "httpapi", "*.go"))
	must(t, err)
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		must(t, err)
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CompositeLit:
				fields := map[string]ast.Expr{}
				for _, e := range n.Elts {
					if kv, ok := e.(*ast.KeyValueExpr); ok {
						if key, ok := kv.Key.(*ast.Ident); ok {
							fields[key.Name] = kv.Value
						}
					}
				}
				m.addProblem(t, fields["kind"], fields["status"], fields["title"])
				if kind, ok := text(fields["Type"]); ok && regexp.MustCompile(`^[a-z_]+$`).MatchString(kind) {
					m.faults[kind] = ""
				}
			case *ast.CallExpr:
				if f, ok := n.Fun.(*ast.Ident); ok && f.Name == "conflict" {
					m.addProblem(t, n.Args[0], &ast.SelectorExpr{X: ast.NewIdent("http"), Sel: ast.NewIdent("StatusConflict")}, n.Args[1])
				}
			}
			return true
		})
	}
	return m
}

// addProblem notes an answer; what has no kind of its own is none.
func (m manual) addProblem(t *testing.T, kind, status, title ast.Expr) {
	t.Helper()
	k, isKind := kind.(*ast.SelectorExpr)
	s, isStatus := status.(*ast.SelectorExpr)
	name, isText := text(title)
	if !isKind || !isStatus || !isText {
		return
	}
	code := kebab(strings.TrimPrefix(k.Sel.Name, "UrnHydrapinProblem"))
	number := 0
	for n := 400; n < 600; n++ {
		if "Status"+strings.ReplaceAll(strings.ReplaceAll(http.StatusText(n), " ", ""), "-", "") == s.Sel.Name {
			number = n
		}
	}
	if number == 0 {
		t.Errorf("no status is named %s", s.Sel.Name)
	}
	m.problems[code] = [2]string{strconv.Itoa(number), name}
}

func text(e ast.Expr) (string, bool) {
	literal, ok := e.(*ast.BasicLit)
	if !ok || literal.Kind != token.STRING {
		return "", false
	}
	s, err := strconv.Unquote(literal.Value)
	return s, err == nil
}

func kebab(camel string) string {
	words := regexp.MustCompile(`[A-Z][a-z]*`).FindAllString(camel, -1)
	return strings.ToLower(strings.Join(words, "-"))
}
