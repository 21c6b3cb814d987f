package service_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// layers are the files of the package, from the top: a file calls those of its own
// layer's and lower layers' files, and no file calls upwards. run.go stands above
// all, as it starts what goes on in the background.
var layers = [][]string{
	{"run.go"},
	{
		"ask.go", "verify.go", "redeem.go", "confirmations.go", "lists.go", "outcome.go", "freeze.go",
		"pins.go", "runtimepins.go", "policies.go", "keys.go", "keymint.go", "keyuse.go", "export.go", "rings.go", "denied.go", "sweep.go", "wait.go",
		"page.go", "links.go", "ownpins.go", "restore.go", "webhooks.go", "deliveries.go", "sequence.go", "counting.go",
	},
	{"settling.go", "setting.go", "traillog.go", "trail.go"},
	{"guess.go", "approving.go"},
	{"ending.go", "pinchange.go", "view.go", "spraying.go"},
	{"record.go", "delivering.go"},
	{"step.go"},
	{"service.go", "observer.go", "errors.go", "refusals.go"},
}

// TestCallsRunDownwards holds the layers. Operations do not call each other's files:
// what two of them need is a part that they share.
func TestCallsRunDownwards(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	must(t, err)
	layer := map[string]int{}
	for i, names := range layers {
		for _, name := range names {
			layer[name] = i
		}
	}
	parsed := map[string]*ast.File{}
	declared := map[string]string{} // function or method → its file
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		if _, ok := layer[name]; !ok {
			t.Errorf("%s is in no layer", name)
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		must(t, err)
		parsed[name] = f
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok {
				declared[receiver(fn)+fn.Name.Name] = name
			}
		}
	}
	for from, f := range parsed {
		ast.Inspect(f, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			fun := ast.Unparen(call.Fun)
			if generic, ok := fun.(*ast.IndexExpr); ok {
				fun = generic.X
			}
			name := ""
			switch fun := fun.(type) {
			case *ast.Ident:
				name = fun.Name
			case *ast.SelectorExpr:
				// The package names its receivers alike: what s is, is a Service.
				if x, ok := fun.X.(*ast.Ident); ok {
					name = x.Name + "." + fun.Sel.Name
				}
			}
			to := declared[name]
			if to == "" || to == from {
				return true
			}
			if layer[to] < layer[from] {
				t.Errorf("%s calls %s of %s, which is above it", from, name, to)
			}
			if layer[to] == layer[from] && layer[from] == 1 {
				t.Errorf("%s calls %s of %s: what both need is a part of its own", from, name, to)
			}
			return true
		})
	}
}

// receiver is the name of a method's receiver with a dot, or "" for a function.
func receiver(fn *ast.FuncDecl) string {
	if fn.Recv == nil || len(fn.Recv.List[0].Names) == 0 {
		return ""
	}
	return fn.Recv.List[0].Names[0].Name + "."
}
