package trail_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"

	"filippo.io/torchwood"
	"github.com/google/uuid"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/hydracore/hydrapin/internal/trail"
)

var tenant = uuid.UUID{7}

func ring(t *testing.T, ids ...string) trail.Ring {
	t.Helper()
	var entries []string
	for _, id := range ids {
		entries = append(entries, id+":"+base64.StdEncoding.EncodeToString(bytes.Repeat([]byte(id[:1]), 32)))
	}
	r, err := trail.ParseRing(strings.Join(entries, ","))
	must(t, err)
	return r
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func leaf(n int64) []byte { return fmt.Appendf(nil, `{"id":"%d"}`, n) }

// grown is a tree of that many leaves, grown in steps.
func grown(t *testing.T, size, step int64) (trail.Rows, trail.Head) {
	t.Helper()
	rows := trail.Rows{}
	for n := int64(0); n < size; n += step {
		var leaves [][]byte
		for i := n; i < min(n+step, size); i++ {
			leaves = append(leaves, leaf(i))
		}
		_, err := trail.Grow(n, rows, leaves)
		must(t, err)
	}
	root, err := trail.Root(size, rows)
	must(t, err)
	return rows, trail.Head{Origin: trail.Origin("pin.example", tenant), Size: size, Root: root}
}

// verifyInclusion is the algorithm of RFC 9162, section 2.1.3.2, which shares nothing with the
// code that makes the proofs.
func verifyInclusion(index, size int64, hash [32]byte, path []trail.Hash, root trail.Hash) bool {
	if index >= size {
		return false
	}
	fn, sn, r := index, size-1, hash
	node := func(a, b [32]byte) [32]byte {
		return sha256.Sum256(append(append([]byte{1}, a[:]...), b[:]...))
	}
	for _, p := range path {
		if sn == 0 {
			return false
		}
		if fn&1 == 1 || fn == sn {
			r = node(p, r)
			for fn&1 == 0 && fn != 0 {
				fn, sn = fn>>1, sn>>1
			}
		} else {
			r = node(r, p)
		}
		fn, sn = fn>>1, sn>>1
	}
	return sn == 0 && r == root
}

// verifyConsistency is RFC 9162, section 2.1.4.2.
func verifyConsistency(from, to int64, older, newer trail.Hash, path []trail.Hash) bool {
	if from == to {
		return len(path) == 0 && older == newer
	}
	if from&(from-1) == 0 {
		path = append([]trail.Hash{older}, path...)
	}
	if len(path) == 0 {
		return false
	}
	node := func(a, b [32]byte) [32]byte {
		return sha256.Sum256(append(append([]byte{1}, a[:]...), b[:]...))
	}
	fn, sn := from-1, to-1
	for fn&1 == 1 {
		fn, sn = fn>>1, sn>>1
	}
	fr, sr := [32]byte(path[0]), [32]byte(path[0])
	for _, c := range path[1:] {
		if sn == 0 {
			return false
		}
		if fn&1 == 1 || fn == sn {
			fr, sr = node(c, fr), node(c, sr)
			for fn&1 == 0 && fn != 0 {
				fn, sn = fn>>1, sn>>1
			}
		} else {
			sr = node(sr, c)
		}
		fn, sn = fn>>1, sn>>1
	}
	return sn == 0 && fr == [32]byte(older) && sr == [32]byte(newer)
}

// TestProofsHoldElsewhere says that every proof of every small tree holds by the algorithms of the
// RFC and by torchwood, reads only the rows that it says it needs, and holds for nothing else.
func TestProofsHoldElsewhere(t *testing.T) {
	t.Parallel()
	const most = 70
	all, _ := grown(t, most, 7)
	only := func(indexes []int64) trail.Rows {
		rows := trail.Rows{}
		for _, index := range indexes {
			rows[index] = all[index]
		}
		return rows
	}
	roots := map[int64]trail.Hash{}
	for size := int64(1); size <= most; size++ {
		root, err := trail.Root(size, only(trail.Edge(size)))
		must(t, err)
		roots[size] = root
		for index := range size {
			proof, err := trail.Inclusion(size, index, only(trail.InclusionNeeds(size, index)))
			must(t, err)
			hash := sha256.Sum256(append([]byte{0}, leaf(index)...))
			if !verifyInclusion(index, size, hash, proof, root) {
				t.Fatalf("event %d of %d is not proved", index, size)
			}
			if err := torchwood.CheckHash(torchwood.HashProof(proof), size, root, tlog.StoredHashIndex(0, index), hash); err != nil {
				t.Fatalf("event %d of %d, by torchwood: %v", index, size, err)
			}
			if verifyInclusion(index, size, sha256.Sum256([]byte("other")), proof, root) {
				t.Fatalf("another event than %d of %d is proved", index, size)
			}
		}
		for from := int64(1); from <= size; from++ {
			proof, err := trail.Consistency(from, size, only(trail.ConsistencyNeeds(from, size)))
			must(t, err)
			if !verifyConsistency(from, size, roots[from], root, proof) {
				t.Fatalf("from %d to %d is not proved", from, size)
			}
			if from < size && verifyConsistency(from, size, roots[from], roots[from], proof) {
				t.Fatalf("from %d to %d is proved for another root", from, size)
			}
		}
	}
}

// TestHeadsAreSignedNotes says that other programs read a head, with each key of the ring.
func TestHeadsAreSignedNotes(t *testing.T) {
	t.Parallel()
	_, head := grown(t, 5, 5)
	keys := ring(t, "new", "old")
	signed, err := keys.Sign(head)
	must(t, err)
	for _, key := range keys.PublicKeys() {
		text, err := trail.VerifierKey(head.Origin, key.Key)
		must(t, err)
		v, err := note.NewVerifier(text)
		must(t, err)
		opened, err := note.Open([]byte(signed), note.VerifierList(v))
		must(t, err)
		checkpoint, err := torchwood.ParseCheckpoint(opened.Text)
		must(t, err)
		if checkpoint.Origin != head.Origin || checkpoint.N != head.Size || checkpoint.Hash != head.Root {
			t.Errorf("torchwood reads %+v", checkpoint)
		}
		got, err := trail.Open(signed, []trail.PublicKey{key})
		must(t, err)
		if got != head || !got.OfTenant(tenant) || got.OfTenant(uuid.UUID{8}) {
			t.Errorf("opened %+v", got)
		}
	}
	for name, text := range map[string]string{
		"another size":   strings.Replace(signed, "\n5\n", "\n6\n", 1),
		"a leading zero": strings.Replace(signed, "\n5\n", "\n05\n", 1),
		"another line":   strings.Replace(signed, "\n\n", "\nmore\n\n", 1),
		"no signature":   strings.SplitAfter(signed, "\n\n")[0],
		"nothing":        "",
	} {
		if _, err := trail.Open(text, keys.PublicKeys()); !errors.Is(err, trail.ErrHead) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := trail.Open(signed, ring(t, "x").PublicKeys()); !errors.Is(err, trail.ErrHead) {
		t.Errorf("with another key: %v", err)
	}
	if _, err := (trail.Ring{}).Sign(head); !errors.Is(err, trail.ErrNoKey) {
		t.Errorf("signed without a key: %v", err)
	}
}

// The derivation is fixed: another one would make every old head unverifiable.
func TestKeysAreDerivedAsEver(t *testing.T) {
	t.Parallel()
	key := ring(t, "k").PublicKeys()[0]
	if got := base64.StdEncoding.EncodeToString(key.Key); key.ID != "k" || got != vector {
		t.Errorf("the key %s is %s", key.ID, got)
	}
}

const vector = "WMGCTznLGzYMjsXRgVzxh/eIWs+VebNVL7or8Fg0ryw="
