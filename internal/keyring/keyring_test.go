package keyring_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/hydracore/hydrapin/internal/keyring"
)

func value(c string) string {
	return base64.StdEncoding.EncodeToString(bytes.Repeat([]byte(c), keyring.Size))
}

func parse(text string) (keyring.Ring[[]byte], error) {
	return keyring.Parse("keys", text, func(seed []byte) []byte { return seed })
}

func TestParse(t *testing.T) {
	t.Parallel()
	r, err := parse(" new:" + value("n") + ",old_-9:" + value("o") + "\n")
	if err != nil || !slices.Equal(r.IDs(), []string{"new", "old_-9"}) || r.Len() != 2 {
		t.Fatalf("%v, %v", r, err)
	}
	first, err := r.First()
	if err != nil || first.ID != "new" || string(first.Key()) != strings.Repeat("n", 32) {
		t.Errorf("first is %s, %v", first.ID, err)
	}
	old, err := r.Find("old_-9")
	if err != nil || string(old.Key()) != strings.Repeat("o", 32) {
		t.Errorf("found %s, %v", old.ID, err)
	}
	if all := r.All(); len(all) != 2 || all[1].ID != "old_-9" {
		t.Errorf("all: %v", all)
	}
	for _, id := range []string{"", "NEW", "x"} {
		if _, err := r.Find(id); !errors.Is(err, keyring.ErrUnknown) {
			t.Errorf("Find(%q): %v", id, err)
		}
	}
	if _, err := (keyring.Ring[[]byte]{}).First(); !errors.Is(err, keyring.ErrUnknown) {
		t.Errorf("First of an empty ring: %v", err)
	}
}

func TestMalformedRings(t *testing.T) {
	t.Parallel()
	good := "a:" + value("a")
	for text, problem := range map[string]string{
		"":                  "entry 1: not of the form",
		"a":                 "entry 1: not of the form",
		good + ",":          "entry 2: not of the form",
		":" + value("a"):    "its id",
		"a b:" + value("a"): "its id",
		strings.Repeat("a", 33) + ":" + value("a"):        "its id",
		"é:" + value("a"):                                 "its id",
		good + "," + good:                                 "entry 2: an earlier entry",
		"a:" + value("a")[:43]:                            "its value",
		"a:" + value("a")[:42] + "\n==":                   "its value",
		"a:" + value("a") + "A":                           "its value",
		"a:" + strings.Replace(value("a"), "E=", "F=", 1): "its value",
		"a:AAAA": "its value",
	} {
		r, err := parse(text)
		if !errors.Is(err, keyring.ErrMalformed) || r.Len() != 0 || err != nil && !strings.Contains(err.Error(), problem) {
			t.Errorf("%q: %v", text, err)
		}
		if err != nil && strings.Contains(err.Error(), "YWFh") {
			t.Errorf("the error quotes the key: %v", err)
		}
	}
}

func TestRingsPrintIDsAlone(t *testing.T) {
	t.Parallel()
	r, err := parse("a:" + value("k") + ",b:" + value("l"))
	if err != nil {
		t.Fatal(err)
	}
	asJSON, err := json.Marshal(map[string]any{"ring": r})
	if err != nil || string(asJSON) != `{"ring":"keys[a b]"}` {
		t.Errorf("%s, %v", asJSON, err)
	}
	type inside struct {
		ring  keyring.Ring[[]byte]
		entry keyring.Entry[[]byte]
	}
	first, _ := r.First()
	var out strings.Builder
	for _, verb := range "vdxXsq" {
		for _, v := range []any{r, &r, first, r.All(), inside{r, first}, &inside{r, first}} {
			fmt.Fprintf(&out, "%"+string(verb)+" %+"+string(verb)+" %#"+string(verb), v, v, v)
		}
	}
	for _, form := range []string{"kkk", "6b6b", "6B6B", "107 107", "0x6b, 0x6b", value("k")[:8]} {
		if strings.Contains(out.String(), form) {
			t.Errorf("printed %q", form)
		}
	}
	if got := fmt.Sprintf("%v %d", r, r); got != "keys[a b] keys[a b]" {
		t.Errorf("printed %s", got)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("a:" + value("a"))
	f.Add("a:" + value("a") + ",b:" + value("b"))
	f.Fuzz(func(t *testing.T, text string) {
		r, err := parse(text)
		if err != nil {
			if !errors.Is(err, keyring.ErrMalformed) || r.Len() != 0 {
				t.Errorf("%v with %d keys", err, r.Len())
			}
			return
		}
		var again []string
		for _, e := range r.All() {
			again = append(again, e.ID+":"+base64.StdEncoding.EncodeToString(e.Key()))
		}
		if strings.Join(again, ",") != strings.TrimSpace(text) {
			t.Errorf("%q was read as %q", text, again)
		}
	})
}
