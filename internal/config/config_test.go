package config_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hydracore/hydrapin/internal/argon2id"
	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/config"
	"github.com/hydracore/hydrapin/internal/pin"
)

// Every secret of these tests contains this, in a form that survives base64 too.
const marker = "hunter2"

var (
	key1 = base64.StdEncoding.EncodeToString([]byte("hunter2-hunter2-hunter2-hunter2-"))
	key2 = base64.StdEncoding.EncodeToString([]byte("HUNTER2-hunter2-hunter2-hunter2-"))
)

const (
	longSecret  = "hunter2-hunter2-hunter2-hunter2-hunter2"
	postgresURL = "postgres://app:hunter2@db1:5432,db2:5432/pins?sslmode=verify-full"
)

// postgresEnv is a node's environment that is correct.
func postgresEnv(more ...string) []string {
	return append([]string{
		"HYDRAPIN_DATABASE_URL=" + postgresURL,
		"HYDRAPIN_PEPPERS=p1:" + key1,
		"HYDRAPIN_RECEIPT_KEYS=r1:" + key2,
	}, more...)
}

// problems returns the settings that an error names, each with what is wrong.
func problems(t *testing.T, err error) map[string]string {
	t.Helper()
	out := map[string]string{}
	if err == nil {
		return out
	}
	e, ok := errors.AsType[*config.Error](err)
	if !ok {
		t.Fatalf("error is %T, want *config.Error: %v", err, err)
	}
	for _, p := range e.Problems {
		if _, twice := out[p.Setting]; twice {
			t.Errorf("%s is reported twice:\n%v", p.Setting, err)
		}
		out[p.Setting] = p.Text
	}
	return out
}

func TestDeproblems(t *testing.T) {
	t.Parallel()
	c, err := config.Load([]string{"PATH=/bin", "HYDRAPI=1"})
	if err != nil {
		t.Fatal(err)
	}
	want := pin.Limits{LockAfter: 5, LockBase: 15 * time.Minute, HardLimit: 20, Bucket: 30}
	if diff := cmp.Diff(want, c.Limits); diff != "" {
		t.Errorf("limits (-want +got):\n%s", diff)
	}
	if !c.Embedded() || c.Database.Path != filepath.Join("data", "hydrapin.db") {
		t.Errorf("database = %+v, want embedded in ./data", c.Database)
	}
	type rest struct {
		Addr, DataDir, PublicURL            string
		Min, Max, Workers, Queue            int
		Memory, Time                        uint32
		Redeem, CoolingOff, Retention       time.Duration
		Audit                               bool
		Format                              string
		Level                               slog.Level
		NoSecret, NoPeppers, NoKeys, NoCORS bool
	}
	got := rest{
		c.Addr, c.DataDir, c.PublicURL, c.PINMinLength, c.PINMaxLength, c.HashWorkers, c.HashQueue,
		c.Argon2MemoryKiB, c.Argon2Time, c.RedeemWithin, c.CoolingOff, c.Retention, c.AuditNotRequired, c.LogFormat, c.LogLevel,
		c.JWTSecret.IsZero(), c.Peppers.IsZero(), c.ReceiptKeys.IsZero(), c.CORSOrigins == nil,
	}
	if diff := cmp.Diff(rest{
		"127.0.0.1:8080", "./data", "http://127.0.0.1:8080", 4, 12, 0, 20,
		19456, 2, 120 * time.Second, 24 * time.Hour, 720 * time.Hour, false, "", slog.LevelInfo,
		true, true, true, true,
	}, got); diff != "" {
		t.Errorf("defaults (-want +got):\n%s", diff)
	}
	for _, s := range c.Settings() {
		if s.Source != config.FromDefault || s.Value == "" {
			t.Errorf("%s = %q from %q, want something from default", s.Name, s.Value, s.Source)
		}
	}
}

func TestEverySetting(t *testing.T) {
	t.Parallel()
	cert, key := certificate(t)
	env := postgresEnv(
		"HYDRAPIN_ADDR=0.0.0.0:443",
		"HYDRAPIN_DATA_DIR=/elsewhere",
		"HYDRAPIN_PUBLIC_URL=https://pins.example.com/prefix/",
		"HYDRAPIN_CORS_ORIGINS=https://A.example.com, http://localhost:3000",
		"HYDRAPIN_TLS_CERT_FILE="+cert,
		"HYDRAPIN_TLS_KEY_FILE="+key,
		"HYDRAPIN_TRUSTED_PROXIES=10.0.0.0/8,fd00::/8",
		"HYDRAPIN_JWT_JWKS=https://login.example.com/jwks.json",
		"HYDRAPIN_JWT_ISSUER=https://login.example.com",
		"HYDRAPIN_JWT_AUDIENCE=pins",
		"HYDRAPIN_JWT_CLAIM_TENANT=https://acme.example/tenant_id", "HYDRAPIN_JWT_CLAIM_CUSTOMER=/ids/customer",
		"HYDRAPIN_JWT_CLAIM_ADMIN=/realm_access/roles=pin-admin", "HYDRAPIN_JWT_AUDIENCE_CLAIM=client_id",
		"HYDRAPIN_JWT_MAX_LIFETIME=25h", "HYDRAPIN_DATA_GROUP_ACCESS=true",
		"HYDRAPIN_PIN_MIN_LENGTH=6", "HYDRAPIN_PIN_MAX_LENGTH=6",
		"HYDRAPIN_LOCK_AFTER=3", "HYDRAPIN_LOCK_BASE=1h", "HYDRAPIN_HARD_LIMIT=9", "HYDRAPIN_WRONG_BUCKET=12",
		"HYDRAPIN_REDEEM_WITHIN=60s", "HYDRAPIN_COOLING_OFF=0s", "HYDRAPIN_CONFIRMATION_RETENTION=48h",
		"HYDRAPIN_AUDIT_NOT_REQUIRED=true", "HYDRAPIN_AUDIT_RETENTION=8760h", "HYDRAPIN_WEBHOOK_ALLOW_PRIVATE=true",
		"HYDRAPIN_ARGON2_MEMORY_KIB=65536", "HYDRAPIN_ARGON2_TIME=3", "HYDRAPIN_HASH_WORKERS=4", "HYDRAPIN_HASH_QUEUE=10",
		"HYDRAPIN_RATE_PER_KEY=0", "HYDRAPIN_RATE_PER_ADDRESS=7",
		"HYDRAPIN_LOG_FORMAT=json", "HYDRAPIN_LOG_LEVEL=debug",
		"HYDRAPIN_PAGE_NAME=Acme Bank", "HYDRAPIN_PAGE_COLOR=#123456", "HYDRAPIN_PAGE_LOGO_FILE=/elsewhere/logo.svg",
		"HYDRAPIN_PAGE_SUPPORT_URL=mailto:help@acme.example", "HYDRAPIN_SELF_SETUP=true",
	)
	c, err := config.Load(env)
	if err != nil {
		t.Fatal(err)
	}
	if c.Embedded() || c.Database.URL.Reveal() != postgresURL || c.Peppers.Reveal() != "p1:"+key1 || c.ReceiptKeys.Reveal() != "r1:"+key2 {
		t.Error("database, peppers or receipt keys are not what was set")
	}
	want := map[string]string{
		"HYDRAPIN_ADDR":                   "0.0.0.0:443",
		"HYDRAPIN_DATABASE_URL":           "postgres://db1:5432,db2:5432/pins",
		"HYDRAPIN_DATA_DIR":               "/elsewhere",
		"HYDRAPIN_PUBLIC_URL":             "https://pins.example.com/prefix",
		"HYDRAPIN_CORS_ORIGINS":           "https://a.example.com,http://localhost:3000",
		"HYDRAPIN_TLS_CERT_FILE":          cert,
		"HYDRAPIN_TLS_KEY_FILE":           key,
		"HYDRAPIN_TRUSTED_PROXIES":        "10.0.0.0/8,fd00::/8",
		"HYDRAPIN_JWT_HS256_SECRET":       "embedded: created in the data folder; PostgreSQL: none",
		"HYDRAPIN_JWT_JWKS":               "https://login.example.com/jwks.json",
		"HYDRAPIN_JWT_ISSUER":             "https://login.example.com",
		"HYDRAPIN_JWT_AUDIENCE":           "pins",
		"HYDRAPIN_JWT_CLAIM_TENANT":       "https://acme.example/tenant_id",
		"HYDRAPIN_JWT_CLAIM_CUSTOMER":     "/ids/customer",
		"HYDRAPIN_JWT_CLAIM_ADMIN":        "/realm_access/roles=pin-admin",
		"HYDRAPIN_JWT_AUDIENCE_CLAIM":     "client_id",
		"HYDRAPIN_JWT_MAX_LIFETIME":       "25h",
		"HYDRAPIN_DATA_GROUP_ACCESS":      "true",
		"HYDRAPIN_PEPPERS":                "[redacted] ids p1",
		"HYDRAPIN_RECEIPT_KEYS":           "[redacted] ids r1",
		"HYDRAPIN_PIN_MIN_LENGTH":         "6",
		"HYDRAPIN_PIN_MAX_LENGTH":         "6",
		"HYDRAPIN_LOCK_AFTER":             "3",
		"HYDRAPIN_LOCK_BASE":              "1h",
		"HYDRAPIN_HARD_LIMIT":             "9",
		"HYDRAPIN_WRONG_BUCKET":           "12",
		"HYDRAPIN_REDEEM_WITHIN":          "1m",
		"HYDRAPIN_COOLING_OFF":            "0s",
		"HYDRAPIN_CONFIRMATION_RETENTION": "48h",
		"HYDRAPIN_AUDIT_NOT_REQUIRED":     "true",
		"HYDRAPIN_AUDIT_RETENTION":        "8760h",
		"HYDRAPIN_WEBHOOK_ALLOW_PRIVATE":  "true",
		"HYDRAPIN_ARGON2_MEMORY_KIB":      "65536",
		"HYDRAPIN_ARGON2_TIME":            "3",
		"HYDRAPIN_HASH_WORKERS":           "4",
		"HYDRAPIN_HASH_QUEUE":             "10",
		"HYDRAPIN_RATE_PER_KEY":           "0",
		"HYDRAPIN_RATE_PER_ADDRESS":       "7",
		"HYDRAPIN_LOG_FORMAT":             "json",
		"HYDRAPIN_LOG_LEVEL":              "debug",
		"HYDRAPIN_PAGE_NAME":              "Acme Bank",
		"HYDRAPIN_PAGE_COLOR":             "#123456",
		"HYDRAPIN_PAGE_LOGO_FILE":         "/elsewhere/logo.svg",
		"HYDRAPIN_PAGE_SUPPORT_URL":       "mailto:help@acme.example",
		"HYDRAPIN_SELF_SETUP":             "true",
	}
	got := map[string]string{}
	for _, s := range c.Settings() {
		got[s.Name] = s.Value
		wantSource := config.FromEnvironment
		if s.Name == "HYDRAPIN_JWT_HS256_SECRET" {
			wantSource = config.FromDefault
		}
		if s.Source != wantSource || c.Source(s.Name) != wantSource {
			t.Errorf("%s comes from %q, want %q", s.Name, s.Source, wantSource)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
}

// What another package documents as its default is the default here.
func TestDefaultsOfOtherPackages(t *testing.T) {
	t.Parallel()
	c, params := config.Defaults(), argon2id.DefaultParams()
	if c.Argon2MemoryKiB != params.MemoryKiB || c.Argon2Time != params.Time {
		t.Errorf("argon2 costs are %d KiB and %d, want %d and %d", c.Argon2MemoryKiB, c.Argon2Time, params.MemoryKiB, params.Time)
	}
	if c.Limits != pin.DefaultLimits() || c.JWTMaxLifetime != auth.DefaultMaxLifetime {
		t.Errorf("limits %+v and lifetime %s are not the defaults of pin and auth", c.Limits, c.JWTMaxLifetime)
	}
	rules := pin.DefaultRules()
	if c.PINMinLength != rules.MinLength || c.PINMaxLength != rules.MaxLength {
		t.Errorf("a PIN has %d to %d digits, want %d to %d", c.PINMinLength, c.PINMaxLength, rules.MinLength, rules.MaxLength)
	}
}

// silent fails when a secret is in an error or in a printed Config.
func silent(t *testing.T, err error, c config.Config) {
	t.Helper()
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("m", "config", c, "err", err)
	js, _ := json.Marshal(c.Database)
	for _, s := range []string{
		fmt.Sprint(err), fmt.Sprintf("%#v", err), log.String(), string(js),
		fmt.Sprintf("%v %+v %#v %s %q %x", c.Peppers, c.ReceiptKeys, c.Database, c.JWTSecret, c.Peppers, c.Database.URL),
		fmt.Sprintf("%v", c.Settings()),
	} {
		for _, secret := range []string{marker, key1, key2, fmt.Sprintf("%x", marker)} {
			// Paths and what is no secret may be shown; the tests do not look at those.
			if strings.Contains(s, secret) {
				t.Errorf("a secret is shown: %s", s)
			}
		}
	}
}

func TestEverythingAtOnce(t *testing.T) {
	t.Parallel()
	c, err := config.Load([]string{
		"HYDRAPIN_DATABASE_URL=" + postgresURL,
		"HYDRAPIN_RECEIPT_KEYS=r1:hunter2",
		"HYDRAPIN_JWT_HS256_SECRET=" + longSecret,
		"HYDRAPIN_JWT_JWKS=https://login.example.com/jwks.json",
		"HYDRAPIN_JWT_ISSUER=",
		"HYDRAPIN_TLS_KEY_FILE=key.pem",
		"HYDRAPIN_PIN_MIN_LENGTH=8",
		"HYDRAPIN_PIN_MAX_LENGTH=6",
		"HYDRAPIN_LOCK_AFTER=hunter2",
		"HYDRAPIN_LOCKAFTER=1",
		"HYDRAPIN_PEPER=hunter2",
	})
	silent(t, err, c)
	var names []string
	for _, line := range strings.Split(err.Error(), "\n")[1:] {
		names = append(names, strings.Fields(line)[0])
	}
	if diff := cmp.Diff([]string{
		"HYDRAPIN_JWT_ISSUER", "HYDRAPIN_RECEIPT_KEYS", "HYDRAPIN_LOCK_AFTER", // each by itself, in the table's order
		"HYDRAPIN_LOCKAFTER", "HYDRAPIN_PEPER", // unknown
		"HYDRAPIN_JWT_JWKS", "HYDRAPIN_JWT_AUDIENCE", "HYDRAPIN_PIN_MIN_LENGTH", "HYDRAPIN_TLS_CERT_FILE", "HYDRAPIN_PEPPERS", // together
	}, names); diff != "" {
		t.Errorf("problems (-want +got):\n%s\n%v", diff, err)
	}
	if first, _, _ := strings.Cut(err.Error(), "\n"); first != "10 things are wrong:" {
		t.Errorf("first line = %q", first)
	}
}

func TestPostgresNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	_, err := config.Load([]string{"HYDRAPIN_DATABASE_URL=" + postgresURL})
	got := problems(t, err)
	for _, name := range []string{"HYDRAPIN_PEPPERS", "HYDRAPIN_RECEIPT_KEYS"} {
		if !strings.Contains(got[name], "is missing") || !strings.Contains(got[name], "openssl rand -base64 32") {
			t.Errorf("%s: %q, want that it is missing and how to make one", name, got[name])
		}
	}
	if len(got) != 2 {
		t.Errorf("problems = %v, want two", got)
	}
	c, err := config.Load(postgresEnv())
	if err != nil || !c.JWTSecret.IsZero() || c.JWKS != "" {
		t.Errorf("with both it is accepted, and JWTs are refused: %v", err)
	}
}

func TestCommandsNeedLess(t *testing.T) {
	t.Parallel()
	env := []string{
		"HYDRAPIN_DATABASE_URL=" + postgresURL, "HYDRAPIN_LOCK_AFTER=wrong", "HYDRAPIN_UNKNOWN=1",
		"HYDRAPIN_JWT_HS256_SECRET=" + longSecret,
	}
	c, err := config.LoadDatabase(env)
	if err != nil || c.Database.URL.Reveal() != postgresURL || !c.JWTSecret.IsZero() {
		t.Errorf("LoadDatabase: %v, %v", c.Database, err)
	}
	c, err = config.LoadToken(env)
	if err != nil || string(c.JWTSecret.Reveal()) != longSecret {
		t.Errorf("LoadToken: %v", err)
	}
	_, err = config.LoadToken(append(env, "HYDRAPIN_JWT_JWKS=https://login.example.com/"))
	if got := problems(t, err); len(got) != 3 {
		t.Errorf("LoadToken with a secret and a JWKS: %v, want three problems", err)
	}
	if _, err = config.LoadDatabase([]string{"HYDRAPIN_DATABASE_URL=nonsense"}); err == nil {
		t.Error("LoadDatabase takes nonsense")
	}
}

// A cluster's own variables, and those of the tests, are not mistakes.
func TestForeignVariables(t *testing.T) {
	t.Parallel()
	_, err := config.Load([]string{
		"HYDRAPIN_SERVICE_HOST=10.0.0.1", "HYDRAPIN_SERVICE_PORT=80", "HYDRAPIN_SERVICE_PORT_HTTP=80",
		"HYDRAPIN_PORT=tcp://10.0.0.1:80", "HYDRAPIN_PORT_80_TCP=tcp://10.0.0.1:80", "HYDRAPIN_PORT_80_TCP_PROTO=tcp",
		"HYDRAPIN_PORT_80_TCP_PORT=80", "HYDRAPIN_PORT_80_TCP_ADDR=10.0.0.1", "HYDRAPIN_TEST_POSTGRES=postgres://",
	})
	if err != nil {
		t.Error(err)
	}
	if _, err := config.Load([]string{"HYDRAPIN_PORT=8080"}); err == nil {
		t.Error("HYDRAPIN_PORT=8080 is a mistake, and accepted")
	}
}

func TestSecretsFromFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	env := []string{
		"HYDRAPIN_DATABASE_URL_FILE=" + write("url", postgresURL+"\n"),
		"HYDRAPIN_PEPPERS_FILE=" + write("peppers", "p2:"+key2+",p1:"+key1+"\r\n"),
		"HYDRAPIN_RECEIPT_KEYS_FILE=" + write("keys", "r1:"+key1),
		"HYDRAPIN_JWT_HS256_SECRET_FILE=" + write("jwt", longSecret+"\n"),
	}
	c, err := config.Load(env)
	if err != nil {
		t.Fatal(err)
	}
	if c.Database.URL.Reveal() != postgresURL || c.Peppers.Reveal() != "p2:"+key2+",p1:"+key1 || string(c.JWTSecret.Reveal()) != longSecret {
		t.Error("a secret is not what its file holds")
	}
	if got, want := c.Source("HYDRAPIN_PEPPERS"), config.Source("file "+filepath.Join(dir, "peppers")); got != want {
		t.Errorf("peppers come from %q, want %q", got, want)
	}
	silent(t, nil, c)

	for name, tt := range map[string]struct{ entry, says string }{
		"both":      {"HYDRAPIN_PEPPERS=p1:" + key1, "are both set"},
		"empty":     {"HYDRAPIN_PEPPERS_FILE=" + write("empty", "\n"), "it is empty"},
		"too large": {"HYDRAPIN_PEPPERS_FILE=" + write("large", strings.Repeat("x", 1<<17)), "larger than"},
		"folder":    {"HYDRAPIN_PEPPERS_FILE=" + dir, "is a directory"},
		"damaged":   {"HYDRAPIN_PEPPERS_FILE=" + write("damaged", "p1:hunter2"), "32 bytes"},
	} {
		c, err := config.Load(append(env, tt.entry))
		if got := problems(t, err); len(got) != 1 || !strings.Contains(got["HYDRAPIN_PEPPERS"], tt.says) {
			t.Errorf("%s: %v, want one problem of HYDRAPIN_PEPPERS that says %q", name, err, tt.says)
		}
		silent(t, err, c)
	}
}

func TestTLSPair(t *testing.T) {
	t.Parallel()
	cert, key := certificate(t)
	_, other := certificate(t)
	for name, tt := range map[string]struct{ cert, key, setting, says string }{
		"no certificate": {cert + "x", key, "HYDRAPIN_TLS_CERT_FILE", "no such file"},
		"no key":         {cert, key + "x", "HYDRAPIN_TLS_KEY_FILE", "no such file"},
		"swapped":        {key, cert, "HYDRAPIN_TLS_CERT_FILE", "do not belong together"},
		"of another":     {cert, other, "HYDRAPIN_TLS_CERT_FILE", "do not belong together"},
	} {
		_, err := config.Load([]string{"HYDRAPIN_TLS_CERT_FILE=" + tt.cert, "HYDRAPIN_TLS_KEY_FILE=" + tt.key})
		if got := problems(t, err); len(got) != 1 || !strings.Contains(got[tt.setting], tt.says) {
			t.Errorf("%s: %v, want %s to say %q", name, err, tt.setting, tt.says)
		}
	}
	c, err := config.Load([]string{"HYDRAPIN_TLS_CERT_FILE=" + cert, "HYDRAPIN_TLS_KEY_FILE=" + key, "HYDRAPIN_ADDR=:8443"})
	if err != nil || c.PublicURL != "https://localhost:8443" {
		t.Errorf("PublicURL = %q, %v, want https on the address", c.PublicURL, err)
	}
}

func TestURLFor(t *testing.T) {
	t.Parallel()
	for addr, want := range map[string]string{
		"127.0.0.1:80": "http://127.0.0.1:80", "[::1]:80": "http://[::1]:80", ":80": "http://localhost:80",
		"0.0.0.0:80": "http://localhost:80", "[::]:80": "http://localhost:80", "pins.internal:80": "http://pins.internal:80",
	} {
		if got := (config.Config{}).URLFor(addr); got != want {
			t.Errorf("URLFor(%q) = %q, want %q", addr, got, want)
		}
	}
}

// What may be shown of a database never has its password, however it is written.
func TestDatabaseIsShownWithoutPassword(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"postgres://db/pins":                             "postgres://db/pins",
		"postgres://app:hunter2@db:5432/pins":            "postgres://db:5432/pins",
		"postgresql://app:hunter2@[::1]:5432/pins":       "postgres://[::1]:5432/pins",
		"postgres://db/pins?password=hunter2":            "postgres://db/pins",
		"postgres:///pins?host=/run/pg&password=hunter2": "postgres:///pins",
	} {
		c, err := config.Load(postgresEnv("HYDRAPIN_DATABASE_URL=" + url))
		if err != nil {
			t.Errorf("%s: %v", url, err)
		}
		if got := c.Database.String(); got != want {
			t.Errorf("%s is shown as %q, want %q", url, got, want)
		}
	}
}

func TestManual(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, d := range config.Manual() {
		if d.Default == "" || d.Help == "" || seen[d.Name] {
			t.Errorf("%s: default %q, help %q, or listed twice", d.Name, d.Default, d.Help)
		}
		seen[d.Name] = true
	}
	if len(seen) != 45 {
		t.Errorf("%d settings, want 45", len(seen))
	}
}
