package guard

import (
	"context"
	"encoding/json"
	"errors"
)

// readUpstream passes what the upstream writes to the client.
func (p *pump) readUpstream(lines *lineReader) {
	for {
		line, err := lines.next()
		switch {
		case errors.Is(err, errLongLine):
			p.g.log.Warn("a message of the upstream is longer than 64 MiB and was dropped")
		case err != nil:
			return
		case !isBlank(line):
			p.fromUpstream(line)
		}
	}
}

func (p *pump) fromUpstream(line []byte) {
	if !json.Valid(line) {
		p.g.log.Warn("a line of the upstream is not JSON and was dropped")
		return
	}
	messages, batch, err := parse(line)
	if err != nil {
		// It is for the client to judge: nothing of it is an answer to guard.
		p.toClient(trimmed(line))
		return
	}
	var kept []json.RawMessage
	for _, m := range messages {
		if p.back(m) {
			kept = append(kept, m.line())
		}
	}
	switch {
	case len(kept) == 0:
	case batch:
		p.toClient(encoded(kept))
	default:
		p.toClient(kept[0])
	}
}

// trimmed returns a line without its end.
func trimmed(line []byte) []byte {
	for len(line) > 0 && (line[len(line)-1] == '\n' || line[len(line)-1] == '\r') {
		line = line[:len(line)-1]
	}
	return line
}

// back looks at a message of the upstream, and returns whether the client gets it.
func (p *pump) back(m message) bool {
	if m.method == noteListChanged {
		p.mu.Lock()
		p.list = nil
		p.changes++
		p.mu.Unlock()
	}
	if !m.isResponse() {
		return true
	}
	if id := idText(m.id); p.g.toUpstream.has(id) {
		p.mu.Lock()
		to := p.own[id]
		delete(p.own, id)
		p.mu.Unlock()
		if to != nil {
			to <- m
		}
		return false
	}
	key, ok := idKey(m.id)
	if !ok {
		return true
	}
	p.mu.Lock()
	e := p.open[key]
	p.mu.Unlock()
	switch {
	case e == nil:
		return true
	case e.call == nil:
		p.forget(key, e)
		if e.method == methodInitialize {
			p.initialized(e, m)
		}
		return true
	}
	e.sending.Lock()
	forwarded := e.permit
	e.sending.Unlock()
	if forwarded == nil {
		p.g.log.Warn("the upstream answered a call that it did not get; the answer was dropped")
		return false
	}
	if p.forget(key, e) {
		p.g.settle(forwarded, m)
	}
	return true
}

// initialized keeps what client and upstream agreed on.
func (p *pump) initialized(e *exchange, m message) {
	result, err := objectIn(m.object, "result")
	if err != nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.session = session{revision: idText(result.get("protocolVersion")), urls: e.urls}
}

// stdioCaller is the client of one call over stdio.
type stdioCaller struct {
	p *pump
	c *toolCall
}

// tools implements caller.
func (s *stdioCaller) tools(ctx context.Context, fresh bool) (toolList, error) {
	s.p.mu.Lock()
	list, changes := s.p.list, s.p.changes
	s.p.mu.Unlock()
	if list != nil && !fresh {
		return list, nil
	}
	list, err := listTools(s.c, func(params any) (message, error) { return s.p.ask(ctx, methodList, params) })
	if err != nil {
		return nil, err
	}
	s.p.mu.Lock()
	if s.p.changes == changes {
		s.p.list = list
	}
	s.p.mu.Unlock()
	return list, nil
}

// ask sends a request of guard's own to the upstream.
func (p *pump) ask(ctx context.Context, method string, params any) (message, error) {
	id := p.g.toUpstream.next()
	to := make(chan message, 1)
	p.mu.Lock()
	p.own[id] = to
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		delete(p.own, id)
		p.mu.Unlock()
	}()
	if err := p.upstream.write(request(id, method, params)); err != nil {
		return message{}, err
	}
	select {
	case m := <-to:
		return m, nil
	case <-ctx.Done():
		return message{}, ctx.Err()
	}
}

// alive implements caller.
func (s *stdioCaller) alive(n int) {
	if s.c.token != nil {
		s.p.toClient(notification(noteProgress, progressOf(s.c, n)))
	}
}

// elicit implements caller.
func (s *stdioCaller) elicit(id string, params any) <-chan string {
	to := make(chan string, 1)
	s.p.mu.Lock()
	s.p.asked[id] = to
	s.p.mu.Unlock()
	s.p.toClient(request(id, methodElicit, params))
	return to
}

// elicited implements caller.
func (s *stdioCaller) elicited(id string, done bool) {
	s.p.mu.Lock()
	delete(s.p.asked, id)
	s.p.mu.Unlock()
	if done {
		s.p.toClient(notification(noteElicited, map[string]any{"elicitationId": id}))
	}
}
