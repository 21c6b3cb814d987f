package cli

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/hydracore/hydrapin/internal/config"
	"github.com/hydracore/hydrapin/internal/pin"
)

// OWASP's least for argon2id with one lane and two passes; see the Password
// Storage Cheat Sheet.
const (
	owaspMemoryKiB = 19456
	owaspTime      = 2
)

// weaknesses returns what of the settings makes the promises worth less, each with
// what to do about it.
func weaknesses(cfg config.Config) []finding {
	var out []finding
	add := func(atStart bool, about, format string, args ...any) {
		out = append(out, finding{Level: weak, About: about, Problem: fmt.Sprintf(format, args...), atStart: atStart})
	}
	const public = "HYDRAPIN_PUBLIC_URL"
	host, _, _ := net.SplitHostPort(cfg.Addr)
	if cfg.TLSCertFile == "" && !isLoopback(host) {
		add(true, "HYDRAPIN_TLS_CERT_FILE", "is not set and %s is not loopback: PINs and keys cross the network in the clear unless a proxy on this machine ends TLS", cfg.Addr)
	}
	switch {
	case cfg.Source(public) == config.FromDefault && (!cfg.Embedded() || !isLoopback(host)):
		add(true, public, "is not set: receipts name %s as their issuer, which other machines cannot check; set it to the URL that clients use", cfg.PublicURL)
	case strings.HasPrefix(cfg.PublicURL, "http://") && !isLoopback(hostOf(cfg.PublicURL)):
		add(false, public, "is http: PINs and keys cross the network in the clear; end TLS in front, and name the https URL")
	}
	switch {
	case cfg.JWKS == "" && cfg.JWTSecret.IsZero() && !cfg.Embedded():
		add(false, "HYDRAPIN_JWT_JWKS", "is not set and HYDRAPIN_JWT_HS256_SECRET neither: no JWT is believed, so nobody but holders of API keys gets in")
	case cfg.JWKS == "" && !cfg.Embedded() && (cfg.JWTIssuer == "" || cfg.JWTAudience == ""):
		add(false, "HYDRAPIN_JWT_ISSUER", "and HYDRAPIN_JWT_AUDIENCE are not both set: a token that another service signs with the same secret opens this one too")
	}
	if cfg.Embedded() {
		add(false, cfg.DataDir, "holds database and peppers together: who takes the folder has the PINs; with PostgreSQL, or HYDRAPIN_PEPPERS_FILE on another disk, they are apart")
	} else if url := cfg.Database.URL.Reveal(); !strings.Contains(url, "sslmode=verify-full") {
		add(false, "HYDRAPIN_DATABASE_URL", "has no sslmode=verify-full: who is between here and the database can take its place")
	}

	standard := pin.DefaultLimits()
	for _, limit := range []struct {
		about           string
		value, standard int
		what            string
	}{
		{"HYDRAPIN_LOCK_AFTER", cfg.Limits.LockAfter, standard.LockAfter, "guesses before the first lock"},
		{"HYDRAPIN_HARD_LIMIT", cfg.Limits.HardLimit, standard.HardLimit, "guesses before deactivation"},
		{"HYDRAPIN_WRONG_BUCKET", cfg.Limits.Bucket, standard.Bucket, "wrong guesses in the bucket"},
	} {
		if limit.value > limit.standard {
			add(true, limit.about, "allows %d %s, where %d are usual: a guesser gets further; see docs/lockout.md", limit.value, limit.what, limit.standard)
		}
	}
	if d := cfg.Limits.LockBase; d > 0 && d < standard.LockBase {
		add(true, "HYDRAPIN_LOCK_BASE", "is %s, where %s is usual: a guesser may try again sooner", d, standard.LockBase)
	}
	if cfg.Argon2MemoryKiB < owaspMemoryKiB || cfg.Argon2Time < owaspTime {
		add(true, "HYDRAPIN_ARGON2_MEMORY_KIB", "and HYDRAPIN_ARGON2_TIME are below OWASP's %d and %d: stolen hashes fall faster", owaspMemoryKiB, owaspTime)
	}
	if cfg.CoolingOff < 24*time.Hour {
		add(true, "HYDRAPIN_COOLING_OFF", "is %s, under a day: a misled agent that removes a PIN can use its own that soon", cfg.CoolingOff)
	}
	for _, s := range cfg.Settings() {
		path, ok := strings.CutPrefix(string(s.Source), "file ")
		if !ok {
			continue
		}
		if info, err := os.Stat(path); err == nil && info.Mode().Perm()&0o007 != 0 {
			add(false, s.Name, "comes from a file that every user of this machine can open: chmod o= %s", shellQuote(path))
		}
	}
	return out
}

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// hostOf returns the host of a URL that the settings have checked.
func hostOf(url string) string {
	_, rest, _ := strings.Cut(url, "://")
	authority, _, _ := strings.Cut(rest, "/")
	if host, _, err := net.SplitHostPort(authority); err == nil {
		return host
	}
	return strings.Trim(authority, "[]")
}
