package telemetry

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"

	"github.com/hydracore/hydrapin/internal/service"
)

const (
	headerForwarded = "X-Forwarded-For"
	// maxClientID is how much of a client's request id is kept.
	maxClientID = 64
	// maxForwarded is how many addresses of X-Forwarded-For are read.
	maxForwarded = 32
)

// Request is what is known of a request while it is answered. One goroutine has it at a time.
type Request struct {
	// Caller has no principal until the request is authenticated.
	Caller service.Caller
	// From is the address of [service.Caller.Peer]; the zero Addr when it is not known.
	From netip.Addr
	// Distrusted says that a forwarded address was given by a peer that is no trusted proxy.
	Distrusted bool
	// Limited says that the request was refused because too many came.
	Limited bool
	// Operation is the id of the operation, empty for what is not in the contract.
	Operation string

	// clientID is the id that the client gave the request, cleaned, or empty.
	clientID string
	refusal  refusal
}

// refusal is what the log says beside the status, and the client does not learn.
type refusal struct {
	level  slog.Level
	reason string
	cause  slog.Attr
}

type requestKey struct{}

// ErrUnobserved is returned by [From] for a request that [Telemetry.Observe] did not see: a bug
// in this program.
var ErrUnobserved = errors.New("telemetry: the request was not observed")

// From returns the request of a context.
func From(ctx context.Context) (*Request, error) {
	r, ok := ctx.Value(requestKey{}).(*Request)
	if !ok {
		return nil, ErrUnobserved
	}
	return r, nil
}

// Refuse makes the request's log line have a level, a reason and a cause.
func (r *Request) Refuse(level slog.Level, reason string, cause slog.Attr) {
	r.refusal = refusal{level: level, reason: reason, cause: cause}
}

func newRequest(req *http.Request, proxies []netip.Prefix) *Request {
	r := &Request{clientID: cleanID(req.Header.Get(headerRequestID))}
	r.Caller.RequestID = strings.ToLower(rand.Text())
	r.From, r.Distrusted = peer(req, proxies)
	if r.From.IsValid() {
		r.Caller.Peer = r.From.String()
	}
	return r
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

// peer returns the address that a request came from: the connection's, or, when that is a trusted
// proxy's, the right-most of X-Forwarded-For that is not a trusted proxy's. What is further left
// was written by the sender of the request. An entry that is no address ends the search at the
// proxy that passed it on. distrusted says that the connection is no trusted proxy's, and that the
// header is there all the same.
func peer(req *http.Request, proxies []netip.Prefix) (at netip.Addr, distrusted bool) {
	at, ok := parseAddr(req.RemoteAddr)
	if !ok {
		return netip.Addr{}, false
	}
	if !trusted(at, proxies) {
		return at, req.Header.Get(headerForwarded) != ""
	}
	entries := strings.Split(strings.Join(req.Header.Values(headerForwarded), ","), ",")
	for i := len(entries) - 1; i >= max(0, len(entries)-maxForwarded) && trusted(at, proxies); i-- {
		next, ok := parseAddr(strings.TrimSpace(entries[i]))
		if !ok {
			break
		}
		at = next
	}
	return at, false
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
