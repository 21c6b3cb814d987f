// Package config reads the settings of hydrapin from the environment and, in
// embedded mode, from the data folder.
//
// It guarantees that everything that is wrong is reported at once and with its
// remedy, that no secret's value is in any error or printed form, that a misspelt
// setting does not pass in silence, that a file with a secret which others can
// change is refused, and that a data folder either holds all that its database needs
// or is refused. It knows the nouns alone; what the settings are for, the server
// knows.
package config

import (
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/pin"
)

// Config is every setting, checked.
type Config struct {
	// Addr is the address to listen on, host:port; port 0 is any free one.
	Addr     string
	Database Database
	// DataDir is the data folder of embedded mode.
	DataDir string
	// DataGroupAccess accepts group permissions on the folder and its files.
	DataGroupAccess bool
	// PublicURL is where clients reach the server: http or https, without a slash
	// at its end. It is the issuer of receipts.
	PublicURL string
	// CORSOrigins are the origins that browsers may call from, as browsers send
	// them.
	CORSOrigins []string
	// TLSCertFile and TLSKeyFile are PEM files that belong together; both empty
	// for plain HTTP.
	TLSCertFile, TLSKeyFile string
	// TrustedProxies are the networks whose forwarded addresses are used.
	TrustedProxies []netip.Prefix

	// JWTSecret or JWKS, never both, says whose tokens are accepted; with neither,
	// none are.
	JWTSecret auth.Secret
	// JWKS is a URL or the path of a file.
	JWKS                   string
	JWTIssuer, JWTAudience string
	// JWTClaims are the names under which the issuer writes what is needed.
	JWTClaims auth.ClaimNames
	// JWTMaxLifetime is how far ahead a token's exp may be.
	JWTMaxLifetime time.Duration

	// Peppers and ReceiptKeys are rings in the form id:base64,id:base64…
	Peppers, ReceiptKeys Secret

	// PINMinLength and PINMaxLength bound what may be set, not what is entered.
	PINMinLength, PINMaxLength int
	Limits                     pin.Limits
	// RedeemWithin is how long an approval can be redeemed.
	RedeemWithin time.Duration
	// CoolingOff is how long a PIN cannot be used that the runtime set after it
	// removed one.
	CoolingOff time.Duration
	// Retention is how long a confirmation that ended is kept.
	Retention time.Duration
	// AuditRetention is how long sealed events of the audit trail are kept; 0 for ever.
	AuditRetention time.Duration
	// SelfSetup lets customers set their first PIN with their own token.
	SelfSetup bool
	// WebhookAllowPrivate lets webhooks be sent to private addresses.
	WebhookAllowPrivate bool
	// PageName, PageColor, PageLogoFile and PageSupportURL are how the person's pages look;
	// each is empty for hydrapin's own.
	PageName, PageColor, PageLogoFile, PageSupportURL string
	// AuditNotRequired makes answers of "not required" events too.
	AuditNotRequired bool

	// Argon2MemoryKiB and Argon2Time are the costs of a hash.
	Argon2MemoryKiB, Argon2Time uint32
	// HashWorkers is how many hashes run at once; 0 means as many as fit the machine.
	HashWorkers int
	// HashQueue is how many hashes may wait for each worker.
	HashQueue int

	// LogFormat is "text" or "json", or empty for text on a terminal and else JSON.
	LogFormat string
	LogLevel  slog.Level

	sources  map[string]Source
	warnings []Problem
}

// Warnings returns what is weak about the files that settings came from, or that
// they name.
func (c Config) Warnings() []Problem { return slices.Clone(c.warnings) }

// Defaults returns what holds when nothing is set.
func Defaults() Config {
	c, _ := read(nil, func(setting) bool { return false })
	return c
}

// Embedded says whether the server keeps everything in a data folder, instead of
// being one of many nodes on PostgreSQL.
func (c Config) Embedded() bool { return c.Database.Engine == SQLite }

// Source says where a setting's value came from: "default", "environment",
// "data folder", or "file " and its path.
type Source string

// The sources, besides files.
const (
	FromDefault     Source = "default"
	FromEnvironment Source = "environment"
	FromFolder      Source = "data folder"
)

// Setting is one setting as a person may see it.
type Setting struct {
	Name string
	// Value shows nothing of a secret but the ids of its keys.
	Value  string
	Source Source
}

// Settings returns every setting with its value and where that came from, in the
// order of the manual.
func (c Config) Settings() []Setting {
	all := settings()
	out := make([]Setting, 0, len(all))
	for _, s := range all {
		source, ok := c.sources[s.name]
		if !ok {
			source = FromDefault
		}
		value := s.show(c)
		if value == "" && source == FromDefault {
			value = s.standard
		}
		out = append(out, Setting{Name: s.name, Value: value, Source: source})
	}
	return out
}

// Source returns where the value of the named setting came from.
func (c Config) Source(name string) Source {
	if s, ok := c.sources[name]; ok {
		return s
	}
	return FromDefault
}

// Manual returns every setting as the manual has it.
func Manual() []Documented {
	var out []Documented
	for _, s := range settings() {
		d := Documented{Name: s.name, Help: s.help, Default: s.preset, Literal: true, File: s.secret}
		if s.preset == "" {
			d.Default, d.Literal = s.standard, false
		}
		out = append(out, d)
	}
	return out
}

// URLFor returns the URL of a server that listens on addr: what PublicURL is when
// it is not set. An address that stands for every interface becomes localhost.
func (c Config) URLFor(addr string) string {
	scheme := "http://"
	if c.TLSCertFile != "" {
		scheme = "https://"
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return scheme + addr
	}
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return scheme + net.JoinHostPort(host, port)
}

// Load reads and checks every setting as serve needs it, from an environment in
// the form of [os.Environ]. The error is an [*Error] with everything that is wrong;
// what could be read is returned beside it, for a report.
//
// In embedded mode the secrets that are not set come from the data folder: see
// [OpenFolder] and [Config.ReadFolder].
func Load(environ []string) (Config, error) {
	vars := variables(environ)
	c, problems := read(vars, func(setting) bool { return true })
	problems = append(problems, unknown(vars)...)
	problems = append(problems, c.checkTogether(problems)...)
	return c, asError(problems)
}

// LoadDatabase reads only what a command needs to reach the database, so that it
// works where peppers and the rest are not at hand. Errors are as of [Load].
func LoadDatabase(environ []string) (Config, error) {
	c, problems := read(variables(environ), func(s setting) bool { return s.database })
	return c, asError(problems)
}

// LoadAddress reads only what a command needs to know where serve listens. Errors are
// as of [Load].
func LoadAddress(environ []string) (Config, error) {
	c, problems := read(variables(environ), func(s setting) bool { return s.name == nameAddr || s.name == nameTLSCert })
	return c, asError(problems)
}

// LoadToken reads only what a command needs to sign a token. Errors are as of
// [Load].
func LoadToken(environ []string) (Config, error) {
	c, problems := read(variables(environ), func(s setting) bool { return s.database || s.token })
	problems = append(problems, c.checkJWT(problems)...)
	return c, asError(problems)
}

// read applies the presets and then what the environment says of the wanted
// settings.
func read(vars map[string]string, wanted func(setting) bool) (Config, []Problem) {
	c := Config{sources: map[string]Source{}}
	var problems []Problem
	for _, s := range settings() {
		if s.preset != "" {
			// A preset that its own setting refuses would be a mistake in the table,
			// which the tests find.
			_ = s.set(&c, s.preset)
		}
	}
	for _, s := range settings() {
		if !wanted(s) {
			continue
		}
		value, source, warning, problem := lookUp(vars, s)
		if problem == "" && source != FromDefault {
			c.sources[s.name] = source
			problem = s.set(&c, value)
		}
		if problem != "" {
			problems = append(problems, Problem{s.name, problem})
		} else if warning != "" {
			c.warnings = append(c.warnings, Problem{s.name, "comes from a file that " + warning})
		}
	}
	if _, isSet := c.sources[nameDatabaseURL]; !isSet {
		c.Database = defaultDatabase(c.DataDir)
	}
	if c.PublicURL == "" {
		c.PublicURL = c.URLFor(c.Addr)
	}
	return c, problems
}

// checkTogether finds what is wrong between settings that are correct each by
// itself.
func (c *Config) checkTogether(found []Problem) []Problem {
	problems := c.checkJWT(found)
	if c.PINMinLength > c.PINMaxLength {
		problems = append(problems, Problem{
			prefix + "PIN_MIN_LENGTH",
			"is more than " + prefix + "PIN_MAX_LENGTH: lower one or raise the other",
		})
	}
	problems = append(problems, c.checkTLS(found)...)
	if c.Database.Engine != Postgres {
		return problems
	}
	for _, need := range []struct {
		name  string
		value Secret
		what  string
	}{
		{namePeppers, c.Peppers, "peppers"},
		{nameReceiptKeys, c.ReceiptKeys, "receipt keys"},
	} {
		if need.value.IsZero() && !mentions(found, need.name) {
			problems = append(problems, Problem{need.name, "is missing: with PostgreSQL every node needs the same " + need.what +
				"; make one with: echo \"k1:$(openssl rand -base64 32)\", and set it, or " + need.name + fileSuffix + ", on every node"})
		}
	}
	return problems
}

func (c *Config) checkJWT(found []Problem) []Problem {
	var problems []Problem
	if c.JWKS == "" {
		return nil
	}
	if !c.JWTSecret.IsZero() {
		problems = append(problems, Problem{
			nameJWKS,
			"and " + nameJWTSecret + " are both set: keep the one that your tokens are signed with, unset the other",
		})
	}
	for _, need := range []struct{ name, value string }{
		{nameJWTIssuer, c.JWTIssuer}, {nameJWTAudience, c.JWTAudience},
	} {
		if need.value == "" && !mentions(found, need.name) {
			problems = append(problems, Problem{
				need.name,
				"is missing: with " + nameJWKS + " it is required, so that a token made for another service opens nothing here",
			})
		}
	}
	return problems
}

func mentions(problems []Problem, name string) bool {
	return slices.ContainsFunc(problems, func(p Problem) bool { return p.Setting == name })
}
