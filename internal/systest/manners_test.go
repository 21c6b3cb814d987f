package systest_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/hydratest"
)

// send makes a request on a connection of its own, and returns once the server has
// taken it.
func (w *world) send(n *node, method, path, body string) <-chan answer {
	w.t.Helper()
	own := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: hydratest.Patience}
	done := make(chan answer, 1)
	dialled := make(chan struct{})
	own.Transport.(*http.Transport).DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		close(dialled)
		return conn, err
	}
	go func() { done <- call(w.t.Context(), own, method, n.url+path, body, "X-Api-Key", w.runtime) }()
	<-dialled
	// Connections are taken in order: once a later one is answered, this one was.
	later := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: hydratest.Patience}
	call(w.t.Context(), later, http.MethodGet, n.url+"/healthz", "").want(w.t, http.StatusOK)
	return done
}

// SIGTERM: who waits is answered at once, what is being verified is finished, and
// the process ends with success.
func TestDrain(t *testing.T) {
	t.Parallel()
	for _, s := range []store{onSQLite, onPostgres} {
		w := newWorld(t, s, 1, "HYDRAPIN_ARGON2_MEMORY_KIB=19456 HYDRAPIN_ARGON2_TIME=20")
		n := w.nodes[0]
		customer, pin := w.customer()
		long, id := w.pending(n, customer), w.pending(n, customer)
		poll := w.send(n, http.MethodGet, w.confirmations()+"/"+long.String()+"?wait_seconds=30", "")
		verify := w.send(n, http.MethodPost, w.confirmations()+"/"+id.String()+"/verify", `{"pin":"`+pin+`"}`)
		hydratest.Eventually(t, "the guess is paid for", func() bool {
			return *w.look(n, long).AttemptsRemaining == lockAfter-1
		})
		n.signal()
		begin := time.Now()
		a := <-poll
		var c confirmation
		if a.into(t, &c, http.StatusOK); c.Status != "pending" || time.Since(begin) > 3*time.Second {
			t.Errorf("%s: the wait was answered %+v after %s", s.name, c, time.Since(begin))
		}
		a = <-verify
		if a.into(t, &c, http.StatusOK); c.Status != "approved" || c.Receipt == nil {
			t.Errorf("%s: what was being verified ended as %+v", s.name, c)
		}
		n.awaitStop()
		if log := n.text(&n.stderr); !strings.Contains(log, `"msg":"stopped"`) {
			t.Errorf("%s: no word of the end:\n%s", s.name, log)
		}
	}
}

// A wait on one node ends when another approves.
func TestWaitAcrossNodes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, onPostgres, 2, cheapHash)
	customer, pin := w.customer()
	for range 3 {
		id := w.pending(w.nodes[0], customer)
		poll := w.send(w.nodes[0], http.MethodGet, w.confirmations()+"/"+id.String()+"?wait_seconds=30", "")
		w.verify(w.nodes[1], id, pin).want(t, http.StatusOK)
		begin := time.Now()
		var c confirmation
		if (<-poll).into(t, &c, http.StatusOK); c.Status != "approved" || time.Since(begin) > time.Second {
			t.Errorf("the wait was answered %+v %s after the approval", c, time.Since(begin))
		}
	}
	for _, n := range w.nodes {
		n.stop()
	}
}

func TestBodiesIDsAndOrigins(t *testing.T) {
	t.Parallel()
	w := newWorld(t, onSQLite, 1, cheapHash, "HYDRAPIN_CORS_ORIGINS=https://dashboard.example.com")
	n := w.nodes[0]

	// 64 KiB are read, one byte more is not; announced or in chunks.
	body := func(size int) string {
		return `{"pin":"` + w.newPIN() + `"` + strings.Repeat(" ", size-22) + `}`
	}
	path := pinPath(uuid.New())
	n.call(w.admin, http.MethodPost, path, body(64<<10)).want(t, http.StatusOK)
	a := n.call(w.admin, http.MethodPost, path, body(64<<10+1))
	if a.want(t, http.StatusRequestEntityTooLarge); a.kind() != "too-large" {
		t.Errorf("%s", a.body)
	}
	if status := w.chunked(n, path, body(64<<10+1)); status != http.StatusRequestEntityTooLarge {
		t.Errorf("in chunks: %d", status)
	}

	// A request has an id of the server's; the client's is kept beside it.
	a = call(t.Context(), browser, http.MethodGet, n.url+path, "", "X-Api-Key", w.admin, "X-Request-Id", "from-the-client")
	id := a.header.Get("X-Request-Id")
	if id == "" || id == "from-the-client" || id == n.call(w.admin, http.MethodGet, path, "").header.Get("X-Request-Id") {
		t.Errorf("request id %q", id)
	}
	hydratest.Eventually(t, "the log has both ids in one line", func() bool {
		return n.logged("request_id", id, "client_request_id", "from-the-client") != nil
	})

	// A browser may call from the origins that were named, and from no other.
	for origin, allowed := range map[string]string{
		"https://dashboard.example.com": "https://dashboard.example.com", "https://evil.example.com": "", "null": "",
	} {
		a := call(t.Context(), browser, http.MethodOptions, n.url+path, "", "Origin", origin,
			"Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "X-Api-Key, Content-Type")
		if got := a.header.Get("Access-Control-Allow-Origin"); got != allowed {
			t.Errorf("before a request from %s: allowed is %q", origin, got)
		}
		a = call(t.Context(), browser, http.MethodGet, n.url+path, "", "Origin", origin, "X-Api-Key", w.admin)
		if got := a.header.Get("Access-Control-Allow-Origin"); got != allowed || a.header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("from %s: allowed is %q, credentials %q", origin, got, a.header.Get("Access-Control-Allow-Credentials"))
		}
	}
	n.stop()
}

// chunked sends a body whose length is not announced.
func (w *world) chunked(n *node, path, body string) int {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, n.url+path, struct{ io.Reader }{strings.NewReader(body)})
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("X-Api-Key", w.admin)
	req.Header.Set("Content-Type", "application/json")
	res, err := browser.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	return res.StatusCode
}

// Who dawdles over a header or a body is cut off.
func TestSlowClients(t *testing.T) {
	t.Parallel()
	m := newMachine(t, strings.Fields(cheapHash)...)
	n := m.serve()
	m.noteFolder()
	_, key, _ := n.greeting()
	conns := map[string]net.Conn{}
	begin := time.Now()
	for _, c := range []struct{ name, sent string }{
		{"header", "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: "},
		{"body", "POST " + pinPath(uuid.New()) + " HTTP/1.1\r\nHost: localhost\r\nX-Api-Key: " + key +
			"\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"},
	} {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(n.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		if _, err := io.WriteString(conn, c.sent); err != nil {
			t.Fatal(err)
		}
		conns[c.name] = conn
	}
	for _, c := range []struct {
		name    string
		timeout time.Duration
	}{{"header", 5 * time.Second}, {"body", 15 * time.Second}} {
		if err := conns[c.name].SetReadDeadline(begin.Add(c.timeout + hydratest.Patience)); err != nil {
			t.Fatal(err)
		}
		all, err := io.ReadAll(conns[c.name])
		took := time.Since(begin)
		if e, ok := errors.AsType[net.Error](err); ok && e.Timeout() {
			t.Errorf("a slow %s is still waited for after %s", c.name, took)
		}
		if took < c.timeout-time.Second {
			t.Errorf("a slow %s was cut off after %s already:\n%s", c.name, took, all)
		}
		if c.name == "body" {
			res, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(all)), nil)
			if err != nil || res.StatusCode != http.StatusUnprocessableEntity {
				t.Errorf("a slow body was answered %q, %v", all, err)
			}
			if res != nil {
				_ = res.Body.Close()
			}
		}
	}
	n.stop()
}

func TestTLS(t *testing.T) {
	t.Parallel()
	m := newMachine(t, append(strings.Fields(cheapHash), "HYDRAPIN_TLS_CERT_FILE=cert.pem", "HYDRAPIN_TLS_KEY_FILE=key.pem")...)
	pool := m.certificate()
	n := m.serve()
	m.noteFolder()
	if !strings.HasPrefix(n.url, "https://127.0.0.1:") {
		t.Fatalf("the URL is %s", n.url)
	}
	trusting := &http.Client{Timeout: hydratest.Patience, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true,
	}}
	address, key, body := n.greeting()
	call(t.Context(), trusting, http.MethodPost, address, body, "X-Api-Key", key).want(t, http.StatusOK)
	plain := "http://" + strings.TrimPrefix(n.url, "https://")
	if a := call(t.Context(), browser, http.MethodPost, plain+"/healthz", ""); a.err == nil && a.status != http.StatusBadRequest {
		t.Errorf("without TLS: %d", a.status)
	}
	if a := call(t.Context(), browser, http.MethodGet, n.url+"/healthz", ""); a.err == nil {
		t.Error("a client that does not trust the certificate got an answer")
	}
	old := &http.Client{Timeout: hydratest.Patience, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: pool, MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10},
	}}
	if a := call(t.Context(), old, http.MethodGet, n.url+"/healthz", ""); a.err == nil {
		t.Error("TLS 1.1 was spoken")
	}
	n.stop()
	m.refused(m.run([]string{"HYDRAPIN_TLS_KEY_FILE=cert.pem"}, "serve"), "HYDRAPIN_TLS_CERT_FILE", "HYDRAPIN_TLS_KEY_FILE", "do not belong together")
}

// certificate writes cert.pem and key.pem for 127.0.0.1, and returns a pool that
// trusts it.
func (m *machine) certificate() *x509.CertPool {
	m.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		m.t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		m.t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		m.t.Fatal(err)
	}
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	for file, content := range map[string][]byte{
		"cert.pem": cert, "key.pem": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}),
	} {
		if err := os.WriteFile(m.path(file), content, 0o600); err != nil {
			m.t.Fatal(err)
		}
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(cert) {
		m.t.Fatal("the certificate cannot be read")
	}
	return pool
}

// The probes show a stranger no more than they must.
func TestProbes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, onSQLite, 1, cheapHash)
	n := w.nodes[0]
	var ready map[string]string
	n.call("", http.MethodGet, "/readyz", "").into(t, &ready, http.StatusOK)
	if fmt.Sprint(ready) != "map[database:ok jwks:ok]" {
		t.Errorf("ready says %v", ready)
	}
	var keys struct {
		Keys []map[string]json.RawMessage `json:"keys"`
	}
	n.call("", http.MethodGet, "/.well-known/jwks.json", "").into(t, &keys, http.StatusOK)
	if len(keys.Keys) != 1 {
		t.Fatalf("%d receipt keys are published", len(keys.Keys))
	}
	if _, private := keys.Keys[0]["d"]; private {
		t.Error("the private part of a receipt key is published")
	}
	n.call("", http.MethodGet, "/metrics", "").want(t, http.StatusOK)
	n.stop()
}
