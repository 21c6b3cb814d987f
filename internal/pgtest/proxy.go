package pgtest

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// Moment says when a [Proxy] cuts a connection.
type Moment int

// The moments of a cut: before the server hears of the statement, and after it has
// carried it out but before its client hears of that.
const (
	BeforeServer Moment = iota + 1
	AfterServer
)

// Proxy stands in front of a server, counts round trips and cuts connections.
type Proxy struct {
	// URL leads to the server by way of the proxy.
	URL string

	server string
	trips  atomic.Int64
	// log has the statements of each round trip, in order.
	mu   sync.Mutex
	log  []string
	cuts map[string]Moment
	// conns are all open connections, to be cut.
	conns map[net.Conn]struct{}
}

// NewProxy starts a proxy in front of the server at address, which must speak without
// TLS. It ends with the test.
func NewProxy(tb testing.TB, address string) *Proxy {
	tb.Helper()
	there, err := url.Parse(address)
	if err != nil {
		tb.Fatal("pgtest: the address is not a URL")
	}
	listener, err := new(net.ListenConfig).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatalf("pgtest: %v", err)
	}
	p := &Proxy{server: there.Host, cuts: map[string]Moment{}, conns: map[net.Conn]struct{}{}}
	there.Host = listener.Addr().String()
	p.URL = there.String()
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { p.serve(client) })
		}
	})
	tb.Cleanup(func() {
		_ = listener.Close()
		p.CutAll()
		serving.Wait()
	})
	return p
}

// RoundTrips returns how often a client has waited for the server so far: each message
// after which the server says that it is ready again. Connecting does not count.
func (p *Proxy) RoundTrips() int { return int(p.trips.Load()) }

// Log returns the statements of the round trips so far, a line each, and forgets them.
func (p *Proxy) Log() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	log := p.log
	p.log = nil
	return log
}

// Cut ends the next connection that sends a statement which contains text.
func (p *Proxy) Cut(when Moment, text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cuts[text] = when
}

// CutAll ends every open connection.
func (p *Proxy) CutAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for conn := range p.conns {
		_ = conn.Close()
	}
}

// due says whether a cut waits for one of the statements, and forgets it.
func (p *Proxy) due(statements []string) Moment {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.log = append(p.log, strings.Join(statements, " | "))
	for text, when := range p.cuts {
		for _, sql := range statements {
			if strings.Contains(sql, text) {
				delete(p.cuts, text)
				return when
			}
		}
	}
	return 0
}

func (p *Proxy) track(conns ...net.Conn) (forget func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, conn := range conns {
		p.conns[conn] = struct{}{}
	}
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, conn := range conns {
			_ = conn.Close()
			delete(p.conns, conn)
		}
	}
}

func (p *Proxy) serve(client net.Conn) {
	server, err := net.Dial("tcp", p.server) //nolint:noctx // it ends with the proxy
	if err != nil {
		_ = client.Close()
		return
	}
	defer p.track(client, server)()
	c := &proxied{proxy: p, client: client, server: server, prepared: map[string]string{}}
	var answering sync.WaitGroup
	answering.Go(func() {
		c.answer()
		_ = client.Close()
	})
	c.ask()
	_ = server.Close()
	answering.Wait()
}

// proxied is one connection of a client.
type proxied struct {
	proxy          *Proxy
	client, server net.Conn
	// prepared has the texts of prepared statements by name.
	prepared map[string]string
	// swallow says that the next answer is not passed on.
	swallow atomic.Bool
}

// message reads one message; a startup message has no type.
func message(from io.Reader, startup bool) (kind byte, whole []byte, err error) {
	head := make([]byte, 5)
	if startup {
		head = head[:4]
	}
	if _, err := io.ReadFull(from, head); err != nil {
		return 0, nil, err
	}
	if !startup {
		kind = head[0]
	}
	length := binary.BigEndian.Uint32(head[len(head)-4:])
	if length < 4 || length > 1<<30 {
		return 0, nil, errors.New("pgtest: not a message")
	}
	body := make([]byte, length-4)
	if _, err := io.ReadFull(from, body); err != nil {
		return 0, nil, err
	}
	return kind, slices.Concat(head, body), nil
}

// ask passes on what the client sends, a whole round trip at a time.
func (c *proxied) ask() {
	_, first, err := message(c.client, true)
	if err != nil {
		return
	}
	if _, err := c.server.Write(first); err != nil {
		return
	}
	var (
		batch      []byte
		statements []string
	)
	for {
		kind, whole, err := message(c.client, false)
		if err != nil {
			return
		}
		batch = append(batch, whole...)
		if sql, ok := c.statement(kind, whole[5:]); ok {
			statements = append(statements, sql)
		}
		switch kind {
		case 'S', 'Q': // Sync, Query
			c.proxy.trips.Add(1)
			switch c.proxy.due(statements) {
			case BeforeServer:
				return
			case AfterServer:
				c.swallow.Store(true)
			}
		case 'P', 'B', 'D', 'E', 'C': // the parts of a batch
			continue
		}
		if _, err := c.server.Write(batch); err != nil {
			return
		}
		batch, statements = nil, nil
	}
}

// statement returns the text that a message runs.
func (c *proxied) statement(kind byte, body []byte) (string, bool) {
	text := func(from []byte) (string, []byte) {
		before, after, _ := bytes.Cut(from, []byte{0})
		return string(before), after
	}
	switch kind {
	case 'P': // Parse: name, text
		name, rest := text(body)
		sql, _ := text(rest)
		c.prepared[name] = sql
		return "PREPARE", true
	case 'B': // Bind: portal, name
		_, rest := text(body)
		name, _ := text(rest)
		return c.prepared[name], true
	case 'Q':
		sql, _ := text(body)
		return sql, true
	}
	return "", false
}

// answer passes on what the server sends.
func (c *proxied) answer() {
	for {
		kind, whole, err := message(c.server, false)
		if err != nil {
			return
		}
		if c.swallow.Load() {
			if kind == 'Z' { // ReadyForQuery: it is done
				return
			}
			continue
		}
		if _, err := c.client.Write(whole); err != nil {
			return
		}
	}
}
