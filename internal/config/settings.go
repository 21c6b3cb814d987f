package config

import (
	"encoding/base64"
	"fmt"
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
	nameDatabaseURL = prefix + "DATABASE_URL"
	nameDataDir     = prefix + "DATA_DIR"
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

// settings returns the table of every setting, in the order of the manual.
func settings() []setting {
	return []setting{
		text(setting{
			name: prefix + "ADDR", preset: "127.0.0.1:8080",
			help: "the address to listen on, host:port",
		}, func(c *Config) *string { return &c.Addr }, parseAddr),
		{
			name: nameDatabaseURL, standard: "sqlite://<data>/" + databaseFile, secret: true, database: true,
			help: "sqlite://… for embedded mode, or postgres://… for one node of many",
			set: func(c *Config, v string) (fault string) {
				c.Database, fault = parseDatabase(v)
				return fault
			},
			show: func(c Config) string { return c.Database.String() },
		},
		func() setting {
			s := text(setting{
				name: nameDataDir, preset: "./data",
				help: "the data folder of embedded mode",
			}, func(c *Config) *string { return &c.DataDir }, parsePath)
			s.database = true
			return s
		}(),
		text(setting{
			name: namePublicURL, standard: "from the address",
			help: "where clients reach the server; the issuer of receipts, never taken from Host",
		}, func(c *Config) *string { return &c.PublicURL }, parsePublicURL),
		list(setting{
			name: prefix + "CORS_ORIGINS", standard: "none: no CORS",
			help: "the origins that browsers may call from, separated by commas",
		}, func(c *Config) *[]string { return &c.CORSOrigins }, parseOrigin),
		text(setting{
			name: nameTLSCert, standard: "none: plain HTTP",
			help: "the PEM file of the certificate and what it is signed by",
		}, func(c *Config) *string { return &c.TLSCertFile }, parsePath),
		text(setting{
			name: nameTLSKey, standard: "none: plain HTTP",
			help: "the PEM file of the certificate's private key",
		}, func(c *Config) *string { return &c.TLSKeyFile }, parsePath),
		list(setting{
			name: prefix + "TRUSTED_PROXIES", standard: "none: no forwarded address is believed",
			help: "the networks (CIDR) whose forwarded addresses are believed, separated by commas",
		}, trustedProxies, parseProxy),
		{
			name: nameJWTSecret, standard: "embedded: made in the data folder; PostgreSQL: none", secret: true, token: true,
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
		token(text(setting{
			name: nameJWKS, standard: "none",
			help: "the URL (https, or http on loopback) or file of the keys that RS256, ES256 and EdDSA tokens are signed with",
		}, func(c *Config) *string { return &c.JWKS }, parseJWKS)),
		token(text(setting{
			name: nameJWTIssuer, standard: "none: not checked",
			help: "what a token's iss must be; required with a JWKS",
		}, func(c *Config) *string { return &c.JWTIssuer }, parseLine)),
		token(text(setting{
			name: nameJWTAudience, standard: "none: not checked",
			help: "what a token's aud must hold; required with a JWKS",
		}, func(c *Config) *string { return &c.JWTAudience }, parseLine)),
		ring(setting{
			name: namePeppers, standard: "embedded: made in the data folder; PostgreSQL: required",
			help: "id:base64,… of 32 bytes each; the first is for new PINs, the others still verify",
		}, func(c *Config) *Secret { return &c.Peppers }),
		ring(setting{
			name: nameReceiptKeys, standard: "embedded: made in the data folder; PostgreSQL: required",
			help: "id:base64,… of Ed25519 seeds; the first signs, all are published",
		}, func(c *Config) *Secret { return &c.ReceiptKeys }),
		number(setting{name: prefix + "PIN_MIN_LENGTH", preset: "4", help: "the fewest digits of a PIN being set"},
			pin.MinLength, pin.MaxLength, func(c *Config) *int { return &c.PINMinLength }),
		number(setting{name: prefix + "PIN_MAX_LENGTH", preset: "12", help: "the most digits of a PIN being set"},
			pin.MinLength, pin.MaxLength, func(c *Config) *int { return &c.PINMaxLength }),
		number(setting{name: prefix + "LOCK_AFTER", preset: "5", help: "how many consecutive wrong guesses lock"},
			1, 10000, func(c *Config) *int { return &c.Limits.LockAfter }),
		duration(setting{name: prefix + "LOCK_BASE", preset: "15m", help: "how long the first lock lasts; each further one is twice as long"},
			time.Millisecond, pin.MaxLock, func(c *Config) *time.Duration { return &c.Limits.LockBase }),
		number(setting{name: prefix + "HARD_LIMIT", preset: "20", help: "how many consecutive wrong guesses deactivate"},
			1, 10000, func(c *Config) *int { return &c.Limits.HardLimit }),
		number(setting{name: prefix + "WRONG_BUCKET", preset: "30", help: "how many wrong guesses, one forgotten in 24 h, deactivate"},
			1, 10000, func(c *Config) *int { return &c.Limits.Bucket }),
		duration(setting{name: prefix + "REDEEM_WITHIN", preset: "120s", help: "how long an approval can be redeemed"},
			time.Second, time.Hour, func(c *Config) *time.Duration { return &c.RedeemWithin }),
		duration(setting{name: prefix + "COOLING_OFF", preset: "24h", help: "how long a PIN does not count that a runtime set after removing one"},
			0, 30*24*time.Hour, func(c *Config) *time.Duration { return &c.CoolingOff }),
		duration(setting{name: prefix + "CONFIRMATION_RETENTION", preset: "720h", help: "how long a confirmation that ended is kept"},
			time.Second, 10*365*24*time.Hour, func(c *Config) *time.Duration { return &c.Retention }),
		{
			name: prefix + "AUDIT_NOT_REQUIRED", preset: "false", help: "whether answers of not_required are events too",
			set: func(c *Config, v string) string {
				c.AuditNotRequired = v == "true"
				return oneOf(v, "true", "false")
			},
			show: func(c Config) string { return strconv.FormatBool(c.AuditNotRequired) },
		},
		number(setting{name: prefix + "ARGON2_MEMORY_KIB", preset: "19456", help: "the memory of one hash in KiB"},
			8, 1<<20, func(c *Config) *uint32 { return &c.Argon2MemoryKiB }),
		number(setting{name: prefix + "ARGON2_TIME", preset: "2", help: "the passes of one hash"},
			1, 64, func(c *Config) *uint32 { return &c.Argon2Time }),
		number(setting{name: prefix + "HASH_WORKERS", standard: "one for each core", help: "how many hashes run at once"},
			1, 256, func(c *Config) *int { return &c.HashWorkers }),
		number(setting{name: prefix + "HASH_QUEUE", preset: "20", help: "how many hashes may wait for each worker"},
			1, 1000, func(c *Config) *int { return &c.HashQueue }),
		{
			name: prefix + "LOG_FORMAT", standard: "text on a terminal, else json", help: "text or json",
			set: func(c *Config, v string) string {
				c.LogFormat = v
				return oneOf(v, "text", "json")
			},
			show: func(c Config) string { return c.LogFormat },
		},
		{
			name: prefix + "LOG_LEVEL", preset: "info", help: "debug, info, warn or error",
			set: func(c *Config, v string) string {
				if fault := oneOf(v, "debug", "info", "warn", "error"); fault != "" {
					return fault
				}
				_ = c.LogLevel.UnmarshalText([]byte(v)) // one of the four above
				return ""
			},
			show: func(c Config) string { return strings.ToLower(c.LogLevel.String()) },
		},
	}
}

func token(s setting) setting {
	s.token = true
	return s
}

// text completes a setting that is a string. parse returns what to store, or what
// is wrong.
func text(s setting, field func(*Config) *string, parse func(string) (string, string)) setting {
	s.set = func(c *Config, v string) (fault string) {
		parsed, fault := parse(v)
		if fault == "" {
			*field(c) = parsed
		}
		return fault
	}
	s.show = func(c Config) string { return *field(&c) }
	return s
}

// list completes a setting of several values with commas between.
func list[T any](s setting, field func(*Config) *[]T, parse func(string) (T, string)) setting {
	s.set = func(c *Config, v string) string {
		var all []T
		for i, entry := range strings.Split(v, ",") {
			parsed, fault := parse(strings.TrimSpace(entry))
			if fault != "" {
				return fmt.Sprintf("has a wrong entry %d, which %s", i+1, fault)
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

// duration completes a setting that is a time within bounds.
func duration(s setting, least, most time.Duration, field func(*Config) *time.Duration) setting {
	s.help += fmt.Sprintf("; %s to %s", short(least), short(most))
	s.set = func(c *Config, v string) string {
		d, err := time.ParseDuration(v)
		if err != nil || d < least || d > most {
			return fmt.Sprintf("must be a time from %s to %s, written like 90s, 15m or 24h; %s", short(least), short(most), s.whenUnset())
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
		if _, fault := ringIDs(v); fault != "" {
			return fault
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
// argon2id and receipt check again, so that this fault too comes with the others.
func ringIDs(v string) (ids []string, fault string) {
	seen := map[string]bool{}
	for i, entry := range strings.Split(strings.TrimSpace(v), ",") {
		id, text, ok := strings.Cut(entry, ":")
		key, err := base64.StdEncoding.Strict().DecodeString(text)
		switch {
		case !ok:
			fault = "is not of the form id:base64"
		case id == "" || len(id) > maxRingID || strings.Trim(id, ringIDChars) != "":
			fault = "has an id that is not 1 to 32 of A-Z a-z 0-9 _ -"
		case err != nil || len(key) != ringKeySize || len(text) != base64.StdEncoding.EncodedLen(ringKeySize):
			fault = "is not 32 bytes in standard padded base64 (openssl rand -base64 32)"
		case seen[id]:
			fault = "has the id of an earlier one: ids are unique, and never given to other bytes"
		}
		if fault != "" {
			return nil, fmt.Sprintf("has a wrong entry %d, which %s", i+1, fault)
		}
		seen[id] = true
		ids = append(ids, id)
	}
	return ids, ""
}

// RingIDs returns the ids of a ring that the settings took, the one that signs
// first.
func RingIDs(ring Secret) []string {
	if ring.IsZero() {
		return nil
	}
	ids, _ := ringIDs(ring.Reveal())
	return ids
}
