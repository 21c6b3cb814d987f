package httpapi

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"net/netip"
	"strings"

	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/service"
)

const (
	headerRequestID = "X-Request-Id"
	// maxClientID is how much of a client's request id is kept.
	maxClientID = 64
	// maxForwarded is how many addresses of X-Forwarded-For are looked at.
	maxForwarded = 32
)

// request is what is known of a request while it is answered. It is made by
// observe, and one goroutine has it at a time.
type request struct {
	// caller has no principal until authenticate has found one.
	caller service.Caller
	// clientID is the id that the client gave the request, cleaned, or empty.
	clientID string
	// operation is empty for what is not in the contract.
	operation string
}

type requestKey struct{}

// errUnguarded says that a request came to an operation past what must stand in
// front of it. It is no refusal but a fault of the program, and ends in a 500.
var errUnguarded = errors.New("httpapi: the operation was reached without its guard")

func requestOf(ctx context.Context) (*request, error) {
	r, ok := ctx.Value(requestKey{}).(*request)
	if !ok {
		return nil, errUnguarded
	}
	return r, nil
}

// callerOf returns the authenticated caller. A handler that gets none must not
// go on: its guard did not run.
func callerOf(ctx context.Context) (service.Caller, error) {
	r, err := requestOf(ctx)
	if err != nil {
		return service.Caller{}, err
	}
	if r.caller.Kind == "" {
		return service.Caller{}, errUnguarded
	}
	return r.caller, nil
}

// begin returns the request with what is known of it from the start.
func (s *Server) begin(req *http.Request) *request {
	return &request{
		caller: service.Caller{
			Principal: auth.Principal{},
			RequestID: strings.ToLower(rand.Text()),
			Peer:      peer(req, s.proxies),
		},
		clientID: cleanID(req.Header.Get(headerRequestID)),
	}
}

// cleanID keeps of a client's request id what cannot confuse a reader of the log.
func cleanID(s string) string {
	if len(s) > maxClientID {
		s = s[:maxClientID]
	}
	return strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', strings.ContainsRune("-_.:/+=", r):
			return r
		default:
			return -1
		}
	}, s)
}

// peer returns the address that a request came from: the connection's, or, when
// that is a trusted proxy's, the right-most of X-Forwarded-For that is none. What
// stands further left was written by whoever sent the request. An entry that is
// no address ends the search at the proxy that passed it on.
func peer(req *http.Request, proxies []netip.Prefix) string {
	at, ok := parseAddr(req.RemoteAddr)
	if !ok {
		return ""
	}
	entries := strings.Split(strings.Join(req.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(entries) - 1; i >= max(0, len(entries)-maxForwarded) && trusted(at, proxies); i-- {
		next, ok := parseAddr(strings.TrimSpace(entries[i]))
		if !ok {
			break
		}
		at = next
	}
	return at.String()
}

// parseAddr reads an address with or without a port.
func parseAddr(s string) (netip.Addr, bool) {
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return ap.Addr().Unmap().WithZone(""), true
	}
	a, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(s, "["), "]"))
	return a.Unmap().WithZone(""), err == nil
}

func trusted(a netip.Addr, proxies []netip.Prefix) bool {
	for _, p := range proxies {
		if p.Contains(a) {
			return true
		}
	}
	return false
}
