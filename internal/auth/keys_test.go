package auth_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/hydracore/hydrapin/internal/auth"
)

func TestNewKeyParses(t *testing.T) {
	t.Parallel()
	for kind, form := range map[auth.Kind]*regexp.Regexp{
		auth.KindAPIKey:     regexp.MustCompile(`^hc_live_([0-9A-Za-z]{16})_[0-9A-Za-z]{43}$`),
		auth.KindRuntimeKey: regexp.MustCompile(`^hc_agent_([0-9A-Za-z]{16})_[0-9A-Za-z]{43}$`),
	} {
		seen := map[string]bool{}
		for range 50 {
			id, hash, key, err := auth.NewKey(kind)
			if err != nil {
				t.Fatal(err)
			}
			m := form.FindStringSubmatch(key.Reveal())
			if len(m) != 2 || m[1] != id {
				t.Fatalf("%s: id %q, key %q", kind, id, key.Reveal())
			}
			gotKind, gotID, gotHash, err := auth.ParseKey(key.Reveal())
			if err != nil || gotKind != kind || gotID != id || gotHash != hash {
				t.Fatalf("ParseKey = %q, %q, %x, %v", gotKind, gotID, gotHash, err)
			}
			if seen[id] {
				t.Fatal("an id came twice")
			}
			seen[id] = true
		}
	}
	for _, kind := range []auth.Kind{auth.KindJWT, auth.KindOperator, ""} {
		if _, _, _, err := auth.NewKey(kind); !errors.Is(err, auth.ErrKeyKind) {
			t.Errorf("NewKey(%q) = %v", kind, err)
		}
	}
}

// The stored form of a key must never change: keys in use would die.
func TestKeyHashVector(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]string{
		vectorKey:      "e97ca2237ce7c044ade956f460f021f3049fe98b162d401fa32400cd06fb01db",
		vectorAgentKey: "87800983fa06084b42453c4e3d2caa085805e9f9b38d07d2f64a401d67401f7b",
	} {
		_, id, hash, err := auth.ParseKey(key)
		if err != nil || id != "0123456789ABCDEF" || hex.EncodeToString(hash[:]) != want {
			t.Errorf("ParseKey(%q) = %q, %x, %v", key, id, hash, err)
		}
	}
}

const (
	vectorSecret   = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg"
	vectorKey      = "hc_live_0123456789ABCDEF_" + vectorSecret
	vectorAgentKey = "hc_agent_0123456789ABCDEF_" + vectorSecret
)

func TestParseKeyRefuses(t *testing.T) {
	t.Parallel()
	for name, key := range map[string]string{
		"empty":             "",
		"prefix only":       "hc_live_",
		"another prefix":    strings.Replace(vectorKey, "live", "test", 1),
		"upper-case prefix": strings.Replace(vectorKey, "hc_live", "HC_LIVE", 1),
		"no secret":         "hc_live_0123456789ABCDEF",
		"empty secret":      "hc_live_0123456789ABCDEF_",
		"short id":          "hc_live_0123456789ABCDE_" + vectorSecret + "0",
		"long id":           "hc_live_0123456789ABCDEFG_" + vectorSecret[1:],
		"short secret":      vectorKey[:len(vectorKey)-1],
		"long secret":       vectorKey + "0",
		"very long":         vectorKey + strings.Repeat("0", 1<<20),
		"space before":      " " + vectorKey,
		"line end after":    vectorKey + "\n",
		"line end inside":   vectorKey[:len(vectorKey)-1] + "\n",
		"dash in secret":    vectorKey[:len(vectorKey)-1] + "-",
		"underscore inside": vectorKey[:len(vectorKey)-1] + "_",
		"not ASCII":         vectorKey[:len(vectorKey)-2] + "é",
		"NUL":               vectorKey[:len(vectorKey)-1] + "\x00",
		"id not base62":     "hc_live_0123456789ABCDE-_" + vectorSecret,
	} {
		kind, id, hash, err := auth.ParseKey(key)
		if !errors.Is(err, auth.ErrInvalidKey) || kind != "" || id != "" || hash != [32]byte{} {
			t.Errorf("%s: ParseKey = %q, %q, %x, %v", name, kind, id, hash, err)
		}
		if err != nil && len(key) > 8 && strings.Contains(err.Error(), key[8:]) {
			t.Errorf("%s: the error shows the key: %v", name, err)
		}
	}
}

func TestMatches(t *testing.T) {
	t.Parallel()
	id, hash, _, err := auth.NewKey(auth.KindAPIKey)
	if err != nil {
		t.Fatal(err)
	}
	record := auth.APIKey{ID: id, Kind: auth.KindAPIKey, Hash: hash}
	if !record.Matches(auth.KindAPIKey, hash) {
		t.Error("the key does not match its own record")
	}
	if record.Matches(auth.KindRuntimeKey, hash) {
		t.Error("a key of another kind matches")
	}
	for i := range hash {
		other := hash
		other[i] ^= 1
		if record.Matches(auth.KindAPIKey, other) {
			t.Errorf("a hash that differs in byte %d matches", i)
		}
	}
}

func TestKeySecretRedactsItself(t *testing.T) {
	t.Parallel()
	_, _, key, err := auth.NewKey(auth.KindRuntimeKey)
	if err != nil {
		t.Fatal(err)
	}
	leaks(t, key, key.Reveal())
	leaks(t, &key, key.Reveal())
	if (auth.KeySecret{}).Reveal() != "" {
		t.Error("the zero KeySecret holds something")
	}
}

// Every character of the alphabet must come equally often: a modulo without
// rejection would give the first eight a quarter more.
func TestKeysAreUnbiased(t *testing.T) {
	t.Parallel()
	count := map[rune]int{}
	total := 0
	for range 2000 {
		_, _, key, err := auth.NewKey(auth.KindAPIKey)
		if err != nil {
			t.Fatal(err)
		}
		s := key.Reveal()
		for _, r := range s[len(s)-43:] {
			count[r]++
			total++
		}
	}
	expected := float64(total) / 62
	chi := 0.0
	for _, n := range count {
		chi += (float64(n) - expected) * (float64(n) - expected) / expected
	}
	// Chi-squared with 61 degrees of freedom is over 150 once in ten thousand
	// million runs; the bias named above gives more than 1,000 here.
	if len(count) != 62 || chi > 150 {
		t.Errorf("%d characters, chi-squared %.0f", len(count), chi)
	}
}

func FuzzParseKey(f *testing.F) {
	f.Add(vectorKey)
	f.Add(vectorAgentKey)
	f.Add("hc_live__")
	f.Add("")
	f.Fuzz(func(t *testing.T, s string) {
		kind, id, hash, err := auth.ParseKey(s)
		if err != nil {
			if !errors.Is(err, auth.ErrInvalidKey) {
				t.Fatalf("another error: %v", err)
			}
			return
		}
		prefix := map[auth.Kind]string{auth.KindAPIKey: "hc_live_", auth.KindRuntimeKey: "hc_agent_"}[kind]
		form := regexp.MustCompile(`\A` + prefix + id + `_[0-9A-Za-z]{43}\z`)
		if prefix == "" || len(id) != 16 || !form.MatchString(s) || hash != sha256.Sum256([]byte(s)) {
			t.Fatalf("ParseKey(%q) = %q, %q, %x", s, kind, id, hash)
		}
	})
}
