package argon2id_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/hydracore/hydrapin/internal/argon2id"
)

func TestParseRingKeepsTheOrder(t *testing.T) {
	t.Parallel()
	ring, err := argon2id.ParseRing(ringText("p2", "p1", "Prod_2026-11") + "\n")
	if err != nil {
		t.Fatal(err)
	}
	if got := ring.IDs(); !slices.Equal(got, []string{"p2", "p1", "Prod_2026-11"}) {
		t.Fatalf("ids %q", got)
	}
}

func TestParseRingRefuses(t *testing.T) {
	t.Parallel()
	key := base64.StdEncoding.EncodeToString(pepperBytes("k"))
	for name, text := range map[string]string{
		"nothing":          "",
		"no id":            key,
		"empty id":         ":" + key,
		"long id":          strings.Repeat("p", 33) + ":" + key,
		"bad id":           "p.1:" + key,
		"no value":         "p1:",
		"short":            "p1:" + base64.StdEncoding.EncodeToString(pepperBytes("k")[:31]),
		"long":             "p1:" + base64.StdEncoding.EncodeToString(append(pepperBytes("k"), 'k')),
		"no padding":       "p1:" + strings.TrimRight(key, "="),
		"loose bits":       "p1:" + key[:42] + "t=",
		"line break":       "p1:" + key[:20] + "\n" + key[20:],
		"url alphabet":     "p1:" + strings.Repeat("_", 43) + "=",
		"same id":          "p1:" + key + ",p1:" + base64.StdEncoding.EncodeToString(pepperBytes("l")),
		"comma at the end": "p1:" + key + ",",
		"space within":     "p1:" + key + ", p2:" + key,
		"swapped":          key + ":p1",
	} {
		_, err := argon2id.ParseRing(text)
		if !errors.Is(err, argon2id.ErrRing) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if strings.Contains(err.Error(), key[:8]) {
			t.Errorf("%s: the error shows the pepper: %v", name, err)
		}
	}
}

func TestCheckValues(t *testing.T) {
	t.Parallel()
	ring := mustRing(t, "p1", "p2")
	one, err := ring.Check("p1")
	if err != nil {
		t.Fatal(err)
	}
	const want = "c4ba47465c92b53096c83716783a3a1e889a40d49dda5a5a5bbdcdcde4ee869c"
	if got := hex.EncodeToString(one); got != want {
		t.Errorf("check value %s, want %s", got, want)
	}
	two, err := ring.Check("p2")
	if err != nil || bytes.Equal(one, two) {
		t.Errorf("p1 and p2 cannot be told apart (%v)", err)
	}
	other, err := argon2id.ParseRing("p1:" + base64.StdEncoding.EncodeToString(pepperBytes("x")))
	if err != nil {
		t.Fatal(err)
	}
	if changed, err := other.Check("p1"); err != nil || bytes.Equal(one, changed) {
		t.Errorf("other bytes for p1 were not noticed (%v)", err)
	}
	if _, err := ring.Check("p3"); !errors.Is(err, argon2id.ErrUnknownPepper) {
		t.Errorf("unknown id: %v", err)
	}
}

func TestPeppersRedactThemselves(t *testing.T) {
	t.Parallel()
	ring := mustRing(t, "oldq")
	pool, err := argon2id.NewPool(argon2id.PoolConfig{Ring: ring, Params: quick, Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	pool.Close() // printing reads it without its lock
	type nested struct{ ring argon2id.Ring }
	values := []any{
		ring,
		&ring,
		[]argon2id.Ring{ring},
		map[string]argon2id.Ring{"r": ring},
		nested{ring},
		&nested{ring},
		argon2id.PoolConfig{Ring: ring},
		pool,
	}
	var printed strings.Builder
	for _, v := range values {
		for verb := 'A'; verb <= 'z'; verb++ {
			for _, flag := range []string{"", "+", "#", " ", "0", "-", "# ", "+#"} {
				fmt.Fprintf(&printed, "%"+flag+string(verb)+"\n", v)
			}
		}
	}
	for _, v := range values[:len(values)-1] {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		printed.Write(b)
		slog.New(slog.NewTextHandler(&printed, nil)).Info("text", "v", v)
		slog.New(slog.NewJSONHandler(&printed, nil)).Info("json", "v", v)
	}
	key := pepperBytes("q")
	for _, secret := range []string{
		string(key[:4]),
		base64.StdEncoding.EncodeToString(key)[:8],
		hex.EncodeToString(key[:4]),
		strings.Trim(fmt.Sprintf("%d", key[:3]), "[]"),
		strings.Trim(fmt.Sprintf("% x", key[:4]), " "),
		strings.Trim(fmt.Sprintf("%#v", key[:3]), "[]byte{}"),
		strings.Trim(fmt.Sprintf("%b", key[:3]), "[]"),
		strings.Trim(fmt.Sprintf("%o", key[:3]), "[]"),
	} {
		if i := strings.Index(printed.String(), secret); i >= 0 {
			t.Errorf("found %q in %q", secret, printed.String()[max(0, i-80):i+40])
		}
	}
	if got := fmt.Sprintf("%v %d", ring, ring); got != "peppers[oldq] peppers[oldq]" {
		t.Errorf("printed %q", got)
	}
}

func FuzzParseRing(f *testing.F) {
	f.Add(ringText("p1"))
	f.Add(ringText("p2", "p1"))
	f.Add("p1:")
	f.Add(ringText("p1", "p1"))
	f.Fuzz(func(t *testing.T, text string) {
		ring, err := argon2id.ParseRing(text)
		if err != nil {
			if !errors.Is(err, argon2id.ErrRing) {
				t.Fatalf("not an ErrRing: %v", err)
			}
			return
		}
		ids := ring.IDs()
		if len(ids) != 1+strings.Count(text, ",") {
			t.Fatalf("%d ids", len(ids))
		}
		for i, id := range ids {
			if slices.Contains(ids[:i], id) {
				t.Fatalf("%q twice", id)
			}
			if check, err := ring.Check(id); err != nil || len(check) != 32 {
				t.Fatalf("check value of %q: %v", id, err)
			}
		}
	})
}
