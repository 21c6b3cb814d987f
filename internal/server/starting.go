package server

import (
	"crypto/rand"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
)

// handover is the handler of a server that listens before its node exists: the database may have
// to wait for another node that migrates it. Until then the process answers that it is alive, as a
// supervisor would otherwise restart it in the middle of the wait, and 503 to everything else.
type handover struct{ node atomic.Pointer[http.Handler] }

func (h *handover) to(node http.Handler) { h.node.Store(&node) }

func (h *handover) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if node := h.node.Load(); node != nil {
		(*node).ServeHTTP(w, r)
		return
	}
	id := strings.ToLower(rand.Text())
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("X-Request-Id", id)
	if r.URL.Path == "/healthz" && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		w.Header().Set("Content-Type", "text/plain; charset=UTF-8")
		_, _ = io.WriteString(w, "ok\n")
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Retry-After", "1")
	w.WriteHeader(http.StatusServiceUnavailable)
	_, _ = io.WriteString(w, `{"type":"urn:hydrapin:problem:unavailable","title":"Unavailable","status":503,`+
		`"detail":"The server is starting. Nothing was allowed.","request_id":"`+id+`"}`+"\n")
}
