package texts_test

import (
	"bufio"
	"bytes"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	// patience is how long to wait for what takes moments, but for what is compiled.
	patience = 5 * time.Minute
	glance   = 20 * time.Millisecond
	// documented is the address that the README's commands use.
	documented = "127.0.0.1:8080"
	// pinOfReadme is what the README says to enter.
	pinOfReadme = "804615"
	// background is how the README starts the server.
	background = "make run 2> hydrapin.log &\n"
)

// codeBlock is a fenced block, with its language and its text.
var codeBlock = regexp.MustCompile("(?ms)^```([a-z]+)\n(.*?)^```$") //nolint:gocritic // with (?m), ^ is the start of any line

// TestReadme pastes the README's commands, in order, into one fresh shell in a copy
// of the tree. The server runs beside it, and so does the person, who opens each link.
func TestReadme(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	must(t, err)
	tree, address := copyOfTree(t), freeAddress(t)
	env := append(freshEnvironment(t), "HYDRAPIN_ADDR="+address)

	var script strings.Builder
	servers, programs := 0, 0
	for _, block := range codeBlock.FindAllStringSubmatch(string(readme), -1) {
		content := strings.ReplaceAll(block[2], documented, address)
		switch {
		case block[1] == "go":
			must(t, os.MkdirAll(filepath.Join(tree, "example"), 0o750))
			must(t, os.WriteFile(filepath.Join(tree, "example", "main.go"), []byte(content), 0o600))
			programs++
		case block[1] == "sh" && content == background:
			serve(t, tree, address, env)
			servers++
		case block[1] == "sh":
			script.WriteString(content + "\necho\n")
		}
	}
	if servers != 1 || programs != 1 {
		t.Fatalf("the README has %d times make run and %d programs", servers, programs)
	}
	pasted := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", script.String())
	pasted.Dir, pasted.Env = tree, env
	out, pages, err := watched(t, pasted, "http://"+address, "Send 250.00 EUR to DE89")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if pages != 2 {
		t.Errorf("the README's commands printed %d links to a page, want 2:\n%s", pages, out)
	}
	for _, want := range []string{
		`"has_pin":true`, `"pin_required_skills":["payments.transfer"]`, `"status":"approved"`, `"status":"redeemed"`,
		"Send 250.00 EUR to DE89370400440532013000? Answer on this page:", `Transferred {"amount":"250.00",`,
	} {
		if !bytes.Contains(out, []byte(want)) {
			t.Errorf("the README's commands did not print %s:\n%s", want, out)
		}
	}
}

// watched runs the command and answers on each page whose link it prints, as a person would. The page
// must show the summary. It returns the output and how many pages there were.
func watched(t *testing.T, cmd *exec.Cmd, server, summary string) (out []byte, pages int, err error) {
	t.Helper()
	printed, err := cmd.StdoutPipe()
	must(t, err)
	cmd.Stderr = cmd.Stdout
	must(t, cmd.Start())
	lines := bufio.NewScanner(printed)
	for lines.Scan() {
		out = append(append(out, lines.Bytes()...), '\n')
		if strings.HasPrefix(lines.Text(), server+"/confirm/") {
			pages++
			answerOnPage(t, lines.Text(), summary)
		}
	}
	must(t, lines.Err())
	return out, pages, cmd.Wait()
}

// answerOnPage fills in the form of the confirmation page and sends it.
func answerOnPage(t *testing.T, link, summary string) {
	t.Helper()
	page := body(t, http.MethodGet, link, nil)
	for _, want := range []string{summary, `name="pin"`, `name="used" value="0"`, `name="decision" value="confirm"`} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %s:\n%s", want, page)
		}
	}
	answered := body(t, http.MethodPost, link, url.Values{"decision": {"confirm"}, "used": {"0"}, "pin": {pinOfReadme}})
	if !strings.Contains(answered, "Confirmed") {
		t.Errorf("the page does not say that it is confirmed:\n%s", answered)
	}
}

// body sends a form, if there is one, follows to the page that answers, and returns it.
func body(t *testing.T, method, link string, form url.Values) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, link, strings.NewReader(form.Encode()))
	must(t, err)
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := http.DefaultClient.Do(req)
	must(t, err)
	defer func() { must(t, resp.Body.Close()) }()
	text, err := io.ReadAll(resp.Body)
	must(t, err)
	return string(text)
}

// serve starts make run, waits until the server is ready, and ends it with the test.
func serve(t *testing.T, tree, address string, env []string) {
	t.Helper()
	var log bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "make", "run")
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = tree, env, &log, &log
	// make does not pass a signal on: the group gets it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	must(t, cmd.Start())
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	t.Cleanup(func() {
		_ = cmd.Cancel()
		<-ended
		if t.Failed() {
			t.Logf("make run printed:\n%s", &log)
		}
	})
	deadline, tick := time.After(patience), time.NewTicker(glance)
	defer tick.Stop()
	for !ready(t, address) {
		select {
		case <-tick.C:
		case <-ended:
			t.Fatal("make run ended")
		case <-deadline:
			t.Fatalf("make run is not ready after %s", patience)
		}
	}
}

func ready(t *testing.T, address string) bool {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+"/readyz", http.NoBody)
	must(t, err)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	return resp.Body.Close() == nil && resp.StatusCode == http.StatusOK
}

// copyOfTree copies what a clone has.
func copyOfTree(t *testing.T) string {
	t.Helper()
	tree := t.TempDir()
	must(t, fs.WalkDir(os.DirFS(root), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && uncloned.MatchString(name+"/"):
			return fs.SkipDir
		case d.IsDir():
			return os.MkdirAll(filepath.Join(tree, name), 0o750)
		case !d.Type().IsRegular():
			return nil
		}
		content, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(tree, name), content, info.Mode().Perm())
	}))
	return tree
}

var uncloned = regexp.MustCompile(`^(\.git|bin|data)/$|(^|/)node_modules/$`)

// freshEnvironment has what a login has, Go's caches, and a curl that fails when the
// server refuses.
func freshEnvironment(t *testing.T) []string {
	t.Helper()
	curl := t.TempDir()
	must(t, os.WriteFile(filepath.Join(curl, ".curlrc"), []byte("fail-with-body\nsilent\nshow-error\n"), 0o600))
	env := []string{"CURL_HOME=" + curl}
	for _, name := range []string{"PATH", "HOME", "GOFLAGS", "GOCACHE", "GOPATH", "GOMODCACHE", "GOPROXY", "GOSUMDB", "GOTOOLCHAIN", "CGO_ENABLED"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// freeAddress returns an address that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	defer func() { must(t, ln.Close()) }()
	return ln.Addr().String()
}
