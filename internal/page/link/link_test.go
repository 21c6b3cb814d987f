package link_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/page/link"
)

func seed(counting bool) []byte {
	out := bytes.Repeat([]byte{0xff}, 32)
	if counting {
		for i := range out {
			out[i] = byte(i)
		}
	}
	return out
}

func ring(t *testing.T, seeds ...[]byte) link.Ring {
	t.Helper()
	r, err := link.NewRing(seeds...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// The vectors were computed with another implementation of HKDF and HMAC (Python's standard library).
func TestTokensAreThoseOfTheVectors(t *testing.T) {
	t.Parallel()
	counting, ones := ring(t, seed(true)), ring(t, seed(false))
	for _, v := range []struct {
		ring    link.Ring
		purpose link.Purpose
		id      string
		token   string
	}{
		{counting, link.Confirm, "0190a5c8-7b3e-7c4d-9f00-112233445566", "AZClyHs-fE2fABEiM0RVZoqokZgqihc3YDxMR7KIrUo"},
		{counting, link.Confirm, "ffffffff-ffff-ffff-ffff-ffffffffffff", "_____________________7ztz2AQ-aRkXhYXyRBrUck"},
		{counting, link.SetPIN, "0190a5c8-7b3e-7c4d-9f00-112233445566", "AZClyHs-fE2fABEiM0RVZuMle-PBozX0STXnJcnenxY"},
		{counting, link.SetPIN, "00000000-0000-0000-0000-000000000000", "AAAAAAAAAAAAAAAAAAAAAB5MHzw0qdbi542Z7oo84wk"},
		{ones, link.Confirm, "0190a5c8-7b3e-7c4d-9f00-112233445566", "AZClyHs-fE2fABEiM0RVZgkxgp2aJG1VG4-LSximn-E"},
		{ones, link.SetPIN, "ffffffff-ffff-ffff-ffff-ffffffffffff", "_____________________xEzFLkNIPC_qlOd3hyvlBE"},
	} {
		id := uuid.MustParse(v.id)
		if got := v.ring.Token(v.purpose, id); got != v.token {
			t.Errorf("Token(%s, %s) = %s, want %s", v.purpose, v.id, got, v.token)
		}
		if got, ok := v.ring.Verify(v.purpose, v.token); !ok || got != id {
			t.Errorf("Verify(%s, %s) = %s, %t", v.purpose, v.token, got, ok)
		}
	}
}

func TestARotationKeepsLinksAlive(t *testing.T) {
	t.Parallel()
	id := uuid.New()
	before, after := ring(t, seed(true)), ring(t, seed(false), seed(true))
	if got, ok := after.Verify(link.Confirm, before.Token(link.Confirm, id)); !ok || got != id {
		t.Error("the token of a key that moved back does not verify")
	}
	if _, ok := before.Verify(link.Confirm, after.Token(link.Confirm, id)); ok {
		t.Error("the first key of the ring did not make the token")
	}
}

func TestOnlyOneSpellingOfATokenVerifies(t *testing.T) {
	t.Parallel()
	r := ring(t, seed(true))
	token := r.Token(link.Confirm, uuid.MustParse("0190a5c8-7b3e-7c4d-9f00-112233445566"))
	other := func(last string) string { return token[:len(token)-1] + last }
	bad := []string{
		"", token[:42], token + "=", token + "A", " " + token, token + "\n", token[:20] + "\n" + token[20:],
		token[:42] + "\n", strings.Replace(token, "-", "+", 1),
		// The last character carries two bits that must be zero.
		other("p"), other("q"), other("r"),
	}
	for i := range token {
		flipped := []byte(token)
		flipped[i] ^= 1
		bad = append(bad, string(flipped))
	}
	for _, b := range bad {
		if _, ok := r.Verify(link.Confirm, b); ok {
			t.Errorf("%q verifies", b)
		}
	}
	if _, ok := r.Verify(link.SetPIN, token); ok {
		t.Error("a token verifies for another purpose")
	}
	if _, ok := (link.Ring{}).Verify(link.Confirm, token); ok {
		t.Error("a ring without keys verifies a token")
	}
}

func TestARingIsOfSeeds(t *testing.T) {
	t.Parallel()
	for _, seeds := range [][][]byte{nil, {{}}, {seed(true), seed(true)[:31]}, {append(seed(true), 0)}} {
		if _, err := link.NewRing(seeds...); err == nil {
			t.Errorf("NewRing of %d seeds gave no error", len(seeds))
		}
	}
}

func TestARingPrintsNothing(t *testing.T) {
	t.Parallel()
	r := ring(t, seed(false))
	if out := fmt.Sprintf("%v %+v %#v %s", r, r, r, r); strings.ReplaceAll(out, "[redacted]", "") != "   " {
		t.Error("the ring prints", out)
	}
}

func TestURLKeepsAPrefix(t *testing.T) {
	t.Parallel()
	r, id := ring(t, seed(true)), uuid.New()
	want := "https://pin.example/a/b/set-pin/" + r.Token(link.SetPIN, id)
	for _, public := range []string{"https://pin.example/a/b", "https://pin.example/a/b/"} {
		if got := r.URL(public, link.SetPIN, id); got != want {
			t.Errorf("URL = %s, want %s", got, want)
		}
	}
}

func FuzzVerify(f *testing.F) {
	r, err := link.NewRing(seed(true))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(r.Token(link.Confirm, uuid.Nil))
	f.Add("")
	f.Fuzz(func(t *testing.T, token string) {
		id, ok := r.Verify(link.Confirm, token)
		if ok && r.Token(link.Confirm, id) != token {
			t.Errorf("%q verifies and is not the token of %s", token, id)
		}
		if decoded, err := base64.RawURLEncoding.DecodeString(token); ok && (err != nil || len(decoded) != 32) {
			t.Errorf("%q verifies", token)
		}
	})
}
