package guard

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/hydracore/hydrapin/sdk/go/hydrapin"
)

const (
	// maxResult bounds a message of the upstream, and maxRefusal the text of its refusal.
	maxResult  = maxUpstreamLine
	maxRefusal = 64 << 10
)

// call decides about a tools/call and answers it.
func (p *proxy) call(w http.ResponseWriter, r *http.Request, m message, who person) {
	c, err := parseCall(m, p.sessionOf(r))
	if err != nil {
		p.refuseBody(w, []message{m}, err)
		return
	}
	if !p.g.enter() {
		reply(w, http.StatusOK, refuse(saidBusy).response(c))
		return
	}
	defer p.g.leave()
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	h := &heldCall{cancel: cancel}
	if key, ok := heldKey(r, c.id); ok {
		if !p.hold(key, h) {
			reply(w, http.StatusBadRequest, errorResponse(c.id, codeInvalidRequest, "hydrapin guard: the id is in use"))
			return
		}
		defer p.release(key)
	}
	by := &httpCaller{p: p, r: r, c: c, w: w}
	tool, refused := p.g.find(ctx, c.tool, by)
	if refused == nil {
		if err := by.match(ctx, tool); err != nil {
			reply(w, http.StatusBadRequest, errorResponse(c.id, codeHeaderMismatch, err.Error()))
			return
		}
	}
	var may *permit
	if refused == nil {
		may, refused = p.g.decide(ctx, c, who, by)
	}
	switch {
	case may == nil && refused == nil: // The caller is gone, and gets nothing.
		by.end()
	case may == nil && by.refused != nil:
		// The client knows what to do about it: to sign in, or to begin a new session.
		by.copyHead(by.refused)
		_, _ = w.Write(by.body)
	case may == nil:
		by.finish(refused.response(c))
	case !p.letGo(h) || ctx.Err() != nil:
		p.g.report(may.confirmation, hydrapin.OutcomeFailed)
		by.end()
	case may.digest == "":
		p.pass(w, r, may.message())
	default:
		by.forward(ctx, may)
	}
}

// hold registers a call of a session; false if its id is in use.
func (p *proxy) hold(key string, h *heldCall) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.held[key] != nil {
		return false
	}
	p.held[key] = h
	return true
}

func (p *proxy) release(key string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.held, key)
}

// letGo marks a call as forwarded; false if it was cancelled before.
func (p *proxy) letGo(h *heldCall) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	h.forwarded = !h.cancelled
	return h.forwarded
}

// httpCaller is the client of one call over HTTP. Its methods are called one after the other.
type httpCaller struct {
	p *proxy
	r *http.Request
	c *toolCall
	w http.ResponseWriter
	// streaming says that the answer is a stream of events.
	streaming bool
	// refused is the upstream's refusal to list its tools, such as 401 or 404 for its session.
	refused *http.Response
	body    []byte
}

// match compares the headers of the arguments with a list that is fresh if need be.
func (h *httpCaller) match(ctx context.Context, t tool) error {
	err := matchParams(h.r.Header, h.c, t)
	if err == nil {
		return nil
	}
	list, listErr := h.tools(ctx, true)
	if listErr != nil {
		return err
	}
	return matchParams(h.r.Header, h.c, list[h.c.tool])
}

// tools implements caller.
func (h *httpCaller) tools(ctx context.Context, fresh bool) (toolList, error) {
	key := hash([]byte(strings.Join([]string{
		h.r.Header.Get(sessionHeader), h.c.revision, strings.Join(h.r.Header.Values("Authorization"), "\n"),
		strings.Join(h.r.Header.Values("Cookie"), "\n"),
	}, "\x00")))
	if known, ok := h.p.lists.get(key); ok && !fresh && time.Now().Before(known.until) {
		return known.toolList, nil
	}
	ctx, cancel := context.WithTimeout(ctx, stepTime)
	defer cancel()
	list, err := listTools(h.c, func(params any) (message, error) { return h.ask(ctx, params) })
	if err == nil {
		h.p.lists.put(key, listed{list, time.Now().Add(listTime)})
	}
	return list, err
}

// ask sends tools/list to the upstream, as the client of this call would.
func (h *httpCaller) ask(ctx context.Context, params any) (message, error) {
	id := h.p.g.toUpstream.next()
	out := h.outgoing(ctx, request(id, methodList, params))
	for name := range out.Header {
		if name == nameHeader || strings.HasPrefix(name, paramPrefix) {
			out.Header.Del(name)
		}
	}
	if out.Header.Get(methodHeader) != "" {
		out.Header.Set(methodHeader, methodList)
	}
	res, err := h.p.transport.RoundTrip(out)
	if err != nil {
		return message{}, err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		if body, err := io.ReadAll(io.LimitReader(res.Body, maxRefusal)); err == nil && res.StatusCode >= 400 {
			h.refused, h.body = res, body
		}
		return message{}, fmt.Errorf("%w: status %d", errNoList, res.StatusCode)
	}
	var found message
	err = readMessages(res, func(_ []byte, m message, ok bool) bool {
		if ok && m.isResponse() && idText(m.id) == id {
			found = m
			return false
		}
		return true
	})
	if found.object == nil && err == nil {
		err = errNoList
	}
	return found, err
}

// outgoing returns a request of this client's with another body.
func (h *httpCaller) outgoing(ctx context.Context, body []byte) *http.Request {
	out := h.r.Clone(ctx)
	out.RequestURI = ""
	for _, name := range []string{
		"Connection", "Proxy-Connection", "Keep-Alive", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Proxy-Authorization",
		"Content-Length", "Last-Event-Id",
		// The transport then decodes what it asked for itself.
		"Accept-Encoding",
	} {
		out.Header.Del(name)
	}
	h.p.rewrite(out)
	out.Header.Set("Content-Type", typeJSON)
	out.Body, out.ContentLength, out.TransferEncoding = io.NopCloser(bytes.NewReader(body)), int64(len(body)), nil
	out.GetBody = nil
	return out
}

// stream turns the answer into a stream of events, if the client takes one.
func (h *httpCaller) stream() bool {
	if h.streaming {
		return true
	}
	if !strings.Contains(strings.ToLower(strings.Join(h.r.Header.Values("Accept"), ",")), typeEvents) {
		return false
	}
	h.streaming = true
	h.w.Header().Set("Content-Type", typeEvents)
	h.w.Header().Set("Cache-Control", "no-cache, no-transform")
	h.w.Header().Set("X-Accel-Buffering", "no")
	h.w.WriteHeader(http.StatusOK)
	return true
}

// event sends one message on the stream.
func (h *httpCaller) event(message []byte) {
	h.write([]byte("event: message\ndata: " + string(message) + "\n\n"))
}

func (h *httpCaller) write(text []byte) {
	_, _ = h.w.Write(text)
	_ = http.NewResponseController(h.w).Flush()
}

// finish answers the call.
func (h *httpCaller) finish(message []byte) {
	if h.streaming {
		h.event(message)
		return
	}
	reply(h.w, http.StatusOK, message)
}

// end answers nothing: whoever cancelled the call does not wait.
func (h *httpCaller) end() {
	if !h.streaming {
		h.w.WriteHeader(http.StatusAccepted)
	}
}

// alive implements caller. Without a token it is a comment, which keeps proxies from giving up.
func (h *httpCaller) alive(n int) {
	switch {
	case !h.stream():
	case h.c.token != nil:
		h.event(notification(noteProgress, progressOf(h.c, n)))
	default:
		h.write([]byte(": waiting\n\n"))
	}
}

// elicit implements caller.
func (h *httpCaller) elicit(id string, params any) <-chan string {
	if !h.stream() {
		return nil
	}
	to := make(chan string, 1)
	h.p.mu.Lock()
	h.p.asked[id] = to
	h.p.mu.Unlock()
	h.event(request(id, methodElicit, params))
	return to
}

// elicited implements caller.
func (h *httpCaller) elicited(id string, done bool) {
	h.p.mu.Lock()
	delete(h.p.asked, id)
	h.p.mu.Unlock()
	if done && h.streaming {
		h.event(notification(noteElicited, map[string]any{"elicitationId": id}))
	}
}

// forward sends a call that a person confirmed, and passes on what the upstream answers.
func (h *httpCaller) forward(ctx context.Context, may *permit) {
	res, err := h.p.transport.RoundTrip(h.outgoing(ctx, may.message()))
	if err == nil && isRedirect(res) {
		_ = res.Body.Close()
		err = errRedirect
	}
	if err != nil {
		h.p.g.log.Warn("the upstream did not answer a call", "error", err)
		h.p.g.lose(may)
		h.finish(errorResponse(h.c.id, codeRefused, unreachableText(err)))
		return
	}
	defer func() { _ = res.Body.Close() }()
	kind := mediaType(res)
	if !h.streaming {
		h.copyHead(res)
	} else if kind != typeEvents && (kind != typeJSON || res.StatusCode == http.StatusAccepted) {
		h.p.g.lose(may)
		h.event(errorResponse(h.c.id, codeRefused, fmt.Sprintf("The MCP server answered with status %d.", res.StatusCode)))
		return
	}
	settled := false
	err = readMessages(res, func(raw []byte, m message, ok bool) bool {
		if ok && m.isResponse() && sameID(m.id, h.c.id) && !settled {
			settled = true
			h.p.g.settle(may, m)
		}
		switch {
		case !h.streaming || kind == typeEvents:
			h.write(raw)
		case ok:
			h.event(raw)
		default:
			h.event(errorResponse(h.c.id, codeRefused, "The MCP server gave no valid answer."))
		}
		return ctx.Err() == nil
	})
	if !settled {
		h.p.g.lose(may)
		if h.streaming && err != nil && kind == typeJSON {
			h.event(errorResponse(h.c.id, codeRefused, "The MCP server gave no valid answer."))
		}
	}
}

func sameID(a, b json.RawMessage) bool {
	x, ok := idKey(a)
	y, also := idKey(b)
	return ok && also && x == y
}

// copyHead starts the answer as the upstream's.
func (h *httpCaller) copyHead(res *http.Response) {
	for _, name := range []string{"Connection", "Keep-Alive", "Transfer-Encoding", "Trailer", "Upgrade", "Content-Length"} {
		res.Header.Del(name)
	}
	for name, values := range res.Header {
		h.w.Header()[name] = values
	}
	h.w.WriteHeader(res.StatusCode)
}

func mediaType(res *http.Response) string {
	kind, _, err := mime.ParseMediaType(res.Header.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return kind
}

// readMessages gives each message of an answer to see, with the bytes that carry it, until see
// returns false. What is no message comes as bytes alone.
func readMessages(res *http.Response, see func(raw []byte, m message, ok bool) bool) error {
	if mediaType(res) != typeEvents {
		body, err := io.ReadAll(io.LimitReader(res.Body, maxResult+1))
		if err != nil {
			return err
		}
		if len(body) > maxResult {
			return errLongLine
		}
		m, ok := single(body)
		if ok {
			body = m.line()
		}
		see(body, m, ok)
		return nil
	}
	lines := newLineReader(res.Body, maxResult)
	var raw, data []byte
	for {
		line, err := lines.next()
		if err != nil {
			if len(raw) > 0 {
				see(raw, message{}, false)
			}
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		raw = append(raw, line...)
		if len(raw) > maxResult {
			return errLongLine
		}
		line = trimmed(line)
		if value, ok := bytes.CutPrefix(line, []byte("data:")); ok {
			data = append(append(data, bytes.TrimPrefix(value, []byte(" "))...), '\n')
		}
		if len(line) > 0 {
			continue
		}
		m, ok := single(data)
		if !see(raw, m, ok) {
			return nil
		}
		raw, data = nil, nil
	}
}

// single returns a message that stands by itself.
func single(text []byte) (message, bool) {
	if len(bytes.TrimSpace(text)) == 0 {
		return message{}, false
	}
	messages, batch, err := parse(text)
	if err != nil || batch {
		return message{}, false
	}
	return messages[0], true
}
