package config_test

import (
	"encoding/base64"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hydracore/hydrapin/internal/config"
)

// Each wrong value is one problem, of its setting, and the text says what would be
// correct and never what was set.
func TestProblems(t *testing.T) {
	t.Parallel()
	const bad = "hunter2"
	dir := t.TempDir()
	for _, tt := range []struct{ name, value, says string }{
		{"ADDR", bad, "host:port"},
		{"ADDR", "127.0.0.1:65536", "65535"},
		{"ADDR", "127.0.0.1:", "host:port"},
		{"ADDR", "local host:80", "host:port"},
		{"DATABASE_URL", "mysql://app:hunter2@db/pins", "sqlite:// or postgres://"},
		{"DATABASE_URL", "sqlite://", "must name a file"},
		{"DATABASE_URL", "sqlite://hunter2?mode=memory", "without ?"},
		{"DATABASE_URL", "sqlite://:memory:", "must name a file"},
		{"DATABASE_URL", "postgres://", "like postgres://"},
		{"DATABASE_URL", "postgres://app:hunter2@db/pins ", "without space"},
		{"DATABASE_URL", "postgres://app:hunter2#x@db/pins", "%23"},
		{"DATABASE_URL", "postgres://app:hunter2%x@db/pins", "%25"},
		{"DATABASE_URL", "postgres://app:hunter2%4@db/pins", "%25"},
		{"DATABASE_URL", "postgres://app:hunter2%", "%25"},
		{"DATABASE_URL", "postgres://app:hunter2%4g@db/pins", "%25"},
		{"DATABASE_URL", "postgres://app:hunter2/x@db/pins", "%2F"},
		{"DATABASE_URL", "postgres://app:hunter2?x@db/pins", "%3F"},
		{"DATABASE_URL", "postgres://app:hunter2^@db/pins", "%25"},
		{"DATABASE_URL", "postgres://app:hunter2@x@db/pins", "%40"},
		{"DATABASE_URL", "postgres://app@corp:hunter2@db/pins", "%40"},
		{"DATABASE_URL", "postgres://app:hunter2", "host:port"},
		{"DATA_DIR", " ", "must be a path"},
		{"DATA_GROUP_ACCESS", "yes", "true or false"},
		{"PUBLIC_URL", "hunter2.example.com", "http or https"},
		{"PUBLIC_URL", "https://u:hunter2@example.com", "password"},
		{"PUBLIC_URL", "https://example.com/?q=hunter2", "without query"},
		{"PUBLIC_URL", "https://example.com/#", "fragment"},
		{"CORS_ORIGINS", "*", "name the origins"},
		{"CORS_ORIGINS", "https://a.example.com,hunter2", "entry 2"},
		{"CORS_ORIGINS", "https://a.example.com/", "is not an origin"},
		{"CORS_ORIGINS", "https://a.example.com:443", "leave it out"},
		{"CORS_ORIGINS", "http://a.example.com:80", "leave it out"},
		{"CORS_ORIGINS", "null", "is not an origin"},
		{"CORS_ORIGINS", "https://*", "is a pattern"},
		{"CORS_ORIGINS", "https://*.example.com", "is a pattern"},
		{"CORS_ORIGINS", "https://a.example.com:*", "is a pattern"},
		{"CORS_ORIGINS", "http*://a.example.com", "is a pattern"},
		{"CORS_ORIGINS", "https://a.example.co?", "is not an origin"},
		{"CORS_ORIGINS", "https://(a|b).example.com", "is not an origin"},
		{"CORS_ORIGINS", "https://a.example.com/path", "is not an origin"},
		{"CORS_ORIGINS", "https://a.example.com?q", "is not an origin"},
		{"CORS_ORIGINS", "https://a.example.com#f", "is not an origin"},
		{"CORS_ORIGINS", "https://u@a.example.com", "is not an origin"},
		{"CORS_ORIGINS", "https://größe.example", "is not an origin"},
		{"CORS_ORIGINS", "https://", "is not an origin"},
		{"CORS_ORIGINS", "file://", "is not an origin"},
		{"CORS_ORIGINS", "a.example.com", "is not an origin"},
		{"CORS_ORIGINS", "https://a.example.com:", "is not an origin"},
		{"CORS_ORIGINS", "https://a.example.com:0", "1 to 65535"},
		{"CORS_ORIGINS", "https://a.example.com:65536", "1 to 65535"},
		{"CORS_ORIGINS", "https://a.example.com:08443", "1 to 65535"},
		{"CORS_ORIGINS", "https://a.example.com,", "entry 2"},
		{"TLS_CERT_FILE", "x.pem", "TLS_CERT_FILE is set"},
		{"TLS_KEY_FILE", "x.pem", "TLS_KEY_FILE is set"},
		{"TRUSTED_PROXIES", bad, "10.1.2.3/32"},
		{"TRUSTED_PROXIES", "10.1.2.3", "10.1.2.3/32"},
		{"TRUSTED_PROXIES", "10.1.2.3/8", "first address"},
		{"TRUSTED_PROXIES", "10.0.0.0/8,0.0.0.0/0", "name your proxies"},
		{"TRUSTED_PROXIES", "::ffff:127.0.0.1/128", "like 10.1.0.0/16"},
		{"TRUSTED_PROXIES", "10.0.0.0/8,::ffff:10.0.0.0/104", "entry 2"},
		{"JWT_HS256_SECRET", "hunter2-hunter2-hunter2-hunter2", "32 bytes"},
		{"JWT_JWKS", "http://login.example.com/hunter2", "loopback"},
		{"JWT_JWKS", "ftp://127.0.0.1/hunter2", "https"},
		{"JWT_JWKS", "https://u:hunter2@login.example.com/", "user or password"},
		{"JWT_JWKS", "https://", "like https://"},
		{"JWT_JWKS", filepath.Join(dir, bad), "cannot be read (no such file"},
		{"JWT_JWKS", dir, "names a folder"},
		{"JWT_ISSUER", "hunter2\n", "one line"},
		{"JWT_AUDIENCE", " hunter2", "without space"},
		{"JWT_CLAIM_TENANT", "/", "JSON Pointer"},
		{"JWT_CLAIM_TENANT", "/hunter2~2", "JSON Pointer"},
		{"JWT_CLAIM_CUSTOMER", " hunter2", "JSON Pointer"},
		{"JWT_CLAIM_CUSTOMER", "", "set and empty"},
		{"JWT_CLAIM_ADMIN", "=hunter2", "with =value"},
		{"JWT_CLAIM_ADMIN", "hunter2=", "with =value"},
		{"JWT_CLAIM_ADMIN", "hunter2\n", "with =value"},
		{"JWT_AUDIENCE_CLAIM", "//hunter2", "JSON Pointer"},
		{"JWT_MAX_LIFETIME", "59s", "from 1m to 8760h, written like 90s, 15m or 24h; the default is 24h"},
		{"JWT_MAX_LIFETIME", "8761h", "from 1m to 8760h"},
		{"PEPPERS", bad, "id:base64"},
		{"PEPPERS", "p1:hunter2", "32 bytes in standard padded base64"},
		{"PEPPERS", "p1:" + key1 + ",p1:" + key2, "entry 2"},
		{"PEPPERS", "p1:" + key1 + ",", "entry 2"},
		{"PEPPERS", "p 1:" + key1, "an id that is not"},
		{"PEPPERS", strings.Repeat("p", 33) + ":" + key1, "an id that is not"},
		{"PEPPERS", "p1:" + strings.TrimRight(key1, "="), "padded"},
		{"PEPPERS", "p1:" + base64.StdEncoding.EncodeToString([]byte("hunter2")), "32 bytes"},
		{"RECEIPT_KEYS", "r1:hunter2", "32 bytes"},
		{"PIN_MIN_LENGTH", "3", "from 4 to 12"},
		{"PIN_MIN_LENGTH", "13", "from 4 to 12"},
		{"PIN_MAX_LENGTH", "13", "the default is 12"},
		{"LOCK_AFTER", "0", "from 1 to 10000; the default is 5"},
		{"LOCK_AFTER", "10001", "from 1 to 10000"},
		{"LOCK_AFTER", "5.0", "whole number"},
		{"LOCK_AFTER", "-1", "from 1 to 10000"},
		{"LOCK_AFTER", "99999999999999999999", "whole number"},
		{"LOCK_AFTER", " 5", "whole number"},
		{"LOCK_BASE", "0s", "from 1ms to 24h"},
		{"LOCK_BASE", "25h", "from 1ms to 24h"},
		{"LOCK_BASE", "15", "like 90s, 15m or 24h"},
		{"HARD_LIMIT", "0", "from 1 to 10000"},
		{"WRONG_BUCKET", "10001", "from 1 to 10000"},
		{"WRONG_BUCKET", "0", "from 1 to 10000"},
		{"REDEEM_WITHIN", "500ms", "from 1s to 1h"},
		{"REDEEM_WITHIN", "61m", "from 1s to 1h"},
		{"COOLING_OFF", "-1s", "from 0s to 720h"},
		{"COOLING_OFF", "721h", "from 0s to 720h"},
		{"CONFIRMATION_RETENTION", "900ms", "from 1s"},
		{"CONFIRMATION_RETENTION", "9999999h", "from 1s"},
		{"AUDIT_NOT_REQUIRED", "yes", "true or false"},
		{"WEBHOOK_ALLOW_PRIVATE", "1", "true or false"},
		{"AUDIT_RETENTION", "9999999h", "from 0s"},
		{"ARGON2_MEMORY_KIB", "7", "from 8 to 1048576"},
		{"ARGON2_MEMORY_KIB", "1048577", "from 8 to 1048576"},
		{"ARGON2_MEMORY_KIB", "4294967304", "from 8 to 1048576"},
		{"ARGON2_TIME", "65", "from 1 to 64"},
		{"HASH_WORKERS", "0", "one for each core"},
		{"HASH_WORKERS", "257", "from 1 to 256"},
		{"HASH_QUEUE", "1001", "from 1 to 1000"},
		{"LOG_FORMAT", "xml", "text or json"},
		{"LOG_LEVEL", "hunter2", "debug, info, warn or error"},
		{"ADDR", "", "set and empty"},
		{"PEPPERS", "", "set and empty"},
		{"JWT_AUDIENCE", "", "set and empty"},
		{"PEPPERS_FILE", "", "is an empty name"},
		{"PEPPERS_FILE", filepath.Join(dir, "none"), "no such file"},
		{"ADDR_FILE", "x", "is not a setting"},
		{"LOCK_AFTR", "hunter2", "did you mean HYDRAPIN_LOCK_AFTER?"},
		{"TLS_CERT", "hunter2", "is not a setting"},
		{"WRONG_BUCKETS", "hunter2", "did you mean HYDRAPIN_WRONG_BUCKET?"},
		{"lock_after", "hunter2", "did you mean HYDRAPIN_LOCK_AFTER?"},
		{"SOMETHING_ELSE", "hunter2", "serve --help"},
	} {
		t.Run(tt.name+"="+tt.value, func(t *testing.T) {
			t.Parallel()
			c, err := config.Load([]string{"HYDRAPIN_" + tt.name + "=" + tt.value})
			got := problems(t, err)
			if len(got) == 0 {
				t.Fatal("is accepted")
			}
			said := false
			for setting, problem := range got {
				said = said || strings.Contains(problem, tt.says)
				if !strings.HasPrefix(setting, "HYDRAPIN_") || strings.Contains(problem, "\n") {
					t.Errorf("problem %q %q is not one line about a setting", setting, problem)
				}
			}
			if !said {
				t.Errorf("error does not say %q: %v", tt.says, err)
			}
			silent(t, err, c)
		})
	}
}
