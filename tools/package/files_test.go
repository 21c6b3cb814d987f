// Package deploy_test tries what the project is installed with: the Dockerfile, the compose file,
// the Helm chart, the systemd unit and the packages, each as far as it goes without a daemon.
package deploy_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

const root = "../.."

func read(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// output runs a command in the project's folder and returns what it prints.
func output(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = root
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// The image is built from scratch and runs as a user without rights, and BuildKit's linter has
// nothing to say.
func TestDockerfile(t *testing.T) {
	t.Parallel()
	parsed, err := parser.Parse(strings.NewReader(read(t, "Dockerfile")))
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range parsed.Warnings {
		t.Errorf("warning: %s", w.Short)
	}
	lint := linter.New(&linter.Config{Warn: func(rule, _, _, message string, _ []parser.Range) {
		t.Errorf("%s: %s", rule, message)
	}})
	stages, _, err := instructions.Parse(parsed.AST, lint)
	if err != nil {
		t.Fatal(err)
	}
	if len(stages) != 2 || stages[0].BaseName != "golang:1.26" || stages[1].BaseName != "scratch" {
		t.Fatalf("the stages are not golang:1.26 and scratch: %+v", stages)
	}
	said := map[string]string{}
	for _, c := range stages[1].Commands {
		said[strings.ToLower(c.Name())] += " " + c.(interface{ String() string }).String()
		if run, ok := c.(*instructions.RunCommand); ok {
			t.Errorf("nothing can run in an empty image: %s", run)
		}
	}
	for name, want := range map[string]string{
		"copy":        "/etc/ssl/certs/ca-certificates.crt",
		"user":        "65532:65532",
		"env":         "HYDRAPIN_ADDR=0.0.0.0:8080",
		"healthcheck": "hydrapin",
		"entrypoint":  "/usr/bin/hydrapin",
		"cmd":         "serve",
		"expose":      "8080",
		"stopsignal":  "SIGTERM",
	} {
		if !strings.Contains(said[name], want) {
			t.Errorf("%s has no %s: %q", name, want, said[name])
		}
	}
	// What the build copies and what it builds with exists.
	for _, c := range stages[0].Commands {
		if c, ok := c.(*instructions.CopyCommand); ok {
			for _, source := range c.SourcePaths {
				if _, err := os.Stat(filepath.Join(root, source)); err != nil {
					t.Errorf("COPY: %v", err)
				}
			}
		}
	}
}

// Whatever the build needs is let through to the Docker daemon, and nothing else is: every file
// that the Go command compiles or embeds is in a folder that .dockerignore names.
func TestDockerignore(t *testing.T) {
	t.Parallel()
	var kept []string
	for line := range strings.Lines(read(t, ".dockerignore")) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "!"); ok {
			kept = append(kept, name)
		}
	}
	files := output(t, "go", "list", "-deps", "-f",
		`{{if .Module}}{{if or .Module.Main .Module.Replace}}{{$d := .Dir}}{{range .GoFiles}}{{$d}}/{{.}}{{"\n"}}{{end}}{{range .EmbedFiles}}{{$d}}/{{.}}{{"\n"}}{{end}}{{end}}{{end}}`, ".")
	base, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for file := range strings.FieldsSeq(files) {
		n++
		name, err := filepath.Rel(base, file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(name, "testdata") || !slices.ContainsFunc(kept, func(k string) bool {
			return name == k || strings.HasPrefix(name, k+"/")
		}) {
			t.Errorf("%s is built, and .dockerignore leaves it out", name)
		}
	}
	if n < 100 {
		t.Errorf("only %d files are built", n)
	}
}

// The compose file is valid, and what it runs is closed: on loopback, with secrets from files.
func TestCompose(t *testing.T) {
	t.Parallel()
	project, err := loader.LoadWithContext(context.Background(), types.ConfigDetails{
		WorkingDir: root, ConfigFiles: []types.ConfigFile{{Filename: filepath.Join(root, "compose.yaml")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	server, postgres := project.Services["hydrapin"], project.Services["postgres"]
	if len(project.Services) != 2 || postgres.Image != "postgres:15" || server.Build == nil {
		t.Fatalf("the services are not a built hydrapin and postgres:15: %v", project.ServiceNames())
	}
	if len(server.Ports) != 1 || server.Ports[0].HostIP != "127.0.0.1" || len(postgres.Ports) != 0 {
		t.Errorf("ports other than hydrapin's on loopback are published: %v %v", server.Ports, postgres.Ports)
	}
	if !server.ReadOnly || !slices.Equal(server.CapDrop, []string{"ALL"}) {
		t.Error("the container can write to its file system, or has capabilities")
	}
	if server.DependsOn["postgres"].Condition != types.ServiceConditionHealthy || postgres.HealthCheck == nil {
		t.Error("hydrapin does not wait until PostgreSQL is ready")
	}
	mounted := map[string]bool{}
	for _, s := range server.Secrets {
		mounted["/run/secrets/"+s.Source] = true
	}
	for name, value := range server.Environment {
		if strings.HasSuffix(name, "_FILE") && !mounted[*value] {
			t.Errorf("%s=%s is not mounted", name, *value)
		}
	}
}

// No file names the host of a package registry or an image registry.
func TestNoRegistry(t *testing.T) {
	t.Parallel()
	image := regexp.MustCompile(`(?m)^\s*(?:FROM|image:|repository:)\s+[a-z0-9-]+\.[a-z]{2,}[:/]`)
	for _, name := range []string{"Dockerfile", "compose.yaml", "deploy/helm/hydrapin/values.yaml"} {
		if found := image.FindString(read(t, name)); found != "" {
			t.Errorf("%s: %s", name, found)
		}
	}
}

// The hooks of the workflow and of packages are valid shell.
func TestShell(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"postinstall", "preremove", "postremove"} {
		output(t, "sh", "-n", "deploy/package/"+name+".sh")
	}
}
