package argon2id_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/hydracore/hydrapin/internal/argon2id"
)

const (
	goodHead = "$argon2id$v=19$m=64,t=1,p=1,keyid=cDE$"
	goodSalt = "c2FsdHNhbHRzYWx0c2FsdA"
	goodTag  = "dGFndGFndGFndGFndGFndGFndGFndGFndGFndGFndGE"
	good     = goodHead + goodSalt + "$" + goodTag
)

func b64(s string) string { return base64.RawStdEncoding.EncodeToString([]byte(s)) }

func raw(n int) string { return b64(string(make([]byte, n))) }

func TestKnows(t *testing.T) {
	t.Parallel()
	ring := mustRing(t, "p2", "p1")
	stored := parsed(good)
	if err := ring.Knows(stored); err != nil {
		t.Errorf("p1: %v", err)
	}
	if stored.PepperID() != "p1" || stored.PHC() != good {
		t.Errorf("pepper %q of %s", stored.PepperID(), stored.PHC())
	}
	if err := mustRing(t, "p2").Knows(stored); !errors.Is(err, argon2id.ErrUnknownPepper) {
		t.Errorf("without p1: %v", err)
	}
	if got := fmt.Sprintf("%v %+v %#v %s %q %x", stored, stored, stored, stored, stored, stored); strings.Contains(got, "dGFn") || strings.Contains(got, "746167") {
		t.Errorf("a stored hash prints as %s", got)
	}
}

func TestStoredFormBounds(t *testing.T) {
	t.Parallel()
	longest := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("p", 32)))
	for _, text := range []string{
		good,
		"$argon2id$v=19$m=8,t=1,p=1,keyid=cDE$" + raw(8) + "$" + raw(16),
		"$argon2id$v=19$m=1048576,t=64,p=16,keyid=" + longest + "$" + raw(64) + "$" + raw(64),
	} {
		if _, err := argon2id.Parse(text); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	for name, text := range map[string]string{
		"empty":               "",
		"no key id":           "$argon2id$v=19$m=64,t=1,p=1$" + goodSalt + "$" + goodTag,
		"key id of no pepper": strings.Replace(good, "cDE", "cC4x", 1),
		"key id empty":        strings.Replace(good, "cDE", "", 1),
		"key id in the clear": strings.Replace(good, "cDE", "p_1", 1),
		"key id too long":     strings.Replace(good, "cDE", base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("p", 33))), 1),
		"associated data":     strings.Replace(good, "keyid=cDE", "keyid=cDE,data=cDE", 1),
		"argon2i":             strings.Replace(good, "argon2id", "argon2i", 1),
		"old version":         strings.Replace(good, "v=19", "v=16", 1),
		"no version":          strings.Replace(good, "v=19$", "", 1),
		"other order":         strings.Replace(good, "m=64,t=1", "t=1,m=64", 1),
		"leading zero":        strings.Replace(good, "m=64", "m=064", 1),
		"sign":                strings.Replace(good, "m=64", "m=+64", 1),
		"memory 0":            strings.Replace(good, "m=64", "m=0", 1),
		"memory over 1 GiB":   strings.Replace(good, "m=64", "m=1048577", 1),
		"memory past 32 bits": strings.Replace(good, "m=64", "m=4294967360", 1),
		"memory under lanes":  strings.Replace(good, "p=1", "p=9", 1),
		"time 0":              strings.Replace(good, "t=1", "t=0", 1),
		"time 65":             strings.Replace(good, "t=1", "t=65", 1),
		"no lanes":            strings.Replace(good, "p=1", "p=0", 1),
		"17 lanes":            strings.Replace(strings.Replace(good, "m=64", "m=1024", 1), "p=1", "p=17", 1),
		"257 lanes":           strings.Replace(good, "p=1", "p=257", 1),
		"salt of 7":           goodHead + raw(7) + "$" + goodTag,
		"salt of 65":          goodHead + raw(65) + "$" + goodTag,
		"tag of 15":           goodHead + goodSalt + "$" + raw(15),
		"tag of 65":           goodHead + goodSalt + "$" + raw(65),
		"no tag":              goodHead + goodSalt,
		"padding":             good + "=",
		"loose bits":          good[:len(good)-1] + "F",
		"line break":          good + "\n",
		"one field more":      good + "$",
		"something before it": "x" + good,
		"far too long":        good + strings.Repeat("A", 1<<20),
	} {
		if _, err := argon2id.Parse(text); !errors.Is(err, argon2id.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// shape is the stored form said in another way, for the fuzzer to compare with.
var shape = regexp.MustCompile(`\A\$argon2id\$v=19\$m=([1-9][0-9]{0,6}),t=([1-9][0-9]?),p=([1-9][0-9]?)` +
	`,keyid=([A-Za-z0-9+/]{2,43})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})\z`)

func FuzzParse(f *testing.F) {
	f.Add(good)
	f.Add("$argon2id$v=19$m=19456,t=2,p=1$" + goodSalt + "$" + goodTag)
	f.Add(strings.Replace(good, "m=64", "m=4294967295", 1))
	f.Add(goodHead + goodSalt + "$")
	f.Fuzz(func(t *testing.T, text string) {
		stored, err := argon2id.Parse(text)
		id := stored.PepperID()
		if err != nil {
			if !errors.Is(err, argon2id.ErrMalformed) || id != "" || stored.PHC() != "" {
				t.Fatalf("%q, %v", id, err)
			}
			return
		}
		if stored.PHC() != text {
			t.Fatalf("%q became %q", text, stored.PHC())
		}
		part := shape.FindStringSubmatch(text)
		if part == nil {
			t.Fatalf("accepted %q", text)
		}
		var n [3]uint64
		for i := range n {
			n[i], _ = strconv.ParseUint(part[i+1], 10, 64)
		}
		if n[0] > 1<<20 || n[1] > 64 || n[2] > 16 || n[0] < 8*n[2] {
			t.Fatalf("accepted m=%d t=%d p=%d", n[0], n[1], n[2])
		}
		if back, err := base64.RawStdEncoding.Strict().DecodeString(part[4]); err != nil || string(back) != id {
			t.Fatalf("keyid %q read as %q", part[4], id)
		}
	})
}
