package guardproof_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
)

// try posts a call that the edit changes, and returns the status. It waits no longer than guard's
// --wait and some.
func (g *guard) try(raw, method string, edit func(r *http.Request)) int {
	g.s.t.Helper()
	ctx, cancel := context.WithTimeout(g.s.t.Context(), 20*time.Second)
	defer cancel()
	req := g.post(ctx, raw, method)
	edit(req)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0
	}
	defer func() { _ = resp.Body.Close() }()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode
}

// wantStatus fails unless the status is one of those.
func (g *guard) wantStatus(what string, got int, want ...int) {
	g.s.t.Helper()
	for _, w := range want {
		if got == w {
			return
		}
	}
	g.s.t.Errorf("%s: status %d, want %v", what, got, want)
}

func headersDiffer(t *testing.T, s *stage) {
	g := s.start(setup{wait: soon})
	call := g.rawCall(`"h"`, `"tools/call"`)
	ping := `{"jsonrpc":"2.0","id":"h","method":"ping"` + strings.Replace(g.meta(""), `,"_meta"`, `,"params":{"_meta"`, 1)
	if g.meta("") != "" {
		ping += "}"
	}
	ping += "}"
	for name, edit := range map[string]func(h http.Header){
		"Mcp-Method":         func(h http.Header) { h.Set("Mcp-Method", "ping") },
		"Mcp-Method of case": func(h http.Header) { h.Set("Mcp-Method", "Tools/Call") },
		"Mcp-Method twice":   func(h http.Header) { h["Mcp-Method"] = []string{"tools/call", "ping"} },
		"Mcp-Name":           func(h http.Header) { h.Set("Mcp-Method", "tools/call"); h.Set("Mcp-Name", "read_balance") },
		"Mcp-Name twice":     func(h http.Header) { h["Mcp-Name"] = []string{"send_money", "read_balance"} },
		"Mcp-Name encoded":   func(h http.Header) { h.Set("Mcp-Name", "=?base64?cmVhZF9iYWxhbmNl?=") },
	} {
		g.wantStatus(name, g.try(call, "tools/call", func(r *http.Request) { edit(r.Header) }), http.StatusBadRequest)
	}
	// A call in the header alone is none.
	g.try(ping, "ping", func(r *http.Request) {
		r.Header.Set("Mcp-Method", "tools/call")
		r.Header.Set("Mcp-Name", "send_money")
	})
	if n := len(s.questions("pending", s.customer)); n != 0 {
		t.Errorf("%d questions were asked for requests whose headers differ", n)
	}
	g.settled()
}

func foreignOrigin(_ *testing.T, s *stage) {
	g := s.start(setup{wait: soon})
	call := g.rawCall(`"o"`, `"tools/call"`)
	for _, origin := range []string{"https://evil.example", "null", "http://127.0.0.1.evil.example", "http://localhost.evil.example", "file://"} {
		g.wantStatus("Origin "+origin, g.try(call, "tools/call", func(r *http.Request) { r.Header.Set("Origin", origin) }), http.StatusForbidden)
	}
	for _, host := range []string{"evil.example", "evil.example:80", "127.0.0.1.evil.example", "169.254.169.254"} {
		g.wantStatus("Host "+host, g.try(call, "tools/call", func(r *http.Request) { r.Host = host }), http.StatusForbidden)
	}
	g.settled()
}

func otherPath(_ *testing.T, s *stage) {
	g := s.start(setup{wait: soon})
	call := g.rawCall(`"p"`, `"tools/call"`)
	base := strings.TrimSuffix(g.url, "/mcp")
	for _, path := range []string{
		"/", "", "/mcp/", "/MCP", "/mcp/x", "/x/../mcp", "/mcp/../other", "/other", "//mcp", "/%6dcp", "/mcp%2f", "/mcp;x", "/mcp?x=1", "/messages?sessionId=1", "/sse",
	} {
		g.try(call, "tools/call", func(r *http.Request) {
			u, err := r.URL.Parse(base + path)
			must(s.t, err)
			r.URL = u
		})
	}
	for _, method := range []string{"PUT", "PATCH", "GET", "DELETE", "HEAD", "OPTIONS", "QUERY", "post", "TRACE", "X"} {
		g.try(call, "tools/call", func(r *http.Request) { r.Method = method })
		g.try(call, "tools/call", func(r *http.Request) { r.Header.Set("X-Http-Method-Override", method) })
	}
	g.settled()
	s.front.settled(s.t)
}

func otherEncoding(_ *testing.T, s *stage) {
	g := s.start(setup{wait: soon})
	call := g.rawCall(`"e"`, `"tools/call"`)
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, _ = io.WriteString(w, call)
	_ = w.Close()
	body := func(r *http.Request, content []byte) {
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(content)), int64(len(content))
	}
	var wide []byte
	for _, unit := range utf16.Encode([]rune(call)) {
		wide = binary.LittleEndian.AppendUint16(wide, unit)
	}
	for _, kind := range []string{"gzip", "GZIP", "x-gzip", "deflate, gzip", "br", "identity"} {
		g.try(call, "tools/call", func(r *http.Request) {
			r.Header.Set("Content-Encoding", kind)
			body(r, packed.Bytes())
		})
	}
	for _, kind := range []string{"application/json; charset=utf-16", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "application/json-seq", "application/xml"} {
		g.try(call, "tools/call", func(r *http.Request) { r.Header["Content-Type"] = []string{kind} })
		g.try(call, "tools/call", func(r *http.Request) {
			r.Header["Content-Type"] = []string{kind}
			body(r, wide)
		})
	}
	g.try(call, "tools/call", func(r *http.Request) { r.Header.Del("Content-Type") })
	g.try(call, "tools/call", func(r *http.Request) { r.ContentLength = -1 })
	g.try(call, "tools/call", func(r *http.Request) { r.Header.Set("Accept", "text/html") })
	// Two lengths, and a length beside chunks: one request for guard, two for a careless server.
	smuggled := "POST /mcp HTTP/1.1\r\nHost: " + hostOf(g.url) + "\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\n"
	ping := `{"jsonrpc":"2.0","id":"s","method":"ping"}`
	g.speak(smuggled + fmt.Sprintf("Content-Length: %d\r\nContent-Length: %d\r\n\r\n", len(ping), len(ping)+len(call)) + ping + call)
	g.speak(smuggled + fmt.Sprintf("Content-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", len(call)+5) + smuggled + "\r\n" + call)
	g.speak(smuggled + "Transfer-Encoding: xchunked\r\n\r\n" + call)
	g.settled()
	s.front.settled(s.t)
}

func hostOf(url string) string { return strings.TrimSuffix(strings.TrimPrefix(url, "http://"), "/mcp") }

// speak sends bytes on a connection of its own, and reads until the other end is silent.
func (g *guard) speak(raw string) string {
	g.s.t.Helper()
	conn, err := net.Dial("tcp", hostOf(g.url))
	must(g.s.t, err)
	defer func() { _ = conn.Close() }()
	must(g.s.t, conn.SetDeadline(time.Now().Add(3*time.Second)))
	_, _ = io.WriteString(conn, raw)
	answer, _ := io.ReadAll(bufio.NewReader(conn))
	return string(answer)
}

func upgrade(t *testing.T, s *stage) {
	g := s.start(setup{wait: soon})
	call := g.rawCall(`"u"`, `"tools/call"`)
	for _, verb := range []string{"GET", "POST"} {
		answer := g.speak(verb + " /mcp HTTP/1.1\r\nHost: " + hostOf(g.url) + "\r\nConnection: Upgrade\r\nUpgrade: lines\r\n" +
			"Content-Type: application/json\r\nAccept: text/event-stream, application/json\r\n\r\n" + call + "\n")
		if strings.HasPrefix(answer, "HTTP/1.1 101") {
			t.Errorf("%s with Upgrade opens a tunnel past guard", verb)
		}
	}
	g.settled()
}

func anotherAuthorization(_ *testing.T, s *stage) {
	g := s.start(setup{wait: soon})
	as := func(authorization string) {
		g.try(g.rawCall(g.newID(), `"tools/call"`), "tools/call", func(r *http.Request) {
			if authorization != "" {
				r.Header.Set("Authorization", authorization)
			}
		})
	}
	as("Bearer ada")
	s.confirm(pay)
	as("Bearer eve")
	as("")
	as("bearer ada")
	if v := s.judge(); v.ran != 0 {
		s.t.Errorf("%d calls ran under another Authorization", v.ran)
	}
	as("Bearer ada")
	g.settled()
}

const gatewaySecret = "0123456789abcdef0123456789abcdef"

func namedHolder(_ *testing.T, s *stage) {
	g := s.launch(setup{
		wait: soon, anyHolder: true, config: "holder: {header: X-Customer-Id}\n",
		environment: []string{"HYDRAPIN_GUARD_SECRET=" + gatewaySecret},
	})
	call := g.rawCall(`"n"`, `"tools/call"`)
	customer := s.customer.String()
	for name, edit := range map[string]func(h http.Header){
		"nothing":         func(http.Header) {},
		"no secret":       func(h http.Header) { h.Set("X-Customer-Id", customer) },
		"an empty secret": func(h http.Header) { h.Set("X-Customer-Id", customer); h.Set("X-Hydrapin-Guard", "") },
		"an incorrect secret": func(h http.Header) {
			h.Set("X-Customer-Id", customer)
			h.Set("X-Hydrapin-Guard", gatewaySecret+"x")
		},
		"the secret twice": func(h http.Header) {
			h.Set("X-Customer-Id", customer)
			h["X-Hydrapin-Guard"] = []string{gatewaySecret, gatewaySecret}
		},
		"two holders": func(h http.Header) {
			h["X-Customer-Id"] = []string{customer, customer}
			h.Set("X-Hydrapin-Guard", gatewaySecret)
		},
		"no holder": func(h http.Header) { h.Set("X-Hydrapin-Guard", gatewaySecret) },
		"no UUID":   func(h http.Header) { h.Set("X-Customer-Id", "ada"); h.Set("X-Hydrapin-Guard", gatewaySecret) },
	} {
		status := g.try(call, "tools/call", func(r *http.Request) { edit(r.Header) })
		g.wantStatus(name, status, http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden)
	}
	if n := len(s.questions("pending", s.customer)); n != 0 {
		s.t.Errorf("%d questions were asked for requests without a holder", n)
	}
	// With both the call is held, and neither header reaches the server.
	g.try(call, "tools/call", func(r *http.Request) {
		r.Header.Set("X-Customer-Id", customer)
		r.Header.Set("X-Hydrapin-Guard", gatewaySecret)
	})
	s.asked(1)
	g.try(`{"jsonrpc":"2.0","id":"f","method":"tools/list","params":{}}`, "tools/list", func(r *http.Request) {
		r.Header.Set("X-Customer-Id", customer)
		r.Header.Set("X-Hydrapin-Guard", gatewaySecret)
	})
	for _, e := range readRecord(s.t, s.path).messages {
		for _, h := range e.Header {
			if strings.Contains(h, gatewaySecret) || strings.Contains(strings.ToLower(h), "x-customer-id") {
				s.t.Errorf("the server has the header %s", strings.Split(h, ":")[0])
			}
		}
	}
}
