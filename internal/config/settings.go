package config

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/pin"
)

// prefix begins every setting's name.
const prefix = "HYDRAPIN_"

// The names that more than one place speaks of.
const (
	nameAddr        = prefix + "ADDR"
	nameDatabaseURL = prefix + "DATABASE_URL"
	nameDataDir     = prefix + "DATA_DIR"
	nameGroupAccess = prefix + "DATA_GROUP_ACCESS"
	namePublicURL   = prefix + "PUBLIC_URL"
	nameTLSCert     = prefix + "TLS_CERT_FILE"
	nameTLSKey      = prefix + "TLS_KEY_FILE"
	nameJWTSecret   = prefix + "JWT_HS256_SECRET"
	nameJWKS        = prefix + "JWT_JWKS"
	nameJWTIssuer   = prefix + "JWT_ISSUER"
	nameJWTAudience = prefix + "JWT_AUDIENCE"
	namePeppers     = prefix + "PEPPERS"
	nameReceiptKeys = prefix + "RECEIPT_KEYS"
)

const defaultAddr = "127.0.0.1:8080"

// The bounds of settings that no noun bounds. A noun's bounds and defaults are its
// own; the table takes them from there.
const (
	maxGuesses       = 10000
	minLock          = time.Millisecond
	minRedeem        = time.Second
	maxRedeem        = time.Hour
	maxCoolingOff    = 30 * 24 * time.Hour
	minRetention     = time.Second
	maxRetention     = 10 * 365 * 24 * time.Hour
	minTokenLifetime = time.Minute
	maxTokenLifetime = 365 * 24 * time.Hour
	minMemoryKiB     = 8
	maxMemoryKiB     = 1 << 20
	maxPasses        = 64
	maxHashWorkers   = 256
	maxHashQueue     = 1000
)

// setting is one row of the table.
type setting struct {
	name string
	// preset is the default as it would be set; where there is none, standard says
	// in words what holds.
	preset, standard string
	help             string
	// secret settings can come from a file, and are never shown.
	secret bool
	// database and token mark what commands read that need no more.
	database, token bool
	// set stores a value, or returns what is wrong with it, never with the value
	// itself: it may be a secret that was set in the wrong place.
	set func(c *Config, v string) string
	// show returns the value as a person may see it.
	show func(c Config) string
}

// settings returns the table of every setting, in the order of the manual. It is the
// one place with their names, defaults, bounds and meaning.
func settings() []setting {
	return slices.Concat(serverSettings(), tokenSettings(), pinSettings(), pageSettings(), machineSettings())
}

func serverSettings() []setting {
	return []setting{
		text(setting{
			name: nameAddr, preset: defaultAddr,
			help: "the address to listen on, host:port",
		}, func(c *Config) *string { return &c.Addr }, parseAddr),
		database(setting{
			name: nameDatabaseURL, standard: sqliteScheme + "<data>/" + databaseFile, secret: true,
			help: "sqlite://… for embedded mode, or postgres://… for one node of many",
			set: func(c *Config, v string) (problem string) {
				c.Database, problem = parseDatabase(v)
				return problem
			},
			show: func(c Config) string { return c.Database.String() },
		}),
		database(text(setting{
			name: nameDataDir, preset: "./data",
			help: "the data folder of embedded mode",
		}, func(c *Config) *string { return &c.DataDir }, parsePath)),
		database(boolean(setting{
			name: nameGroupAccess, preset: "false",
			help: "true accepts group permissions on the data folder and its files, as Kubernetes sets them with fsGroup",
		}, func(c *Config) *bool { return &c.DataGroupAccess })),
		text(setting{
			name: namePublicURL, standard: "from the address",
			help: "the URL at which clients reach the server; the issuer of receipts, never taken from Host",
		}, func(c *Config) *string { return &c.PublicURL }, parsePublicURL),
		list(setting{
			name: prefix + "CORS_ORIGINS", standard: "none: no CORS",
			help: "the origins that browsers may call from, each scheme://host[:port], separated by commas",
		}, func(c *Config) *[]string { return &c.CORSOrigins }, parseOrigin),
		text(setting{
			name: nameTLSCert, standard: "none: plain HTTP",
			help: "the PEM file of the certificate and its chain",
		}, func(c *Config) *string { return &c.TLSCertFile }, parsePath),
		text(setting{
			name: nameTLSKey, standard: "none: plain HTTP",
			help: "the PEM file of the certificate's private key",
		}, func(c *Config) *string { return &c.TLSKeyFile }, parsePath),
		list(setting{
			name: prefix + "TRUSTED_PROXIES", standard: "none: forwarded addresses are ignored",
			help: "the networks (CIDR) of the proxies whose forwarded addresses are used, separated by commas",
		}, trustedProxies, parseProxy),
	}
}

func tokenSettings() []setting {
	all := []setting{
		{
			name: nameJWTSecret, standard: "embedded: created in the data folder; PostgreSQL: none", secret: true,
			help: fmt.Sprintf("the shared secret of HS256 tokens, at least %d bytes; this or a JWKS", auth.MinSecretBytes),
			set: func(c *Config, v string) string {
				if len(v) < auth.MinSecretBytes {
					return fmt.Sprintf("is shorter than %d bytes: make one with: openssl rand -base64 48", auth.MinSecretBytes)
				}
				c.JWTSecret = auth.NewSecret([]byte(v))
				return ""
			},
			show: func(c Config) string {
				if c.JWTSecret.IsZero() {
					return ""
				}
				return redacted
			},
		},
		text(setting{
			name: nameJWKS, standard: "none",
			help: "the URL (https, or http on loopback) or file of the keys that RS256, ES256 and EdDSA tokens are signed with",
		}, func(c *Config) *string { return &c.JWKS }, parseJWKS),
		text(setting{
			name: nameJWTIssuer, standard: "none: not checked",
			help: "what a token's iss must be; required with a JWKS",
		}, func(c *Config) *string { return &c.JWTIssuer }, parseLine),
		text(setting{
			name: nameJWTAudience, standard: "none: not checked",
			help: "what a token's aud must hold; required with a JWKS",
		}, func(c *Config) *string { return &c.JWTAudience }, parseLine),
		claim(setting{
			name: prefix + "JWT_CLAIM_TENANT", preset: auth.DefaultTenantClaim,
			help: "the claim with the tenant's UUID: a name or, beginning with /, a JSON Pointer",
		}, func(c *Config) *auth.Claim { return &c.JWTClaims.Tenant }, parseClaim),
		claim(setting{
			name: prefix + "JWT_CLAIM_CUSTOMER", preset: auth.DefaultCustomerClaim,
			help: "the claim with the customer's UUID, likewise",
		}, func(c *Config) *auth.Claim { return &c.JWTClaims.Customer }, parseClaim),
		claim(setting{
			name: prefix + "JWT_CLAIM_ADMIN", preset: auth.DefaultAdminClaim,
			help: "the claim that is true for an admin, likewise; with =value, the claim that is this string or an array that holds it (/realm_access/roles=pin-admin)",
		}, func(c *Config) *auth.AdminClaim { return &c.JWTClaims.Admin }, parseAdminClaim),
		claim(setting{
			name: prefix + "JWT_AUDIENCE_CLAIM", preset: auth.DefaultAudienceClaim,
			help: "the claim that must hold the audience, for issuers that send no aud (client_id); a token with an aud must match there too",
		}, func(c *Config) *auth.Claim { return &c.JWTClaims.Audience }, parseClaim),
		duration(setting{
			name: prefix + "JWT_MAX_LIFETIME", preset: short(auth.DefaultMaxLifetime),
			help: "how far ahead a token's exp may be",
		}, minTokenLifetime, maxTokenLifetime, func(c *Config) *time.Duration { return &c.JWTMaxLifetime }),
	}
	for i := range all {
		all[i].token = true
	}
	return all
}

func pinSettings() []setting {
	limits := pin.DefaultLimits()
	return []setting{
		ring(setting{
			name: namePeppers, standard: "embedded: created in the data folder; PostgreSQL: required",
			help: "id:base64,… of 32 bytes each; the first is for new PINs, the others still verify",
		}, func(c *Config) *Secret { return &c.Peppers }),
		ring(setting{
			name: nameReceiptKeys, standard: "embedded: created in the data folder; PostgreSQL: required",
			help: "id:base64,… of Ed25519 seeds; the first signs, all are published",
		}, func(c *Config) *Secret { return &c.ReceiptKeys }),
		number(setting{name: prefix + "PIN_MIN_LENGTH", preset: strconv.Itoa(pin.MinLength), help: "the fewest digits of a PIN being set"},
			pin.MinLength, pin.MaxLength, func(c *Config) *int { return &c.PINMinLength }),
		number(setting{name: prefix + "PIN_MAX_LENGTH", preset: strconv.Itoa(pin.MaxLength), help: "the most digits of a PIN being set"},
			pin.MinLength, pin.MaxLength, func(c *Config) *int { return &c.PINMaxLength }),
		number(setting{name: prefix + "LOCK_AFTER", preset: strconv.Itoa(limits.LockAfter), help: "how many consecutive incorrect PINs lock"},
			1, maxGuesses, func(c *Config) *int { return &c.Limits.LockAfter }),
		duration(setting{name: prefix + "LOCK_BASE", preset: short(limits.LockBase), help: "how long the first lock lasts; each further one is twice as long"},
			minLock, pin.MaxLock, func(c *Config) *time.Duration { return &c.Limits.LockBase }),
		number(setting{name: prefix + "HARD_LIMIT", preset: strconv.Itoa(limits.HardLimit), help: "how many consecutive incorrect PINs deactivate"},
			1, maxGuesses, func(c *Config) *int { return &c.Limits.HardLimit }),
		number(setting{name: prefix + "WRONG_BUCKET", preset: strconv.Itoa(limits.Bucket), help: "how many incorrect PINs, of which one is forgotten every 24 h, deactivate"},
			1, maxGuesses, func(c *Config) *int { return &c.Limits.Bucket }),
		duration(setting{name: prefix + "REDEEM_WITHIN", preset: "120s", help: "how long an approval can be redeemed"},
			minRedeem, maxRedeem, func(c *Config) *time.Duration { return &c.RedeemWithin }),
		duration(setting{name: prefix + "COOLING_OFF", preset: "24h", help: "the cooling-off period for a PIN that a runtime set after it removed one"},
			0, maxCoolingOff, func(c *Config) *time.Duration { return &c.CoolingOff }),
		duration(setting{name: prefix + "CONFIRMATION_RETENTION", preset: "720h", help: "how long a confirmation is kept after it ended"},
			minRetention, maxRetention, func(c *Config) *time.Duration { return &c.Retention }),
		boolean(setting{name: prefix + "AUDIT_NOT_REQUIRED", preset: "false", help: "true records not_required answers as events too"},
			func(c *Config) *bool { return &c.AuditNotRequired }),
		boolean(setting{name: prefix + "WEBHOOK_ALLOW_PRIVATE", preset: "false", help: "true lets webhooks be sent to loopback, RFC 1918 and unique local addresses"},
			func(c *Config) *bool { return &c.WebhookAllowPrivate }),
		duration(setting{name: prefix + "AUDIT_RETENTION", preset: "0s", help: "how long events of the audit trail are kept once audit export --seal has sealed them; 0s for ever"},
			0, maxRetention, func(c *Config) *time.Duration { return &c.AuditRetention }),
	}
}

// pageSettings are of the person's pages. What a value must be, the pages know: the server checks them.
func pageSettings() []setting {
	return []setting{
		text(setting{
			name: prefix + "PAGE_NAME", standard: "hydrapin",
			help: "who asks on the person's pages, at most 64 characters",
		}, func(c *Config) *string { return &c.PageName }, parseLine),
		text(setting{
			name: prefix + "PAGE_COLOR", standard: "#0b57b0",
			help: "the color of the pages' buttons, #rrggbb; white text on it needs a contrast of at least 4.5:1",
		}, func(c *Config) *string { return &c.PageColor }, parseLine),
		text(setting{
			name: prefix + "PAGE_LOGO_FILE", standard: "none: the name",
			help: "an SVG or PNG file of at most 64 KiB, shown in place of the name",
		}, func(c *Config) *string { return &c.PageLogoFile }, parsePath),
		text(setting{
			name: prefix + "PAGE_SUPPORT_URL", standard: "none",
			help: "where people find help: https://… or mailto:…",
		}, func(c *Config) *string { return &c.PageSupportURL }, parseLine),
		boolean(setting{
			name: prefix + "SELF_SETUP", preset: "false",
			help: "true lets customers set their first PIN with their own token; only where agents never hold customers' tokens",
		}, func(c *Config) *bool { return &c.SelfSetup }),
	}
}

func machineSettings() []setting {
	return []setting{
		number(setting{name: prefix + "ARGON2_MEMORY_KIB", preset: "19456", help: "the memory of one hash in KiB"},
			minMemoryKiB, maxMemoryKiB, func(c *Config) *uint32 { return &c.Argon2MemoryKiB }),
		number(setting{name: prefix + "ARGON2_TIME", preset: "2", help: "the passes of one hash"},
			1, maxPasses, func(c *Config) *uint32 { return &c.Argon2Time }),
		number(setting{name: prefix + "HASH_WORKERS", standard: "one for each core", help: "how many hashes run at once"},
			1, maxHashWorkers, func(c *Config) *int { return &c.HashWorkers }),
		number(setting{name: prefix + "HASH_QUEUE", preset: "20", help: "how many hashes may wait for each worker"},
			1, maxHashQueue, func(c *Config) *int { return &c.HashQueue }),
		choice(setting{name: prefix + "LOG_FORMAT", standard: "text on a terminal, else json"},
			[]string{"text", "json"}, func(c *Config, v string) { c.LogFormat = v }, func(c Config) string { return c.LogFormat }),
		choice(setting{name: prefix + "LOG_LEVEL", preset: "info"}, []string{"debug", "info", "warn", "error"},
			func(c *Config, v string) { _ = c.LogLevel.UnmarshalText([]byte(v)) }, // cannot fail: it is one of the four
			func(c Config) string { return strings.ToLower(c.LogLevel.String()) }),
	}
}

func database(s setting) setting {
	s.database = true
	return s
}

// boolean completes a setting that is true or false.
func boolean(s setting, field func(*Config) *bool) setting {
	s.set = func(c *Config, v string) string {
		*field(c) = v == "true"
		return oneOf(v, []string{"true", "false"})
	}
	s.show = func(c Config) string { return strconv.FormatBool(*field(&c)) }
	return s
}

// choice completes a setting that is one of a few words.
func choice(s setting, words []string, set func(*Config, string), show func(Config) string) setting {
	s.help = either(words)
	s.set = func(c *Config, v string) string {
		problem := oneOf(v, words)
		if problem == "" {
			set(c, v)
		}
		return problem
	}
	s.show = show
	return s
}

// claim completes a setting that names a claim.
func claim[T fmt.Stringer](s setting, field func(*Config) *T, parse func(string) (T, string)) setting {
	s.set = func(c *Config, v string) string {
		parsed, problem := parse(v)
		if problem == "" {
			*field(c) = parsed
		}
		return problem
	}
	s.show = func(c Config) string { return (*field(&c)).String() }
	return s
}

// text completes a setting that is a string. parse returns what to store, or what
// is wrong.
func text(s setting, field func(*Config) *string, parse func(string) (string, string)) setting {
	s.set = func(c *Config, v string) (problem string) {
		parsed, problem := parse(v)
		if problem == "" {
			*field(c) = parsed
		}
		return problem
	}
	s.show = func(c Config) string { return *field(&c) }
	return s
}

// list completes a setting of several values with commas between.
func list[T any](s setting, field func(*Config) *[]T, parse func(string) (T, string)) setting {
	s.set = func(c *Config, v string) string {
		var all []T
		for i, entry := range strings.Split(v, ",") {
			parsed, problem := parse(strings.TrimSpace(entry))
			if problem != "" {
				return fmt.Sprintf("has a wrong entry %d, which %s", i+1, problem)
			}
			all = append(all, parsed)
		}
		*field(c) = all
		return ""
	}
	s.show = func(c Config) string {
		var all []string
		for _, v := range *field(&c) {
			all = append(all, fmt.Sprint(v))
		}
		return strings.Join(all, ",")
	}
	return s
}

// number completes a setting that is a whole number within bounds.
func number[T int | uint32](s setting, least, most T, field func(*Config) *T) setting {
	s.help += fmt.Sprintf("; %d to %d", least, most)
	s.set = func(c *Config, v string) string {
		n, ok := parseNumber(v)
		if !ok || n < int64(least) || n > int64(most) {
			return fmt.Sprintf("must be a whole number from %d to %d; %s", least, most, s.whenUnset())
		}
		*field(c) = T(n)
		return ""
	}
	s.show = func(c Config) string {
		if *field(&c) == 0 {
			return "" // none of them may be 0, so it is not set
		}
		return fmt.Sprint(*field(&c))
	}
	return s
}

// duration completes a setting that is a duration within bounds.
func duration(s setting, least, most time.Duration, field func(*Config) *time.Duration) setting {
	s.help += fmt.Sprintf("; %s to %s", short(least), short(most))
	s.set = func(c *Config, v string) string {
		d, err := time.ParseDuration(v)
		if err != nil || d < least || d > most {
			return fmt.Sprintf("must be a duration from %s to %s, written like 90s, 15m or 24h; %s", short(least), short(most), s.whenUnset())
		}
		*field(c) = d
		return ""
	}
	s.show = func(c Config) string { return short(*field(&c)) }
	return s
}

// ring completes a secret setting that is a ring of keys.
func ring(s setting, field func(*Config) *Secret) setting {
	s.secret = true
	s.set = func(c *Config, v string) string {
		if _, problem := ringIDs(v); problem != "" {
			return problem
		}
		*field(c) = NewSecret(strings.TrimSpace(v))
		return ""
	}
	s.show = func(c Config) string {
		if field(&c).IsZero() {
			return ""
		}
		ids, _ := ringIDs(field(&c).Reveal())
		return redacted + " ids " + strings.Join(ids, ",")
	}
	return s
}

func (s setting) whenUnset() string {
	if s.preset == "" {
		return "unset, it is " + s.standard
	}
	return "the default is " + s.preset
}

const (
	ringKeySize = 32
	maxRingID   = 32
	ringIDChars = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
)

// ringIDs returns the ids of a ring, or what is wrong with it. It checks here what
// argon2id and receipt check again, so that this problem is reported with the others.
func ringIDs(v string) (ids []string, problem string) {
	seen := map[string]bool{}
	for i, entry := range strings.Split(strings.TrimSpace(v), ",") {
		id, text, ok := strings.Cut(entry, ":")
		key, err := base64.StdEncoding.Strict().DecodeString(text)
		switch {
		case !ok:
			problem = "is not of the form id:base64"
		case id == "" || len(id) > maxRingID || strings.Trim(id, ringIDChars) != "":
			problem = "has an id that is not 1 to 32 of A-Z a-z 0-9 _ -"
		case err != nil || len(key) != ringKeySize || len(text) != base64.StdEncoding.EncodedLen(ringKeySize):
			problem = "is not 32 bytes in standard padded base64 (openssl rand -base64 32)"
		case seen[id]:
			problem = "has the id of an earlier one: ids are unique, and never given to other bytes"
		}
		if problem != "" {
			return nil, fmt.Sprintf("has a wrong entry %d, which %s", i+1, problem)
		}
		seen[id] = true
		ids = append(ids, id)
	}
	return ids, ""
}
