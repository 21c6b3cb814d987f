// Package config reads the settings of hydrapin from the environment and, in
// embedded mode, from the data folder.
//
// It guarantees that every fault is found at once and told with its remedy, that
// no secret's value is in any error or printed form, that a mistyped setting does
// not pass in silence, and that a data folder holds either all that a database
// needs or is refused. It knows the nouns alone: what the settings are for is the
// server's to know.
package config

import (
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
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
	// PublicURL is where clients reach the server: http or https, without a slash
	// at its end. It is the issuer of receipts.
	PublicURL string
	// CORSOrigins are the origins that browsers may call from, as browsers send
	// them.
	CORSOrigins []string
	// TLSCertFile and TLSKeyFile are PEM files that belong together; both empty
	// for plain HTTP.
	TLSCertFile, TLSKeyFile string
	// TrustedProxies are the networks whose forwarded addresses are believed.
	TrustedProxies []netip.Prefix

	// JWTSecret or JWKS, never both, says whose tokens are believed; with neither,
	// nobody's are.
	JWTSecret auth.Secret
	// JWKS is a URL or the path of a file.
	JWKS                   string
	JWTIssuer, JWTAudience string

	// Peppers and ReceiptKeys are rings in the form id:base64,id:base64…
	Peppers, ReceiptKeys Secret

	// PINMinLength and PINMaxLength bound what may be set, not what is entered.
	PINMinLength, PINMaxLength int
	Limits                     pin.Limits
	// RedeemWithin is how long an approval can be redeemed.
	RedeemWithin time.Duration
	// CoolingOff is how long a PIN that the runtime set after removing one does
	// not count.
	CoolingOff time.Duration
	// Retention is how long a confirmation that ended is kept.
	Retention time.Duration
	// AuditNotRequired makes answers of "not required" events too.
	AuditNotRequired bool

	// Argon2MemoryKiB and Argon2Time are the costs of a hash.
	Argon2MemoryKiB, Argon2Time uint32
	// HashWorkers is how many hashes run at once; 0 leaves it to the machine.
	HashWorkers int
	// HashQueue is how many hashes may wait for each worker.
	HashQueue int

	// LogFormat is "text" or "json", or empty for text on a terminal and else JSON.
	LogFormat string
	LogLevel  slog.Level

	sources map[string]Source
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
	// Value tells of a secret no more than the ids of its keys.
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

// Documented is a setting as the manual has it.
type Documented struct{ Name, Default, Help string }

// Manual returns the name, default and meaning of every setting.
func Manual() []Documented {
	var out []Documented
	for _, s := range settings() {
		d := Documented{Name: s.name, Default: s.preset, Help: s.help}
		if s.preset == "" {
			d.Default = s.standard
		}
		if s.secret {
			d.Help += "; also as " + s.name + fileSuffix
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
// the form of [os.Environ]. The error is an [*Error] with every fault; what could
// be read is returned beside it, for whoever wants to tell about it.
//
// In embedded mode the secrets that are not set come from the data folder: see
// [OpenFolder] and [Config.ReadFolder].
func Load(environ []string) (Config, error) {
	vars := variables(environ)
	c, faults := read(vars, func(setting) bool { return true })
	faults = append(faults, unknown(vars)...)
	faults = append(faults, c.checkTogether(faults)...)
	return c, asError(faults)
}

// LoadDatabase reads only what a command needs to reach the database, so that it
// works where peppers and the rest are not at hand. Errors are as of [Load].
func LoadDatabase(environ []string) (Config, error) {
	c, faults := read(variables(environ), func(s setting) bool { return s.database })
	return c, asError(faults)
}

// LoadToken reads only what a command needs to sign a token. Errors are as of
// [Load].
func LoadToken(environ []string) (Config, error) {
	c, faults := read(variables(environ), func(s setting) bool { return s.database || s.token })
	faults = append(faults, c.checkJWT(faults)...)
	return c, asError(faults)
}

// read applies the presets and then what the environment says of the wanted
// settings.
func read(vars map[string]string, wanted func(setting) bool) (Config, []Fault) {
	c := Config{sources: map[string]Source{}}
	var faults []Fault
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
		value, source, fault := lookUp(vars, s)
		if fault == "" && source != FromDefault {
			c.sources[s.name] = source
			fault = s.set(&c, value)
		}
		if fault != "" {
			faults = append(faults, Fault{s.name, fault})
		}
	}
	if _, isSet := c.sources[nameDatabaseURL]; !isSet {
		c.Database = defaultDatabase(c.DataDir)
	}
	if c.PublicURL == "" {
		c.PublicURL = c.URLFor(c.Addr)
	}
	return c, faults
}

// variables returns what of the environment concerns hydrapin.
func variables(environ []string) map[string]string {
	vars := map[string]string{}
	for _, entry := range environ {
		name, value, ok := strings.Cut(entry, "=")
		if ok && strings.HasPrefix(name, prefix) && !foreign(name, value) {
			vars[name] = value
		}
	}
	return vars
}

// checkTogether finds what is wrong between settings that are right each by
// itself.
func (c Config) checkTogether(found []Fault) []Fault {
	faults := c.checkJWT(found)
	if c.PINMinLength > c.PINMaxLength {
		faults = append(faults, Fault{
			prefix + "PIN_MIN_LENGTH",
			"is more than " + prefix + "PIN_MAX_LENGTH: lower the one or raise the other",
		})
	}
	faults = append(faults, c.checkTLS(found)...)
	if c.Database.Engine != Postgres {
		return faults
	}
	for _, need := range []struct {
		name  string
		value Secret
		what  string
	}{
		{prefix + "PEPPERS", c.Peppers, "peppers"},
		{prefix + "RECEIPT_KEYS", c.ReceiptKeys, "receipt keys"},
	} {
		if need.value.IsZero() && !mentions(found, need.name) {
			faults = append(faults, Fault{need.name, "is missing: with PostgreSQL every node needs the same " + need.what +
				"; make one with: echo \"k1:$(openssl rand -base64 32)\", and set it, or " + need.name + fileSuffix + ", on every node"})
		}
	}
	return faults
}

func (c Config) checkJWT(found []Fault) []Fault {
	var faults []Fault
	if c.JWKS == "" {
		return nil
	}
	if !c.JWTSecret.IsZero() {
		faults = append(faults, Fault{
			nameJWKS,
			"and " + nameJWTSecret + " are both set: keep the one that your tokens are signed with, unset the other",
		})
	}
	for _, need := range []struct{ name, value string }{
		{nameJWTIssuer, c.JWTIssuer}, {nameJWTAudience, c.JWTAudience},
	} {
		if need.value == "" && !mentions(found, need.name) {
			faults = append(faults, Fault{
				need.name,
				"is missing: with " + nameJWKS + " it is required, so that a token made for another service opens nothing here",
			})
		}
	}
	return faults
}

func mentions(faults []Fault, name string) bool {
	return slices.ContainsFunc(faults, func(f Fault) bool { return f.Setting == name })
}
