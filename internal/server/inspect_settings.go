package server

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/config"
	"github.com/hydracore/hydrapin/internal/telemetry"
)

// The settings that more than one check names.
const (
	settingPublicURL = "HYDRAPIN_PUBLIC_URL"
	settingJWKS      = "HYDRAPIN_JWT_JWKS"
	settingCert      = "HYDRAPIN_TLS_CERT_FILE"
)

// checkSettings reads every setting: each by itself, and together.
func checkSettings(_ context.Context, in *Inspection) {
	var err error
	in.Loaded, err = config.Load(in.environ)
	in.Config = in.Loaded
	in.refuseError("settings", err)
}

// checkFolder finds everything for which the data folder would be refused, and
// reads its secrets.
func checkFolder(_ context.Context, in *Inspection) {
	if !in.Config.Embedded() {
		return
	}
	var err error
	in.Config, err = in.Config.CheckFolder()
	in.refuseError(in.Config.DataDir, err)
}

// checkFiles reports what is weak about files that the settings name; what is worse
// is refused with the settings.
func checkFiles(_ context.Context, in *Inspection) {
	for _, w := range in.Config.Warnings() {
		in.warn(w.Setting, "%s", w.Text)
	}
}

// renewBefore is how long before its end a certificate is worth a word.
const renewBefore = 14 * 24 * time.Hour

// checkCertificate looks at the dates of the certificate; that it can be loaded is
// the settings' check.
func checkCertificate(_ context.Context, in *Inspection) {
	if in.Config.TLSCertFile == "" || in.Config.TLSKeyFile == "" {
		return
	}
	pair, err := tls.LoadX509KeyPair(in.Config.TLSCertFile, in.Config.TLSKeyFile)
	if err != nil {
		return
	}
	leaf, err := x509.ParseCertificate(pair.Certificate[0])
	if err != nil {
		return
	}
	switch now := time.Now(); {
	case now.After(leaf.NotAfter):
		in.wrong(settingCert, "names a certificate that expired on %s: renew it, and restart", leaf.NotAfter.UTC().Format(time.DateOnly))
	case now.Before(leaf.NotBefore):
		in.wrong(settingCert, "names a certificate that is valid only from %s: check this machine's clock", leaf.NotBefore.UTC().Format(time.DateOnly))
	case now.Add(renewBefore).After(leaf.NotAfter):
		in.warn(settingCert, "names a certificate that expires on %s: renew it, and restart", leaf.NotAfter.UTC().Format(time.DateOnly))
	}
}

// checkJWKS reads a key set from its file, as the server does before it starts. A
// set at a URL is fetched while the server runs.
func checkJWKS(_ context.Context, in *Inspection) {
	if in.Config.JWKS == "" || strings.Contains(in.Config.JWKS, "://") || in.Refusal() != nil {
		return
	}
	v, err := auth.NewVerifier(verifierConfig(in.Config))
	if err != nil {
		in.refuse(settingJWKS, "names a file that cannot be used (%s): write the issuer's JWK set to it", Sentence(err))
		return
	}
	v.Close()
}

// verifierConfig is what the settings say about tokens.
func verifierConfig(cfg config.Config) auth.VerifierConfig {
	return auth.VerifierConfig{
		Secret: cfg.JWTSecret, JWKS: cfg.JWKS, Issuer: cfg.JWTIssuer, Audience: cfg.JWTAudience,
		Claims: cfg.JWTClaims, MaxLifetime: cfg.JWTMaxLifetime,
	}
}

// checkAddress finds out whether this machine has the address. That it is in use
// says nothing: the running server uses it.
func checkAddress(ctx context.Context, in *Inspection) {
	if in.mentions("HYDRAPIN_ADDR") {
		return
	}
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", in.Config.Addr)
	if err == nil {
		_ = ln.Close()
		return
	}
	if !errors.Is(err, syscall.EADDRINUSE) {
		in.refuse("HYDRAPIN_ADDR", "cannot be listened on (%s): set it to a free address of this machine", Sentence(err))
	}
}

func checkTransport(_ context.Context, in *Inspection) {
	host, _, _ := net.SplitHostPort(in.Config.Addr)
	if in.Config.TLSCertFile == "" && !isLoopback(host) {
		in.warn(settingCert, "is not set and %s is not loopback: PINs and keys cross the network unencrypted unless a proxy on this machine terminates TLS", in.Config.Addr)
	}
}

func checkPublicURL(_ context.Context, in *Inspection) {
	cfg := in.Config
	host, _, _ := net.SplitHostPort(cfg.Addr)
	public, err := url.Parse(cfg.PublicURL)
	switch {
	case cfg.Source(settingPublicURL) == config.FromDefault && (!cfg.Embedded() || !isLoopback(host)):
		in.warn(settingPublicURL, "is not set: receipts name %s as their issuer, which other machines cannot check; set it to the URL that clients use", cfg.PublicURL)
	case err == nil && public.Scheme == "http" && !isLoopback(public.Hostname()):
		in.warn(settingPublicURL, "is http: PINs and keys cross the network unencrypted; terminate TLS in front, and set the https URL")
	}
}

func checkTokens(_ context.Context, in *Inspection) {
	cfg := in.Config
	switch {
	case cfg.JWKS == "" && cfg.JWTSecret.IsZero() && !cfg.Embedded():
		in.weak(settingJWKS, "is not set and HYDRAPIN_JWT_HS256_SECRET is not set either: JWTs are rejected, so only API keys get in; set one of them")
	case cfg.JWKS == "" && !cfg.Embedded() && (cfg.JWTIssuer == "" || cfg.JWTAudience == ""):
		in.weak("HYDRAPIN_JWT_ISSUER", "and HYDRAPIN_JWT_AUDIENCE are not both set: a token that another service signs with the same secret is accepted here too; set both")
	}
	if standard := config.Defaults().JWTMaxLifetime; cfg.JWTMaxLifetime > standard {
		in.warn("HYDRAPIN_JWT_MAX_LIFETIME", "is %s, more than the default of %s: a stolen token can be used that long; shorten it where the issuer can", cfg.JWTMaxLifetime, standard)
	}
}

func checkStorage(_ context.Context, in *Inspection) {
	cfg := in.Config
	switch cfg.Database.Engine {
	case config.SQLite:
		in.weak(cfg.DataDir, "holds the database and the peppers together: anyone who copies this folder can recover the PINs; use PostgreSQL, or HYDRAPIN_PEPPERS_FILE on another disk, to keep them apart")
	case config.Postgres:
		if dsn := cfg.Database.URL.Reveal(); dsn != "" && !strings.Contains(dsn, "sslmode=verify-full") {
			in.weak("HYDRAPIN_DATABASE_URL", "has no sslmode=verify-full: anyone on the network path can pose as the database; add it")
		}
	}
}

func checkLimits(_ context.Context, in *Inspection) {
	limits, standard := in.Config.Limits, config.Defaults().Limits
	for _, limit := range []struct {
		about           string
		value, standard int
		what            string
	}{
		{"HYDRAPIN_LOCK_AFTER", limits.LockAfter, standard.LockAfter, "incorrect PINs before the first lock"},
		{"HYDRAPIN_HARD_LIMIT", limits.HardLimit, standard.HardLimit, "incorrect PINs before deactivation"},
		{"HYDRAPIN_WRONG_BUCKET", limits.Bucket, standard.Bucket, "incorrect PINs in the bucket"},
	} {
		if limit.value > limit.standard {
			in.warn(limit.about, "allows %d %s, more than the default of %d: someone who guesses gets further; see docs/lockout.md", limit.value, limit.what, limit.standard)
		}
	}
	if limits.LockBase > 0 && limits.LockBase < standard.LockBase {
		in.warn("HYDRAPIN_LOCK_BASE", "is %s, less than the default of %s: someone who guesses may try again sooner", limits.LockBase, standard.LockBase)
	}
}

// checkRates looks for limits of requests that were lifted.
func checkRates(_ context.Context, in *Inspection) {
	for _, rate := range []struct {
		setting string
		value   int
	}{{"HYDRAPIN_RATE_PER_KEY", in.Config.RatePerKey}, {"HYDRAPIN_RATE_PER_ADDRESS", in.Config.RatePerAddress}} {
		if rate.value == 0 {
			in.warn(rate.setting, "is 0, so requests are not limited: one client can keep this node busy, unless a proxy limits it")
		}
	}
}

// checkHashing compares with OWASP's minimum for argon2id with one lane and two
// passes (Password Storage Cheat Sheet), which is the default.
func checkHashing(_ context.Context, in *Inspection) {
	standard := config.Defaults()
	if in.Config.Argon2MemoryKiB < standard.Argon2MemoryKiB || in.Config.Argon2Time < standard.Argon2Time {
		in.warn("HYDRAPIN_ARGON2_MEMORY_KIB", "and HYDRAPIN_ARGON2_TIME are below OWASP's minimum of %d and %d: stolen hashes are broken sooner", standard.Argon2MemoryKiB, standard.Argon2Time)
	}
}

func checkCoolingOff(_ context.Context, in *Inspection) {
	if standard := config.Defaults().CoolingOff; in.Config.CoolingOff < standard {
		in.warn("HYDRAPIN_COOLING_OFF", "is %s, less than the default of %s: a misled agent that removes a PIN can use one of its own that soon", in.Config.CoolingOff, standard)
	}
}

// checkPages looks at what the operator set of the look of the person's pages.
func checkPages(_ context.Context, in *Inspection) {
	_, problems := brand(in.Config)
	for _, p := range problems {
		in.refuse(p.Setting, "%s", p.Text)
	}
	if in.Config.SelfSetup {
		in.warn("HYDRAPIN_SELF_SETUP", "is true: whoever has a customer's token can choose the customer's first PIN; unset it where an agent can hold such a token")
	}
}

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// checkTraces reads the variables of OpenTelemetry that choose an exporter.
func checkTraces(_ context.Context, in *Inspection) {
	_, err := telemetry.CheckTraces(func(name string) string {
		value := ""
		for _, entry := range in.environ {
			if v, ok := strings.CutPrefix(entry, name+"="); ok {
				value = v
			}
		}
		return value
	})
	in.refuseError("traces", err)
}
