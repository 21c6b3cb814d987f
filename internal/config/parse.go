package config

import (
	"crypto/tls"
	"errors"
	"io/fs"
	"net"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Every parser returns what to store, or what is wrong and how it would be right.

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
	if strings.ContainsFunc(v, unicode.IsControl) || strings.TrimSpace(v) != v || v == "" {
		return "", "must be one line without space around it"
	}
	return v, ""
}

func parsePublicURL(v string) (string, string) {
	const fault = "must be an http or https URL without query, fragment or password, like https://pins.example.com"
	u, err := url.Parse(v)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil ||
		strings.ContainsAny(v, "?#") || strings.ContainsFunc(v, unicode.IsSpace) {
		return "", fault
	}
	return strings.TrimRight(v, "/"), ""
}

// parseOrigin takes what a browser sends as Origin (RFC 6454, section 6.2):
// scheme and host in lower case, no port that the scheme implies.
func parseOrigin(v string) (string, string) {
	v = strings.ToLower(v)
	u, err := url.Parse(v)
	switch {
	case v == "*":
		return "", "lets every website in: name the origins of your dashboards"
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || v != u.Scheme+"://"+u.Host:
		return "", "is not an origin: write scheme, host and port alone, like https://dashboard.example.com"
	case u.Port() == "443" && u.Scheme == "https", u.Port() == "80" && u.Scheme == "http":
		return "", "names the port that its scheme implies, which no browser does: leave it out"
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
		return p, "is every address, so anybody could forge one: name your proxies"
	case p != p.Masked():
		return p, "has bits set after its prefix length: write the network's first address"
	}
	return p, ""
}

// parseJWKS takes a URL where nobody can sit between, or a file that is there.
func parseJWKS(v string) (string, string) {
	if !strings.Contains(v, "://") {
		info, err := os.Stat(v)
		switch {
		case err != nil:
			return "", "names a file that cannot be read (" + cause(err) + "): give the path of a JWK set, or an https URL"
		case info.IsDir():
			return "", "names a folder: give the path of a JWK set, or an https URL"
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
	return "", "must be https, or http on a loopback address: who sits between could sign tokens"
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

func oneOf(v string, allowed ...string) string {
	for _, a := range allowed {
		if v == a {
			return ""
		}
	}
	return "must be " + strings.Join(allowed[:len(allowed)-1], ", ") + " or " + allowed[len(allowed)-1]
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

// checkTLS loads the pair, so that a wrong one is told with all the other faults.
func (c Config) checkTLS(found []Fault) []Fault {
	switch {
	case mentions(found, nameTLSCert), mentions(found, nameTLSKey), c.TLSCertFile == "" && c.TLSKeyFile == "":
		return nil
	case c.TLSKeyFile == "":
		return []Fault{{nameTLSKey, "is missing: " + nameTLSCert + " is set, and TLS needs both"}}
	case c.TLSCertFile == "":
		return []Fault{{nameTLSCert, "is missing: " + nameTLSKey + " is set, and TLS needs both"}}
	}
	if _, err := tls.LoadX509KeyPair(c.TLSCertFile, c.TLSKeyFile); err != nil {
		if p, ok := errors.AsType[*fs.PathError](err); ok {
			name := nameTLSCert
			if p.Path == c.TLSKeyFile {
				name = nameTLSKey
			}
			return []Fault{{name, "names a file that cannot be read (" + cause(err) + "): give the path of a PEM file"}}
		}
		return []Fault{{nameTLSCert, "and " + nameTLSKey + " are no pair that can be used (" + err.Error() + ")"}}
	}
	return nil
}

// cause returns what the operating system says, without the path.
func cause(err error) string {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err.Error()
	}
	return err.Error()
}
