package bench_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/hydratest"
)

// Modes of this binary as an MCP server that answers every request with the same result.
const (
	limitMCPStdio = "mcp-stdio"
	limitMCPHTTP  = "mcp-http"
)

const (
	mcpTools  = `{"tools":[{"name":"read_balance","inputSchema":{"type":"object"}}]}`
	mcpCall   = `{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"read_balance","arguments":{"account":"DE89370400440532013000"}}}`
	mcpResult = `{"content":[{"type":"text","text":"1,250.00 EUR"}]}`
)

func mcpAnswer(raw []byte) string {
	var m struct {
		ID     json.RawMessage `json:"id"`
		Method string          `json:"method"`
	}
	if json.Unmarshal(raw, &m) != nil || m.ID == nil {
		return ""
	}
	result := mcpResult
	switch m.Method {
	case "initialize":
		result = `{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"bench","version":"1"}}`
	case "tools/list":
		result = mcpTools
	}
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"result":%s}`, m.ID, result)
}

func serveMCPStdio() error {
	in := bufio.NewReader(os.Stdin)
	for {
		line, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if answer := mcpAnswer(line); answer != "" {
			fmt.Println(answer)
		}
	}
}

func serveMCPHTTP() error {
	http.HandleFunc("/hello", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") })
	http.HandleFunc("/mcp", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, mcpAnswer(body))
	})
	return http.ListenAndServe(os.Getenv(envAddr), nil)
}

// BenchmarkGuard measures a tool call that needs no PIN, with hydrapin guard and without, in turn.
func BenchmarkGuard(b *testing.B) {
	p := serve(b, onSQLite)
	cs := connect(b, p.addr, 1)
	t := newTenant(b, p, cs[0], 0)
	policy := `{"pin_required_skills":["payments.*"]}`
	if _, err := cs[0].want(http.StatusOK, request(http.MethodPatch, "/v1/instances/"+t.instance.String()+"/pin-policy", t.admin, policy)); err != nil {
		b.Fatal(err)
	}
	flags := []string{"guard", "--server", "http://" + p.addr, "--instance", t.instance.String(), "--customer", uuid.NewString()}
	env := environ("HYDRAPIN_RUNTIME_KEY=" + t.runtime)
	b.Run("stdio", func(b *testing.B) {
		server := []string{"env", envLimit + "=" + limitMCPStdio, self(b)}
		direct := startMCP(b, env, server)
		guarded := startMCP(b, env, slices.Concat([]string{hydratest.Binary(b)}, flags, []string{"--"}, server))
		compare(b, direct.call, guarded.call)
	})
	b.Run("http", func(b *testing.B) {
		upstream, listen := freeAddr(b), freeAddr(b)
		start(b, upstream, environ(envLimit+"="+limitMCPHTTP, envAddr+"="+upstream), self(b)).awaitOK(b, "/hello")
		start(b, listen, env, hydratest.Binary(b), append(flags, "--upstream", "http://"+upstream+"/mcp", "--listen", listen)...)
		compare(b, overHTTP(b, upstream), overHTTP(b, listen))
	})
}

// compare calls in turn without guard and with it, and reports what guard adds.
func compare(b *testing.B, direct, guarded func(id int) error) {
	b.Helper()
	var without, with []time.Duration
	for n := 1; b.Loop(); n++ {
		for _, one := range []struct {
			call func(int) error
			took *[]time.Duration
		}{{direct, &without}, {guarded, &with}} {
			began := time.Now()
			if err := one.call(n); err != nil {
				b.Fatal(err)
			}
			*one.took = append(*one.took, time.Since(began))
		}
	}
	b.ReportMetric(0, "ns/op")
	for _, percent := range []int{50, 99} {
		b.ReportMetric(percentile(without, percent), fmt.Sprintf("without-p%d-ms", percent))
		b.ReportMetric(percentile(with, percent), fmt.Sprintf("with-p%d-ms", percent))
		b.ReportMetric(percentile(with, percent)-percentile(without, percent), fmt.Sprintf("added-p%d-ms", percent))
	}
}

// mcpClient speaks to an MCP server over stdio.
type mcpClient struct {
	in  io.Writer
	out *bufio.Reader
}

func startMCP(b *testing.B, env, command []string) *mcpClient {
	b.Helper()
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Env, cmd.Stderr = env, os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait()
	})
	c := &mcpClient{in: in, out: bufio.NewReader(out)}
	if err := c.exchange(`{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},` +
		`"clientInfo":{"name":"bench","version":"1"}}}`); err != nil {
		b.Fatal(err)
	}
	if _, err := io.WriteString(in, `{"jsonrpc":"2.0","method":"notifications/initialized"}`+"\n"); err != nil {
		b.Fatal(err)
	}
	return c
}

func (c *mcpClient) call(id int) error { return c.exchange(fmt.Sprintf(mcpCall, id)) }

func (c *mcpClient) exchange(message string) error {
	if _, err := io.WriteString(c.in, message+"\n"); err != nil {
		return err
	}
	line, err := c.out.ReadBytes('\n')
	if err != nil {
		return err
	}
	return wantResult(line)
}

func wantResult(answer []byte) error {
	var m struct{ Result struct{ IsError bool } }
	if err := json.Unmarshal(answer, &m); err != nil || m.Result.IsError {
		return fmt.Errorf("bench: the call answered %s (%w)", answer, err)
	}
	return nil
}

// overHTTP returns calls over a connection of their own, which is there once the server listens.
func overHTTP(b *testing.B, addr string) func(id int) error {
	b.Helper()
	var c *conn
	hydratest.Eventually(b, "the server listens", func() bool {
		var err error
		c, err = dial(addr)
		return err == nil
	})
	b.Cleanup(func() { _ = c.c.Close() })
	return func(id int) error {
		body := fmt.Sprintf(mcpCall, id)
		answer, err := c.want(http.StatusOK, fmt.Appendf(nil, "POST /mcp HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\n"+
			"Accept: application/json, text/event-stream\r\nMcp-Protocol-Version: 2025-11-25\r\nContent-Length: %d\r\n\r\n%s", addr, len(body), body))
		if err != nil {
			return err
		}
		return wantResult(answer)
	}
}
