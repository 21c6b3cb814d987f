package webhook_test

import (
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/net/dns/dnsmessage"

	"github.com/hydracore/hydrapin/internal/webhook"
	"github.com/hydracore/hydrapin/sdk/go/hydrapin"
)

// receiver is an endpoint on this machine, over TLS.
func receiver(t *testing.T, h http.HandlerFunc) (url string, roots *x509.CertPool) {
	t.Helper()
	s := httptest.NewTLSServer(h)
	t.Cleanup(s.Close)
	roots = x509.NewCertPool()
	roots.AddCert(s.Certificate())
	return s.URL, roots
}

func sender(t *testing.T, c webhook.SenderConfig) *webhook.Sender {
	t.Helper()
	s := webhook.NewSender(c)
	t.Cleanup(s.Close)
	return s
}

func message(url string) webhook.Message {
	return webhook.Message{ID: uuid.NewString(), URL: url, Body: []byte(`{"type":"pin.set"}`), Secrets: []webhook.Secret{webhook.NewSecret()}}
}

func TestAMessageArrivesSigned(t *testing.T) {
	t.Parallel()
	got := make(chan error, 1)
	var m webhook.Message
	url, roots := receiver(t, func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			_, err = hydrapin.VerifyWebhook(r.Header, body, time.Now(), hydrapin.NewWebhookSecret(m.Secrets[0].Reveal()))
		}
		if r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" || r.Header.Get("Webhook-Id") != m.ID {
			err = fmt.Errorf("%s with %v", r.Method, r.Header)
		}
		got <- err
	})
	m = message(url)
	s := sender(t, webhook.SenderConfig{Addresses: webhook.PublicAddresses(true), Roots: roots})
	if r := s.Send(t.Context(), m, time.Now()); r != (webhook.Result{Status: 200}) {
		t.Errorf("the result is %+v", r)
	}
	if err := <-got; err != nil {
		t.Error(err)
	}
}

func TestWhatAnEndpointAnswers(t *testing.T) {
	t.Parallel()
	var followed atomic.Int32
	url, roots := receiver(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // else the server does not see that the client leaves
		switch r.URL.Path {
		case "/elsewhere":
			followed.Add(1)
		case "/redirect":
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		case "/huge":
			for r.Context().Err() == nil {
				if _, err := w.Write(make([]byte, 1<<20)); err != nil {
					return
				}
			}
		case "/header":
			w.Header().Set("X-Long", strings.Repeat("x", 1<<20))
		case "/busy":
			w.Header().Set("Retry-After", "120")
			w.WriteHeader(http.StatusServiceUnavailable)
		case "/date":
			w.Header().Set("Retry-After", time.Now().Add(time.Hour).UTC().Format(http.TimeFormat))
			w.WriteHeader(http.StatusTooManyRequests)
		case "/gone":
			w.WriteHeader(http.StatusGone)
		case "/accepted":
			w.WriteHeader(http.StatusAccepted)
		case "/slow":
			<-r.Context().Done()
		case "/drop":
			panic(http.ErrAbortHandler)
		}
	})
	s := sender(t, webhook.SenderConfig{Addresses: webhook.PublicAddresses(true), Roots: roots, Timeout: time.Second})
	for path, want := range map[string]webhook.Result{
		"/accepted": {Status: 202},
		"/redirect": {Status: 307, Failure: webhook.Redirected},
		"/huge":     {Status: 200},
		"/header":   {Failure: webhook.NotUnderstood},
		"/busy":     {Status: 503, Failure: webhook.Unsuccessful, RetryAfter: 2 * time.Minute},
		"/gone":     {Status: 410, Failure: webhook.Unsuccessful},
		"/slow":     {Failure: webhook.TimedOut},
		"/drop":     {Failure: webhook.NotConnected},
	} {
		if got := s.Send(t.Context(), message(url+path), time.Now()); got != want {
			t.Errorf("%s: %+v, want %+v", path, got, want)
		}
	}
	if got := s.Send(t.Context(), message(url+"/date"), time.Now()); got.RetryAfter < 59*time.Minute || got.RetryAfter > time.Hour {
		t.Errorf("/date: %+v", got)
	}
	if followed.Load() > 0 {
		t.Error("a redirect was followed")
	}
}

func TestWhatCannotBeReached(t *testing.T) {
	t.Parallel()
	url, roots := receiver(t, func(http.ResponseWriter, *http.Request) {})
	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	trusting := webhook.SenderConfig{Addresses: webhook.PublicAddresses(true), Roots: roots}
	untrusting := trusting
	untrusting.Roots = x509.NewCertPool()
	public := trusting
	public.Addresses = webhook.PublicAddresses(false)
	for name, c := range map[string]struct {
		config webhook.SenderConfig
		url    string
		want   webhook.Failure
	}{
		"an unknown certificate":     {untrusting, url, webhook.NotTrusted},
		"no TLS":                     {trusting, strings.Replace(plain.URL, "http:", "https:", 1), webhook.NotTrusted},
		"nobody there":               {trusting, strings.Replace(closed.URL, "http:", "https:", 1), webhook.NotConnected},
		"a name that does not exist": {trusting, "https://host.invalid", webhook.NotResolved},
		"a private address":          {public, url, webhook.NotAllowed},
		"a name of this machine":     {public, strings.Replace(url, "127.0.0.1", "localhost", 1), webhook.NotAllowed},
		"link-local":                 {trusting, "https://169.254.169.254/latest", webhook.NotAllowed},
		"mapped":                     {public, "https://[::ffff:127.0.0.1]/", webhook.NotAllowed},
		"NAT64 of link-local":        {trusting, "https://[64:ff9b::169.254.169.254]/", webhook.NotAllowed},
	} {
		if c.want == webhook.NotResolved {
			c.config.Resolver = resolver(t, func(string) []netip.Addr { return nil })
		}
		if got := sender(t, c.config).Send(t.Context(), message(c.url), time.Now()); got != (webhook.Result{Failure: c.want}) {
			t.Errorf("%s: %+v, want %s", name, got, c.want)
		}
	}
}

// A name that had a public address when it was looked at, and has a private one when it is dialed,
// reaches nobody: what is judged is the address that is dialed.
func TestANameThatChangesReachesNobody(t *testing.T) {
	t.Parallel()
	var reached, asked atomic.Int32
	url, roots := receiver(t, func(http.ResponseWriter, *http.Request) { reached.Add(1) })
	_, port, _ := strings.Cut(strings.TrimPrefix(url, "https://"), ":")
	names := resolver(t, func(string) []netip.Addr {
		asked.Add(1)
		return []netip.Addr{netip.MustParseAddr("127.0.0.1")}
	})
	for _, name := range []string{"rebinds.example", "example.com"} {
		s := sender(t, webhook.SenderConfig{Addresses: webhook.PublicAddresses(false), Roots: roots, Resolver: names})
		if got := s.Send(t.Context(), message("https://"+name+":"+port), time.Now()); got != (webhook.Result{Failure: webhook.NotAllowed}) {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if reached.Load() > 0 || asked.Load() == 0 {
		t.Errorf("reached %d times, with %d look-ups", reached.Load(), asked.Load())
	}
	// The same name reaches it where private addresses are allowed: the test is able to fail.
	s := sender(t, webhook.SenderConfig{Addresses: webhook.PublicAddresses(true), Roots: roots, Resolver: names})
	if got := s.Send(t.Context(), message("https://example.com:"+port), time.Now()); got != (webhook.Result{Status: 200}) || reached.Load() != 1 {
		t.Errorf("with private addresses: %+v", got)
	}
}

// No proxy is used, whatever the environment names.
func TestNoProxyIsUsed(t *testing.T) {
	var proxied atomic.Int32
	proxy := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { proxied.Add(1) }))
	t.Cleanup(proxy.Close)
	t.Setenv("HTTPS_PROXY", proxy.URL)
	t.Setenv("https_proxy", proxy.URL)
	url, roots := receiver(t, func(http.ResponseWriter, *http.Request) {})
	_, port, _ := strings.Cut(strings.TrimPrefix(url, "https://"), ":")
	names := resolver(t, func(string) []netip.Addr { return []netip.Addr{netip.MustParseAddr("127.0.0.1")} })
	s := sender(t, webhook.SenderConfig{Addresses: webhook.PublicAddresses(true), Roots: roots, Resolver: names})
	if got := s.Send(t.Context(), message("https://example.com:"+port), time.Now()); got != (webhook.Result{Status: 200}) || proxied.Load() > 0 {
		t.Errorf("%+v, and the proxy was asked %d times", got, proxied.Load())
	}
}

// resolver is a real resolver whose DNS server is a test's.
func resolver(t *testing.T, answer func(name string) []netip.Addr) *net.Resolver {
	t.Helper()
	conn := must((&net.ListenConfig{}).ListenPacket(t.Context(), "udp", "127.0.0.1:0"))(t)
	done := make(chan struct{})
	go func() {
		defer close(done)
		buffer := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(buffer)
			if err != nil {
				return
			}
			if reply, ok := answerDNS(buffer[:n], answer); ok {
				_, _ = conn.WriteTo(reply, from)
			}
		}
	}()
	t.Cleanup(func() {
		_ = conn.Close()
		<-done
	})
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

func answerDNS(query []byte, answer func(name string) []netip.Addr) ([]byte, bool) {
	var m dnsmessage.Message
	if err := m.Unpack(query); err != nil || len(m.Questions) != 1 {
		return nil, false
	}
	m.Response, m.Authoritative, m.Additionals = true, true, nil
	addrs := answer(m.Questions[0].Name.String())
	if len(addrs) == 0 {
		m.RCode = dnsmessage.RCodeNameError
	}
	for _, addr := range addrs {
		if m.Questions[0].Type == dnsmessage.TypeA && addr.Is4() {
			m.Answers = append(m.Answers, dnsmessage.Resource{
				Header: dnsmessage.ResourceHeader{Name: m.Questions[0].Name, Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET},
				Body:   &dnsmessage.AResource{A: addr.As4()},
			})
		}
	}
	reply, err := m.Pack()
	return reply, err == nil
}
