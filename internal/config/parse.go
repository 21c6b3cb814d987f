package config

import (
	"crypto/tls"
	"errors"
	"io/fs"
	"math"
	"net"
	"net/netip"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/hydracore/hydrapin/internal/auth"
)

// Every parser returns what to store, or what is wrong and what would be correct.

func parseAddr(v string) (string, string) {
	host, port, err := net.SplitHostPort(v)
	n, portErr := strconv.ParseUint(port, 10, 16)
	if err != nil || portErr != nil || strings.ContainsFunc(host, unicode.IsSpace) {
		return "", "must be host:port with a port from 0 to 65535, like 127.0.0.1:8080 or [::1]:8080"
	}
	return net.JoinHostPort(host, strconv.FormatUint(n, 10)), ""
}

func parsePath(v string) (string, string) {
	if strings.ContainsRune(v, 0) || strings.TrimSpace(v) == "" {
		return "", "must be a path"
	}
	return v, ""
}

func parseLine(v string) (string, string) {
	if !isLine(v) {
		return "", "must be one line without space around it"
	}
	return v, ""
}

func isLine(v string) bool {
	return v != "" && !strings.ContainsFunc(v, unicode.IsControl) && strings.TrimSpace(v) == v
}

func parsePublicURL(v string) (string, string) {
	const problem = "must be an http or https URL without query, fragment or password, like https://pins.example.com"
	u, err := url.Parse(v)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil ||
		strings.ContainsAny(v, "?#") || strings.ContainsFunc(v, unicode.IsSpace) {
		return "", problem
	}
	return strings.TrimRight(v, "/"), ""
}

// origin is what a browser sends as Origin (RFC 6454, section 6.2): scheme, host and
// maybe a port. A host has no character that could be a pattern.
var origin = regexp.MustCompile(`^https?://(?:[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::([0-9]{1,5}))?$`)

// parseOrigin takes an origin in any case, and no pattern: CORS is for dashboards
// whose names are known.
func parseOrigin(v string) (string, string) {
	v = strings.ToLower(v)
	m := origin.FindStringSubmatch(v)
	switch {
	case v == "*":
		return "", "allows every website: name the origins of your dashboards"
	case strings.Contains(v, "*"):
		return "", "is a pattern: name each origin in full, like https://dashboard.example.com"
	case m == nil:
		return "", "is not an origin: write scheme, host and port alone, like https://dashboard.example.com"
	case m[1] == "443" && strings.HasPrefix(v, "https:"), m[1] == "80" && strings.HasPrefix(v, "http:"):
		return "", "names the port that its scheme implies, which no browser does: leave it out"
	}
	if port, _ := strconv.Atoi(m[1]); m[1] != "" && (port == 0 || port > math.MaxUint16 || m[1][0] == '0') {
		return "", "has a port that is not 1 to 65535"
	}
	return v, ""
}

func trustedProxies(c *Config) *[]netip.Prefix { return &c.TrustedProxies }

func parseProxy(v string) (netip.Prefix, string) {
	p, err := netip.ParsePrefix(v)
	switch {
	case err != nil:
		return p, "is not a network: write it like 10.1.0.0/16, one address like 10.1.2.3/32"
	case p.Bits() == 0:
		return p, "is every address, so anyone could forge one: name your proxies"
	case p.Addr().Is4In6():
		return p, "is an IPv4 network in IPv6 notation, which no connection's address matches: write it like 10.1.0.0/16"
	case p != p.Masked():
		return p, "has bits set after its prefix length: write the network's first address"
	}
	return p, ""
}

// parseJWKS takes a URL that nobody on the network path can forge, or a file that is
// there.
func parseJWKS(v string) (string, string) {
	if !strings.Contains(v, "://") {
		info, err := os.Stat(v)
		switch {
		case err != nil:
			return "", "names a file that cannot be read (" + cause(err) + "): give the path of a JWK set, or an https URL"
		case info.IsDir():
			return "", "names a folder: give the path of a JWK set, or an https URL"
		}
		if problem, _ := publicFile.check(v, info); problem != "" {
			return "", "names a file that " + problem
		}
		return v, ""
	}
	u, err := url.Parse(v)
	switch {
	case err != nil || u.Hostname() == "":
		return "", "is not a URL: write it like https://login.example.com/.well-known/jwks.json"
	case u.User != nil:
		return "", "must not hold a user or password"
	case u.Scheme == "https" || u.Scheme == "http" && loopback(u.Hostname()):
		return v, ""
	}
	return "", "must be https, or http on a loopback address: anyone on the network path could sign tokens"
}

func parseClaim(v string) (auth.Claim, string) {
	c, err := auth.ParseClaim(v)
	if err != nil || !isLine(v) {
		return c, "must be a claim's name, like https://acme.example/tenant_id, or a JSON Pointer, like /organization/id"
	}
	return c, ""
}

func parseAdminClaim(v string) (auth.AdminClaim, string) {
	c, err := auth.ParseAdminClaim(v)
	if err != nil || !isLine(v) {
		return c, "must be a claim's name, a JSON Pointer, or either with =value, like /realm_access/roles=pin-admin"
	}
	return c, ""
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

func oneOf(v string, words []string) string {
	if slices.Contains(words, v) {
		return ""
	}
	return "must be " + either(words)
}

func either(words []string) string {
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

func parseNumber(v string) (int64, bool) {
	n, err := strconv.ParseInt(v, 10, 64)
	return n, err == nil
}

// short writes a duration without units that are zero.
func short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// checkTLS loads the pair, so that a wrong one is reported with all the other
// problems. Warnings are about the key's permissions.
func (c *Config) checkTLS(found []Problem) []Problem {
	switch {
	case mentions(found, nameTLSCert), mentions(found, nameTLSKey), c.TLSCertFile == "" && c.TLSKeyFile == "":
		return nil
	case c.TLSKeyFile == "":
		return []Problem{{nameTLSKey, "is missing: " + nameTLSCert + " is set, and TLS needs both"}}
	case c.TLSCertFile == "":
		return []Problem{{nameTLSCert, "is missing: " + nameTLSKey + " is set, and TLS needs both"}}
	}
	if _, err := tls.LoadX509KeyPair(c.TLSCertFile, c.TLSKeyFile); err != nil {
		if p, ok := errors.AsType[*fs.PathError](err); ok {
			name := nameTLSCert
			if p.Path == c.TLSKeyFile {
				name = nameTLSKey
			}
			return []Problem{{name, "names a file that cannot be read (" + cause(err) + "): give the path of a PEM file"}}
		}
		return []Problem{{nameTLSCert, "and " + nameTLSKey + " do not belong together (" + err.Error() +
			"): name a certificate and its own private key"}}
	}
	var problems []Problem
	for _, file := range []struct {
		name, path string
		kept       keeping
	}{{nameTLSCert, c.TLSCertFile, publicFile}, {nameTLSKey, c.TLSKeyFile, secretFile}} {
		problem, warning := file.kept.checkPath(file.path)
		if problem != "" {
			problems = append(problems, Problem{file.name, "names a file that " + problem})
		}
		if warning != "" {
			c.warnings = append(c.warnings, Problem{file.name, "names a file that " + warning})
		}
	}
	return problems
}

// cause returns what the operating system says, without the path.
func cause(err error) string {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err.Error()
	}
	return err.Error()
}
