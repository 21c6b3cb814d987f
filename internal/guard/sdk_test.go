package guard_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/hydracore/hydrapin/internal/hydratest"
	"github.com/hydracore/hydrapin/sdk/go/hydrapin"
)

// sdkServer is an MCP server of the Go SDK, which writes what it ran to a file.
func sdkServer(record string) *mcp.Server {
	s := mcp.NewServer(&mcp.Implementation{Name: "bank", Version: "1"}, nil)
	type in struct {
		Amount string `json:"amount"`
	}
	for _, name := range []string{"send_money", "read"} {
		mcp.AddTool(s, &mcp.Tool{Name: name, Annotations: &mcp.ToolAnnotations{ReadOnlyHint: name == "read"}},
			func(ctx context.Context, r *mcp.CallToolRequest, in in) (*mcp.CallToolResult, any, error) {
				recording.Lock()
				defer recording.Unlock()
				file, err := os.OpenFile(record, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
				if err != nil {
					return nil, nil, err
				}
				defer func() { _ = file.Close() }()
				fmt.Fprintf(file, `{"method":"tools/call","params":{"name":%q,"amount":%q}}`+"\n", name, in.Amount)
				if token := r.Params.GetProgressToken(); token != nil {
					err = r.Session.NotifyProgress(ctx, &mcp.ProgressNotificationParams{ProgressToken: token, Progress: 1, Total: 1})
				}
				return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: "ran " + name}}}, nil, err
			})
	}
	for _, name := range []string{"roots", "guarded roots"} {
		mcp.AddTool(s, &mcp.Tool{Name: name}, func(ctx context.Context, r *mcp.CallToolRequest, _ struct{}) (*mcp.CallToolResult, any, error) {
			roots, err := r.Session.ListRoots(ctx, nil) //nolint:staticcheck // servers still ask for them
			if err != nil {
				return nil, nil, err
			}
			return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: roots.Roots[0].URI}}}, nil, nil
		})
	}
	s.AddPrompt(&mcp.Prompt{Name: "hello"}, func(context.Context, *mcp.GetPromptRequest) (*mcp.GetPromptResult, error) {
		return &mcp.GetPromptResult{Description: "hi"}, nil
	})
	return s
}

func sdkUpstream(record string) int {
	if err := sdkServer(record).Run(context.Background(), &mcp.StdioTransport{}); err != nil {
		return 1
	}
	return 0
}

// showsURLs is a client that can show a URL. It answers an elicitation, after it did something.
type urlClient struct {
	mu       sync.Mutex
	urls     []string
	done     int
	progress []float64
	action   string
	before   func()
}

func (u *urlClient) options(urls bool) *mcp.ClientOptions {
	o := &mcp.ClientOptions{
		Capabilities: &mcp.ClientCapabilities{},
		ProgressNotificationHandler: func(_ context.Context, r *mcp.ProgressNotificationClientRequest) {
			u.mu.Lock()
			defer u.mu.Unlock()
			u.progress = append(u.progress, r.Params.Progress)
		},
	}
	if !urls {
		return o
	}
	o.Capabilities.Elicitation = &mcp.ElicitationCapabilities{Form: &mcp.FormElicitationCapabilities{}, URL: &mcp.URLElicitationCapabilities{}}
	o.ElicitationHandler = func(_ context.Context, r *mcp.ElicitRequest) (*mcp.ElicitResult, error) {
		u.mu.Lock()
		u.urls = append(u.urls, r.Params.Mode+" "+r.Params.URL+" "+r.Params.Message)
		u.mu.Unlock()
		if u.before != nil {
			u.before()
		}
		return &mcp.ElicitResult{Action: u.action}, nil
	}
	o.ElicitationCompleteHandler = func(context.Context, *mcp.ElicitationCompleteNotificationRequest) {
		u.mu.Lock()
		defer u.mu.Unlock()
		u.done++
	}
	return o
}

// TestRealClients runs a client of the Go SDK against a server of it: on both revisions, over stdio
// and HTTP, able to show a URL and not.
func TestRealClients(t *testing.T) {
	t.Parallel()
	for _, transport := range []string{"stdio", "http"} {
		for _, revision := range []string{"2025-06-18", "2025-11-25", "2026-07-28"} {
			for _, urls := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s %s urls %t", transport, revision, urls), func(t *testing.T) {
					t.Parallel()
					testRealClient(t, transport, revision, urls)
				})
			}
		}
	}
}

func (w *world) sdkTransport(transport, revision, config string) mcp.Transport {
	w.t.Helper()
	if transport == "stdio" {
		s := w.sources(config)
		s.Command[1] = "sdk"
		c := w.start(s)
		r := &pipeReader{lines: c.lines}
		return &mcp.IOTransport{Reader: r, Writer: c.in}
	}
	handler := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return sdkServer(w.record) },
		&mcp.StreamableHTTPOptions{Stateless: revision >= "2026"})
	server := httptest.NewServer(handler)
	w.t.Cleanup(server.Close)
	w.t.Cleanup(server.CloseClientConnections)
	return &mcp.StreamableClientTransport{Endpoint: w.serve(server.URL, config), MaxRetries: -1}
}

// pipeReader reads the lines of a client.
type pipeReader struct {
	lines chan string
	rest  string
}

func (r *pipeReader) Read(b []byte) (int, error) {
	if r.rest == "" {
		line, ok := <-r.lines
		if !ok {
			return 0, os.ErrClosed
		}
		r.rest = line + "\n"
	}
	n := copy(b, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

func (r *pipeReader) Close() error { return nil }

func testRealClient(t *testing.T, transport, revision string, urls bool) {
	w := newWorld(t)
	u := &urlClient{action: "accept"}
	elicits := urls && revision >= "2025-11-25"
	u.before = func() { w.confirm() }
	session, err := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, u.options(urls)).
		Connect(t.Context(), w.sdkTransport(transport, revision, ""), &mcp.ClientSessionOptions{ProtocolVersion: revision})
	hydratest.Must(t, err)
	t.Cleanup(func() { _ = session.Close() })
	if got := session.InitializeResult().ProtocolVersion; got != revision {
		t.Fatalf("the revision is %s", got)
	}
	list, err := session.ListTools(t.Context(), nil)
	if err != nil || len(list.Tools) != 4 {
		t.Fatalf("%v, %v", list, err)
	}
	if p, err := session.GetPrompt(t.Context(), &mcp.GetPromptParams{Name: "hello"}); err != nil || p.Description != "hi" {
		t.Errorf("%v, %v", p, err)
	}
	call := func(name, amount string) (*mcp.CallToolResult, error) {
		p := &mcp.CallToolParams{Name: name, Arguments: map[string]any{"amount": amount}}
		p.SetProgressToken("token")
		return session.CallTool(t.Context(), p)
	}
	said := func(r *mcp.CallToolResult, err error) string {
		if err != nil {
			return err.Error()
		}
		return fmt.Sprint(r.IsError, r.Content[0].(*mcp.TextContent).Text)
	}
	if got := said(call("read", "1")); got != "falseran read" {
		t.Errorf("read: %s", got)
	}
	u.mu.Lock()
	u.progress = nil
	u.mu.Unlock()
	if !elicits {
		wait := w.confirming()
		defer wait()
	}
	if got := said(call("send_money", "1")); got != "falseran send_money" {
		t.Errorf("send_money: %s", got)
	}
	if len(w.seen()) != 2 {
		t.Errorf("the upstream ran %q", w.seen())
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if !elicits && len(u.urls) != 0 || elicits && (len(u.urls) != 1 || !strings.HasPrefix(u.urls[0], "url "+w.URL+"/confirm/") ||
		!strings.HasSuffix(u.urls[0], "Confirm with your PIN: Run send_money: amount = 1")) {
		t.Errorf("elicited %q", u.urls)
	}
	own := slices.DeleteFunc(u.progress, func(p float64) bool { return p == 1 }) // The upstream's is 1.
	if !slices.IsSorted(own) || len(own) > 0 && own[len(own)-1] >= 0.001 {
		t.Errorf("progress %v", u.progress)
	}
}

// What the server asks the client while a call runs passes, and so does the answer.
func TestTheServersOwnRequestsPass(t *testing.T) {
	t.Parallel()
	for _, transport := range []string{"stdio", "http"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.Require("guarded roots")
			client := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil)
			client.AddRoots(&mcp.Root{URI: "file:///srv"}) //nolint:staticcheck // clients still have them
			session, err := client.Connect(t.Context(), w.sdkTransport(transport, "2025-11-25", ""), &mcp.ClientSessionOptions{ProtocolVersion: "2025-11-25"})
			hydratest.Must(t, err)
			t.Cleanup(func() { _ = session.Close() })
			for _, name := range []string{"roots", "guarded roots"} {
				wait := func() {}
				if name != "roots" {
					wait = w.confirming()
				}
				r, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: name, Arguments: map[string]any{}})
				if err != nil || r.IsError || r.Content[0].(*mcp.TextContent).Text != "file:///srv" {
					t.Errorf("%s: %+v, %v", name, r, err)
				}
				wait()
			}
		})
	}
}

// decline and cancel are the client's words: the link at once, and the question stays.
func TestTheClientDeclines(t *testing.T) {
	t.Parallel()
	for _, transport := range []string{"stdio", "http"} {
		for _, action := range []string{"decline", "cancel"} {
			t.Run(transport+" "+action, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				u := &urlClient{action: action}
				session, err := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, u.options(true)).
					Connect(t.Context(), w.sdkTransport(transport, "2025-11-25", ""), &mcp.ClientSessionOptions{ProtocolVersion: "2025-11-25"})
				hydratest.Must(t, err)
				t.Cleanup(func() { _ = session.Close() })
				r, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: "send_money", Arguments: map[string]any{"amount": "1"}})
				hydratest.Must(t, err)
				conf := w.open(hydrapin.StatusPending)
				if text := r.Content[0].(*mcp.TextContent).Text; !r.IsError || !strings.Contains(text, conf.ConfirmURL) {
					t.Errorf("%s", text)
				}
				if len(w.seen()) != 0 {
					t.Errorf("the upstream ran %q", w.seen())
				}
				// accept is no more than that either: nothing runs until the page says so.
				u.mu.Lock()
				u.action = "accept"
				u.mu.Unlock()
				w.confirm()
				r, err = session.CallTool(t.Context(), &mcp.CallToolParams{Name: "send_money", Arguments: map[string]any{"amount": "1"}})
				if err != nil || r.IsError {
					t.Errorf("%+v, %v", r, err)
				}
			})
		}
	}
}
