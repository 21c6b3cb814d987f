package guard

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
)

// Streams are the three of the program.
type Streams struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
}

const (
	// maxRequests bounds the requests of the client that wait for an answer.
	maxRequests = 10_000
)

// pump carries messages between a client and one process.
type pump struct {
	g                *Guard
	client, upstream *lineWriter

	// calls are the goroutines that decide about a call; ctx ends what they hold.
	calls sync.WaitGroup
	ctx   context.Context
	stop  context.CancelFunc

	mu      sync.Mutex
	session session
	// open are the client's requests that have no answer yet, by the key of their id.
	open map[string]*exchange
	// own are guard's requests to the upstream, and asked its elicitations of the client.
	own   map[string]chan message
	asked map[string]chan string
	list  toolList
	// changes counts the changes of the upstream's list.
	changes int
	// draining says that no more calls are taken, and closed that nothing is.
	draining, closed bool

	// gone is closed when the client does not read any more.
	gone     chan struct{}
	goneOnce sync.Once
}

// exchange is one request of the client.
type exchange struct {
	id     json.RawMessage
	method string
	// urls is what an initialize said.
	urls bool
	// call is nil unless it is a tools/call.
	call   *toolCall
	cancel context.CancelFunc

	// sending is held while the call is forwarded, so that nothing about it overtakes it.
	sending   sync.Mutex
	cancelled bool
	permit    *permit // once it is forwarded
}

func (g *Guard) runStdio(ctx context.Context, streams Streams) (int, error) {
	c, err := startChild(g.settings.Command, streams.Stderr)
	if err != nil {
		return 0, fmt.Errorf("the MCP server %q cannot be started: %w", g.settings.Command[0], err)
	}
	p := newPump(g, streams.Stdout, c.stdin)
	clientDone, upstreamDone := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(clientDone)
		p.readClient(newLineReader(streams.Stdin, maxClientLine))
	}()
	go func() {
		defer close(upstreamDone)
		p.readUpstream(newLineReader(c.stdout, maxUpstreamLine))
	}()
	code := 0
	select {
	case <-clientDone:
		p.drain()
		c.stop()
	case <-p.gone:
		p.drain()
		c.stop()
	case <-ctx.Done():
		p.drain()
		c.stop()
	case <-upstreamDone: // It has closed its stdout.
		c.stop()
		code = c.code
	case <-c.ended:
		kill(c.cmd.Process)
		code = c.code
	}
	// What it wrote before it ended is passed on, however long a process of its own keeps the pipe.
	within(upstreamDone)
	failed := make(chan struct{})
	go func() {
		defer close(failed)
		p.fail()
	}()
	within(failed) // A client that does not read must not keep guard.
	_ = c.stdout.Close()
	g.settleReports()
	return code, nil
}

func newPump(g *Guard, client, upstream io.Writer) *pump {
	p := &pump{
		g: g, client: &lineWriter{w: client}, upstream: &lineWriter{w: upstream},
		open: map[string]*exchange{}, own: map[string]chan message{}, asked: map[string]chan string{}, gone: make(chan struct{}),
	}
	p.ctx, p.stop = context.WithCancel(context.Background())
	return p
}

// drain ends what is held, and lets the calls through that need no PIN.
func (p *pump) drain() {
	p.mu.Lock()
	p.draining = true
	p.mu.Unlock()
	p.stop()
	decided := make(chan struct{})
	go func() {
		defer close(decided)
		p.calls.Wait()
	}()
	within(decided)
}

// fail answers every open request, because the upstream is gone.
func (p *pump) fail() {
	p.stop()
	p.mu.Lock()
	p.closed = true
	open := p.open
	p.open = map[string]*exchange{}
	p.mu.Unlock()
	for _, e := range open {
		e.sending.Lock()
		e.cancelled = true
		if e.permit != nil {
			p.g.lose(e.permit)
		}
		e.sending.Unlock()
		p.toClient(errorResponse(e.id, codeRefused, "The MCP server ended before it answered."))
	}
}

func (p *pump) toClient(line []byte) {
	if err := p.client.write(line); err != nil {
		p.goneOnce.Do(func() { close(p.gone) })
	}
}

func (p *pump) toUpstream(line []byte) {
	if err := p.upstream.write(line); err != nil {
		p.g.log.Debug("the upstream does not read", "error", err)
	}
}

func (p *pump) readClient(lines *lineReader) {
	for {
		line, err := lines.next()
		switch {
		case errors.Is(err, errLongLine):
			p.toClient(errorResponse(nil, codeInvalidRequest, "The message is longer than 16 MiB."))
		case err != nil:
			return
		case !isBlank(line):
			p.fromClient(line)
		}
	}
}

func isBlank(line []byte) bool {
	for _, c := range line {
		if c != ' ' && c != '\t' && c != '\r' && c != '\n' {
			return false
		}
	}
	return true
}

// fromClient passes one line of the client on, or steps in.
func (p *pump) fromClient(line []byte) {
	messages, batch, err := parse(line)
	if err != nil {
		p.refuseLine(messages, err)
		return
	}
	if !batch {
		if kept := p.step(messages[0]); kept != nil {
			p.toUpstream(kept)
		}
		return
	}
	for _, m := range messages {
		if isCall(m.method) {
			p.refuseBatch(messages)
			return
		}
	}
	var kept []json.RawMessage
	for _, m := range messages {
		if line := p.step(m); line != nil {
			kept = append(kept, line)
		}
	}
	if len(kept) > 0 {
		p.toUpstream(encoded(kept))
	}
}

func (p *pump) refuseLine(messages []message, err error) {
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
	p.toClient(errorResponse(id, refused.code, "hydrapin guard: "+refused.text))
}

const saidBatch = "hydrapin guard: a batch that contains a tools/call is refused; send each call by itself"

func (p *pump) refuseBatch(messages []message) {
	answered := false
	for _, m := range messages {
		if _, ok := idKey(m.id); ok && m.method != "" {
			answered = true
			p.toClient(errorResponse(m.id, codeInvalidRequest, saidBatch))
		}
	}
	if !answered {
		p.toClient(errorResponse(nil, codeInvalidRequest, saidBatch))
	}
}

// step returns what the upstream gets of a message, or nil.
func (p *pump) step(m message) json.RawMessage {
	switch {
	case isCall(m.method):
		p.begin(m)
		return nil
	case m.isResponse():
		if id := idText(m.id); p.g.toClient.has(id) {
			p.answered(id, m)
			return nil
		}
	case m.method == noteCancelled:
		if p.cancelled(m) {
			return nil
		}
	case m.isRequest():
		if !p.track(m) {
			return nil
		}
	}
	return m.line()
}

// track remembers a request that passes, so that its id cannot be that of a call.
func (p *pump) track(m message) bool {
	key, ok := idKey(m.id)
	if !ok {
		return true
	}
	e := &exchange{id: m.id, method: m.method}
	if m.method == methodInitialize {
		params, err := objectIn(m.object, "params")
		e.urls = err == nil && showsURLs(params.get("capabilities"))
	}
	return p.register(key, e)
}

// register opens an exchange, or answers that it cannot.
func (p *pump) register(key string, e *exchange) bool {
	p.mu.Lock()
	_, used := p.open[key]
	full := len(p.open) >= maxRequests
	taken := !used && !full && !p.closed && (!p.draining || e.call == nil)
	if taken {
		p.open[key] = e
		if e.call != nil {
			p.calls.Add(1)
		}
	}
	p.mu.Unlock()
	switch {
	case used:
		p.toClient(errorResponse(e.id, codeInvalidRequest, "hydrapin guard: the id is in use"))
	case full:
		p.toClient(errorResponse(e.id, codeRefused, "hydrapin guard: too many requests are in progress"))
	}
	return taken
}

// begin starts a tools/call.
func (p *pump) begin(m message) {
	p.mu.Lock()
	s := p.session
	p.mu.Unlock()
	c, err := parseCall(m, s)
	if err != nil {
		p.refuseLine([]message{m}, err)
		return
	}
	if !p.g.enter() {
		p.toClient(refuse(saidBusy).response(c))
		return
	}
	ctx, cancel := context.WithCancel(p.ctx)
	e := &exchange{id: c.id, method: m.method, call: c, cancel: cancel}
	key, _ := idKey(c.id)
	if !p.register(key, e) {
		cancel()
		p.g.leave()
		return
	}
	go func() {
		defer p.calls.Done()
		p.decide(ctx, key, e)
	}()
}

// decide holds a call until it may pass or is refused.
func (p *pump) decide(ctx context.Context, key string, e *exchange) {
	defer e.cancel()
	who := person{holder: p.g.settings.Holder}
	by := &stdioCaller{p, e.call}
	_, refused := p.g.find(ctx, e.call.tool, by)
	var may *permit
	if refused == nil {
		may, refused = p.g.decide(ctx, e.call, who, by)
	}
	if may == nil {
		p.end(key, e, refused)
		return
	}
	p.forward(key, e, may)
}

// end ends an exchange that is not forwarded.
func (p *pump) end(key string, e *exchange, refused *refusal) {
	if p.forget(key, e) && refused != nil {
		p.toClient(refused.response(e.call))
	}
}

// forget removes an exchange; false if it ended before.
func (p *pump) forget(key string, e *exchange) bool {
	p.mu.Lock()
	found := p.open[key] == e
	if found {
		delete(p.open, key)
	}
	p.mu.Unlock()
	if found && e.call != nil {
		p.g.leave()
	}
	return found
}

// forward writes a permit to the upstream, unless its call was cancelled.
func (p *pump) forward(key string, e *exchange, may *permit) {
	e.sending.Lock()
	defer e.sending.Unlock()
	if e.cancelled {
		p.g.report(may.confirmation, "failed")
		return
	}
	e.permit = may
	if err := p.upstream.write(may.message()); err != nil {
		p.g.lose(may)
		p.end(key, e, &refusal{code: codeRefused, text: "The MCP server does not take calls any more."})
	}
}

// cancelled ends a call that is held. A call that was forwarded is the upstream's to cancel: then
// the notification passes.
func (p *pump) cancelled(m message) (stays bool) {
	params, err := objectIn(m.object, "params")
	if err != nil {
		return false
	}
	key, ok := idKey(params.get("requestId"))
	if !ok {
		return false
	}
	p.mu.Lock()
	e := p.open[key]
	p.mu.Unlock()
	if e == nil {
		return false
	}
	if e.call == nil {
		p.forget(key, e) // It gets no answer.
		return false
	}
	e.sending.Lock()
	e.cancelled = true
	forwarded := e.permit
	e.sending.Unlock()
	e.cancel()
	if p.forget(key, e) && forwarded != nil {
		p.g.lose(forwarded)
	}
	return forwarded == nil
}

// answered gets the client's answer to an elicitation of guard's. An error counts as no answer: the
// call stays held.
func (p *pump) answered(id string, m message) {
	p.mu.Lock()
	to := p.asked[id]
	delete(p.asked, id)
	p.mu.Unlock()
	if to == nil {
		return
	}
	result, err := objectIn(m.object, "result")
	if err == nil {
		to <- idText(result.get("action"))
	}
	close(to)
}
