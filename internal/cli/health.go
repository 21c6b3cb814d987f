package cli

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/hydracore/hydrapin/internal/config"
	"github.com/hydracore/hydrapin/internal/server"
)

type health struct {
	Timeout lifetime `default:"5s" placeholder:"5s" help:"How long to wait for an answer."`
}

// Help implements kong.HelpProvider.
func (health) Help() string {
	return `It asks for /readyz at HYDRAPIN_URL or, when that is not set, at the address of serve in the same environment
(HYDRAPIN_ADDR). The exit code is 0 when the server is ready and 1 when it is not, or does not answer.

Example:

    hydrapin health
    HYDRAPIN_URL=https://pins.example.com hydrapin health`
}

// maxHealthAnswer bounds what is read of an answer.
const maxHealthAnswer = 4 << 10

// Run asks.
func (h health) Run(ctx context.Context, a *app) error {
	url, own, err := a.serverURL()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, h.Timeout.Duration)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/readyz", nil)
	if err != nil {
		return fmt.Errorf("%s is not a URL like http://127.0.0.1:8080: correct HYDRAPIN_URL", url)
	}
	transport := &http.Transport{DisableKeepAlives: true}
	if own {
		// The certificate has the public name, and this asks the address. Nothing
		// secret is sent, and what answers there is this machine's own.
		transport.TLSClientConfig = &tls.Config{InsecureSkipVerify: true} //nolint:gosec // see above
	} else {
		transport.Proxy = http.ProxyFromEnvironment
	}
	client := &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	res, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("%s does not answer: %s; check that serve is running there, or set HYDRAPIN_URL", url, cause(err))
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxHealthAnswer))
	if err != nil {
		return fmt.Errorf("%s does not answer: %s", url, cause(err))
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s is not ready: %d %q; the server's log has the reason", url, res.StatusCode, strings.TrimSpace(string(body)))
	}
	_, err = fmt.Fprintln(a.stdout, "ready")
	return err
}

// serverURL returns where the server is. own says that it is the address of serve in
// this environment, on this machine.
func (a *app) serverURL() (url string, own bool, err error) {
	url, err = config.LookUpClient(a.environ, "HYDRAPIN_URL")
	if err != nil || url != "" {
		return strings.TrimRight(url, "/"), false, err
	}
	cfg, err := config.LoadAddress(a.environ)
	if err != nil {
		return "", false, err
	}
	host, port, err := net.SplitHostPort(cfg.Addr)
	if err != nil || port == "0" {
		return "", false, errors.New("HYDRAPIN_ADDR has no fixed port: set HYDRAPIN_URL to where the server is")
	}
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
		host = "127.0.0.1"
		if ip.Is6() {
			host = "::1"
		}
	}
	return cfg.URLFor(net.JoinHostPort(host, port)), true, nil
}

// cause is an error without the method and URL that the HTTP client adds.
func cause(err error) string {
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(inner) {
		if _, ok := inner.(*net.OpError); ok { //nolint:errorlint // each layer is looked at in turn
			return server.Sentence(inner)
		}
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return "no answer in time"
	}
	return server.Sentence(err)
}
