package guard

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/wire"
	"github.com/hydracore/hydrapin/sdk/go/hydrapin"
)

// secretHeader is where a gateway proves that it may name the holder.
const secretHeader = "X-Hydrapin-Guard" //nolint:gosec // the name of a header, no secret

var (
	errForeign = errors.New("the Host or Origin of this request is not allowed")
	errGateway = errors.New("the gateway's secret or the holder is missing, repeated or not valid")
)

// admit decides whether a request is taken at all, and who its holder is.
func (p *proxy) admit(r *http.Request) (person, error) {
	s := p.g.settings
	listen, _, err := net.SplitHostPort(s.Listen)
	local := err == nil && isLoopback(listen)
	host := hostOf(r.Host)
	// A page in a browser on this machine can make any name lead to guard, but cannot choose its own
	// Host or Origin. Elsewhere the gateway's secret keeps it off.
	if local && !isLoopback(host) {
		return person{}, errForeign
	}
	for _, origin := range r.Header.Values("Origin") {
		u, err := url.Parse(origin)
		if err != nil || u.Host == "" || !strings.EqualFold(u.Host, r.Host) && (!local || !isLoopback(u.Hostname())) {
			return person{}, errForeign
		}
	}
	if s.HolderHeader == "" {
		return person{holder: s.Holder, authorization: strings.Join(r.Header.Values("Authorization"), "\n")}, nil
	}
	secrets, holders := r.Header.Values(secretHeader), r.Header.Values(s.HolderHeader)
	if len(secrets) != 1 || len(holders) != 1 {
		return person{}, errGateway
	}
	got, want := sha256.Sum256([]byte(secrets[0])), sha256.Sum256([]byte(s.Secret.Reveal()))
	if subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
		return person{}, errGateway
	}
	id, err := wire.ParseUUID(holders[0])
	if err != nil || id == uuid.Nil {
		return person{}, errGateway
	}
	return person{holder: hydrapin.Customer(id)}, nil
}

// hostOf returns the host of a Host header, without its port and brackets.
func hostOf(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
}
