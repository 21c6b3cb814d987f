package texts_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// A text is something that a user reads, and where it stands.
type text struct{ place, content string }

// read are the files that are read as they are. A pattern without a slash is for
// the root alone.
var read = []string{
	"*.md", "*.yaml", "Makefile", "docs/**.md", "sdk/**.md", "sdk/**.ts", "sdk/**.py", "tools/**.sh", "internal/web/static/**",
	"internal/page/**.json", "internal/page/**.toml", "internal/page/**.html",
}

// unread are folders that hold what others wrote, what is generated, and tests.
var unread = regexp.MustCompile(`^(\.git|gen|bin|data)/|(^|/)(node_modules|testdata|tests?|dist|build|generated|\.[a-z_]+)/`)

// texts returns every text that a user may read: documents, the contract, what the
// commands print about themselves, and the string literals and comments of the
// program and the SDKs.
func texts(t *testing.T) []text {
	t.Helper()
	var all []text
	must(t, fs.WalkDir(os.DirFS(root), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && unread.MatchString(name+"/"):
			return fs.SkipDir
		case d.IsDir():
		case strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go") && !strings.HasSuffix(name, ".gen.go"):
			all = append(all, goTexts(t, name)...)
		case slices.ContainsFunc(read, func(pattern string) bool { return matches(pattern, name) }):
			content, err := os.ReadFile(filepath.Join(root, name))
			if err != nil {
				return err
			}
			all = append(all, text{name, withoutCommentMarks(string(content))})
		}
		return nil
	}))
	return append(all, helpTexts(t)...)
}

// matches knows "folder/**.ext" and "folder/**" beside what [path.Match] does.
func matches(pattern, name string) bool {
	if folder, ending, ok := strings.Cut(pattern, "**"); ok {
		return strings.HasPrefix(name, folder) && strings.HasSuffix(name, ending)
	}
	ok, _ := path.Match(pattern, name)
	return ok
}

var commentMark = regexp.MustCompile(`(?m)^\s*(//+|#+|\*+|/\*+)`)

// withoutCommentMarks lets a phrase be found that goes over two lines.
func withoutCommentMarks(s string) string { return commentMark.ReplaceAllString(s, "") }

// goTexts returns the string literals and comments of a Go file.
func goTexts(t *testing.T, name string) []text {
	t.Helper()
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, filepath.Join(root, name), nil, parser.ParseComments)
	must(t, err)
	var all []text
	add := func(at token.Pos, content string) {
		all = append(all, text{fmt.Sprintf("%s:%d", name, files.Position(at).Line), content})
	}
	for _, group := range file.Comments {
		add(group.Pos(), group.Text())
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if _, ok := n.(*ast.ImportSpec); ok {
			return false
		}
		if literal, ok := n.(*ast.BasicLit); ok && literal.Kind == token.STRING {
			value, err := strconv.Unquote(literal.Value)
			must(t, err)
			add(literal.Pos(), value)
		}
		return true
	})
	return all
}

// helpTexts returns what --help prints for the program and for each command.
func helpTexts(t *testing.T) []text {
	t.Helper()
	var all []text
	help := func(args ...string) string {
		out, err := exec.CommandContext(t.Context(), program(t), append(args, "--help")...).CombinedOutput()
		if err != nil {
			t.Fatalf("hydrapin %q --help: %v\n%s", args, err, out)
		}
		all = append(all, text{strings.TrimSpace("hydrapin "+strings.Join(args, " ")) + " --help", string(out)})
		return string(out)
	}
	commands := commandLine.FindAllStringSubmatch(help(), -1)
	if len(commands) < 10 {
		t.Fatalf("--help lists %d commands", len(commands))
	}
	for _, command := range commands {
		help(strings.Fields(command[1])...)
	}
	return all
}

// commandLine is a line of --help that names a command.
var commandLine = regexp.MustCompile(`(?m)^  ([a-z]+(?: [a-z]+)?)(?: <|  )`)

// scratch is a folder for what all tests share.
var scratch string

func TestMain(m *testing.M) {
	os.Exit(runIn(m))
}

func runIn(m *testing.M) int {
	dir, err := os.MkdirTemp("", "hydrapin-texts-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	scratch = dir
	return m.Run()
}

var build = sync.OnceValues(func() (string, error) {
	if given := os.Getenv("HYDRAPIN_BIN"); given != "" {
		return filepath.Abs(given)
	}
	bin := filepath.Join(scratch, "hydrapin")
	cmd := exec.Command("go", "build", "-trimpath", "-o", bin, ".")
	cmd.Dir, cmd.Env = root, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the program: %w\n%s", err, out)
	}
	return bin, nil
})

// program is the path of the built program.
func program(t *testing.T) string {
	t.Helper()
	bin, err := build()
	must(t, err)
	return bin
}

// root is the work tree, from this package's folder.
var root = filepath.Join("..", "..")

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}
