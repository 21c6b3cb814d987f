package hydrapin_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
)

// reply is an answer on a real connection, or what is left of one.
type reply struct {
	status  int
	headers map[string]string
	body    []byte
	// cut is how many bytes of the announced length are not sent.
	cut int
	// dropped closes the connection without an answer.
	dropped bool
}

// send writes a reply to the connection itself: net/http would not send such answers.
func (a reply) send(tb testing.TB, w http.ResponseWriter) {
	tb.Helper()
	conn, buffer, err := http.NewResponseController(w).Hijack()
	if err != nil {
		tb.Error(err)
		return
	}
	defer func() { _ = conn.Close() }()
	if a.dropped {
		return
	}
	fmt.Fprintf(buffer, "HTTP/1.1 %d Status\r\n", a.status)
	headers := map[string]string{"Content-Type": "application/json"}
	for name, value := range a.headers {
		headers[name] = value
	}
	if a.status != http.StatusNoContent && a.status != http.StatusNotModified {
		headers["Content-Length"] = strconv.Itoa(len(a.body) + a.cut)
	}
	headers["Connection"] = "close"
	for name, value := range headers {
		fmt.Fprintf(buffer, "%s: %s\r\n", name, value)
	}
	_, _ = buffer.WriteString("\r\n")
	_, _ = buffer.Write(a.body)
	_ = buffer.Flush()
}

// serve starts a server that lasts as long as the test.
func serve(tb testing.TB, handler http.HandlerFunc) *httptest.Server {
	tb.Helper()
	server := httptest.NewServer(handler)
	tb.Cleanup(server.Close)
	return server
}
