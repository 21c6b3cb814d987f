package guard

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/http/httputil"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	maxBody      = 16 << 20
	maxSessions  = 10_000
	maxLists     = 1000
	listTime     = time.Minute
	headerTime   = 10 * time.Second
	shutdownTime = 5 * time.Second

	sessionHeader  = "Mcp-Session-Id"
	revisionHeader = "Mcp-Protocol-Version"
	typeJSON       = "application/json"
	typeEvents     = "text/event-stream"
)

// proxy carries messages between clients and one server over streamable HTTP. Everything but calls
// goes through a [httputil.ReverseProxy]: sessions, headers and streams stay the upstream's.
type proxy struct {
	g         *Guard
	transport http.RoundTripper
	reverse   *httputil.ReverseProxy
	sessions  *bounded[session]
	lists     *bounded[listed]

	mu sync.Mutex
	// held are the calls of sessions in flight, and asked the elicitations of clients.
	held  map[string]*heldCall
	asked map[string]chan string
}

// listed is the upstream's list as one client got it.
type listed struct {
	toolList
	until time.Time
}

// heldCall is a call of a session.
type heldCall struct {
	cancel context.CancelFunc
	// forwarded is set, under the proxy's lock, before the call leaves guard.
	forwarded, cancelled bool
}

// serveHTTP serves until the context ends.
func (g *Guard) serveHTTP(ctx context.Context) error {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", g.settings.Listen)
	if err != nil {
		return fmt.Errorf("guard cannot listen on %s: %w", g.settings.Listen, err)
	}
	server := &http.Server{Handler: g.Handler(), ReadHeaderTimeout: headerTime, MaxHeaderBytes: 64 << 10}
	g.log.Info("ready", "url", "http://"+listener.Addr().String()+g.settings.Upstream.EscapedPath())
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		<-ctx.Done()
		limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
		defer cancel()
		if server.Shutdown(limited) != nil {
			_ = server.Close()
		}
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	<-stopped
	g.settleReports()
	return nil
}

// Handler returns what serves the upstream's path.
func (g *Guard) Handler() http.Handler {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	p := &proxy{
		g: g, transport: transport, sessions: newBounded[session](maxSessions), lists: newBounded[listed](maxLists),
		held: map[string]*heldCall{}, asked: map[string]chan string{},
	}
	p.reverse = &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { p.rewrite(r.Out) }, Transport: transport, FlushInterval: -1,
		ModifyResponse: p.passed, ErrorHandler: p.unreachable,
	}
	return p
}

// rewrite makes a request one for the upstream.
func (p *proxy) rewrite(out *http.Request) {
	query := out.URL.RawQuery
	u := *p.g.settings.Upstream
	if u.RawQuery != "" && query != "" {
		query = u.RawQuery + "&" + query
	} else {
		query += u.RawQuery
	}
	u.RawQuery = query
	out.URL, out.Host = &u, ""
	out.Header.Del(secretHeader)
	if p.g.settings.HolderHeader != "" {
		out.Header.Del(p.g.settings.HolderHeader)
	}
}

var errRedirect = errors.New("guard: the upstream answered with a redirect")

// passed looks at an answer of the upstream. A redirect would lead the client past guard.
func (p *proxy) passed(res *http.Response) error {
	if isRedirect(res) {
		return errRedirect
	}
	if s, ok := res.Request.Context().Value(helloKey{}).(session); ok {
		if id := res.Header.Get(sessionHeader); id != "" {
			p.sessions.put(id, s)
		}
	}
	return nil
}

func isRedirect(res *http.Response) bool { return res.StatusCode >= 300 && res.StatusCode < 400 }

// helloKey is where an initialize keeps what it said, until its answer names the session.
type helloKey struct{}

func (p *proxy) unreachable(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() == nil {
		p.g.log.Warn("the upstream did not answer", "error", err)
	}
	reply(w, http.StatusBadGateway, errorResponse(nil, codeRefused, unreachableText(err)))
}

func unreachableText(err error) string {
	if errors.Is(err, errRedirect) {
		return "The MCP server answered with a redirect. Start hydrapin guard with the address that it leads to."
	}
	return "The MCP server cannot be reached."
}

// reply answers with JSON.
func reply(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", typeJSON)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

func refuseHTTP(w http.ResponseWriter, status int, text string) {
	reply(w, status, errorResponse(nil, codeInvalidRequest, "hydrapin guard: "+text))
}

// ServeHTTP implements http.Handler.
func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	who, err := p.admit(r)
	if err != nil {
		refuseHTTP(w, http.StatusForbidden, err.Error())
		return
	}
	if r.URL.EscapedPath() != p.g.settings.Upstream.EscapedPath() {
		refuseHTTP(w, http.StatusNotFound, "there is nothing at this path")
		return
	}
	// A connection that becomes something else could carry calls.
	r = r.Clone(r.Context())
	for _, name := range []string{"Upgrade", "Connection", "Keep-Alive"} {
		r.Header.Del(name)
	}
	switch r.Method {
	case http.MethodPost:
		p.post(w, r, who)
	case http.MethodGet, http.MethodDelete:
		// Without a body, which could be a call.
		p.pass(w, r, nil)
	default:
		w.Header().Set("Allow", "GET, POST, DELETE")
		refuseHTTP(w, http.StatusMethodNotAllowed, "use POST, GET or DELETE")
	}
}

// pass sends a request with another body to the upstream.
func (p *proxy) pass(w http.ResponseWriter, r *http.Request, body []byte) {
	r.Body, r.ContentLength, r.TransferEncoding = http.NoBody, 0, nil
	if body != nil {
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		r.Header.Set("Content-Type", typeJSON)
	}
	r.Header.Del("Content-Length")
	p.reverse.ServeHTTP(w, r)
}

// post reads the message of a POST.
func (p *proxy) post(w http.ResponseWriter, r *http.Request, who person) {
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	charset, named := params["charset"]
	if err != nil || kind != typeJSON || named && !strings.EqualFold(charset, "utf-8") || r.Header.Get("Content-Encoding") != "" {
		refuseHTTP(w, http.StatusUnsupportedMediaType, "the body must be application/json in UTF-8, without an encoding")
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		if _, long := errors.AsType[*http.MaxBytesError](err); long {
			refuseHTTP(w, http.StatusRequestEntityTooLarge, "the message is longer than 16 MiB")
		}
		return
	}
	messages, batch, err := parse(body)
	if err != nil {
		p.refuseBody(w, messages, err)
		return
	}
	for _, m := range messages {
		if batch && isCall(m.method) {
			reply(w, http.StatusBadRequest, errorResponse(nil, codeInvalidRequest, saidBatch))
			return
		}
		if err := matchHeaders(r.Header, m); err != nil {
			reply(w, http.StatusBadRequest, errorResponse(m.id, codeHeaderMismatch, err.Error()))
			return
		}
	}
	if !batch && isCall(messages[0].method) {
		p.call(w, r, messages[0], who)
		return
	}
	p.others(w, r, messages, batch)
}

func (p *proxy) refuseBody(w http.ResponseWriter, messages []message, err error) {
	refused, ok := errors.AsType[*rpcError](err)
	if !ok {
		refused = &rpcError{codeParse, "this is not JSON"}
	}
	var id json.RawMessage
	if len(messages) == 1 && refused.code != codeParse {
		if _, ok := idKey(messages[0].id); ok {
			id = messages[0].id
		}
	}
	reply(w, http.StatusBadRequest, errorResponse(id, refused.code, "hydrapin guard: "+refused.text))
}

// others passes messages on that are no calls, without those that are for guard.
func (p *proxy) others(w http.ResponseWriter, r *http.Request, messages []message, batch bool) {
	var kept []json.RawMessage
	for _, m := range messages {
		switch id := idText(m.id); {
		case m.isResponse() && p.g.toClient.has(id):
			p.answered(id, m)
		case m.method == noteCancelled && p.cancelled(r, m):
		default:
			if m.method == methodInitialize {
				r = r.WithContext(context.WithValue(r.Context(), helloKey{}, helloOf(m)))
			}
			kept = append(kept, m.line())
		}
	}
	switch {
	case len(kept) == 0:
		w.WriteHeader(http.StatusAccepted)
	case batch:
		p.pass(w, r, encoded(kept))
	default:
		p.pass(w, r, kept[0])
	}
}

// helloOf reads what an initialize says about its client.
func helloOf(m message) session {
	params, err := objectIn(m.object, "params")
	if err != nil {
		return session{}
	}
	return session{revision: idText(params.get("protocolVersion")), urls: showsURLs(params.get("capabilities"))}
}

// sessionOf returns what the client of a request said about itself.
func (p *proxy) sessionOf(r *http.Request) session {
	s, _ := p.sessions.get(r.Header.Get(sessionHeader))
	// What client and server agreed on.
	if revision := r.Header.Get(revisionHeader); revision != "" {
		s.revision = revision
	}
	return s
}

// answered gets the client's answer to an elicitation of guard's.
func (p *proxy) answered(id string, m message) {
	p.mu.Lock()
	to := p.asked[id]
	delete(p.asked, id)
	p.mu.Unlock()
	if to == nil {
		return
	}
	if result, err := objectIn(m.object, "result"); err == nil {
		to <- idText(result.get("action"))
	}
	close(to)
}

// cancelled ends a call of a session that is held, and reports whether it was.
func (p *proxy) cancelled(r *http.Request, m message) bool {
	params, err := objectIn(m.object, "params")
	if err != nil {
		return false
	}
	key, ok := heldKey(r, params.get("requestId"))
	if !ok {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	h := p.held[key]
	if h == nil || h.forwarded {
		return false
	}
	h.cancelled = true
	h.cancel()
	return true
}

// heldKey names a call within its session. Without a session each POST stands for itself.
func heldKey(r *http.Request, id json.RawMessage) (string, bool) {
	key, ok := idKey(id)
	s := r.Header.Get(sessionHeader)
	return s + "\n" + key, ok && s != ""
}
