package trail_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/hydracore/hydrapin/internal/trail"
)

// exported is an export of a tree of that many events, as lines.
func exported(t *testing.T, size int64) (lines []string, head string, keys []trail.PublicKey) {
	t.Helper()
	rows, h := grown(t, size, size)
	signers := ring(t, "k")
	head, err := signers.Sign(h)
	must(t, err)
	var out bytes.Buffer
	e := trail.NewExporter(&out, size)
	must(t, e.Begin(head))
	for n := range size {
		hash := trail.LeafHash(leaf(n))
		must(t, e.Event(trail.ExportedEvent{Index: n, Leaf: leaf(n), LeafHash: hash[:]}))
		if e.EndsBlock(n) {
			proof, err := trail.BlockProof(n/trail.BlockSize, size, rows)
			must(t, err)
			must(t, e.Block(n/trail.BlockSize, proof))
		}
	}
	lines = strings.SplitAfter(out.String(), "\n")
	return lines[:len(lines)-1], head, signers.PublicKeys()
}

func TestAnIntactExportVerifies(t *testing.T) {
	t.Parallel()
	for _, size := range []int64{1, 2, 3, 255, 256, 257, 512, 600, 1023} {
		lines, _, keys := exported(t, size)
		for kept := int64(1); kept <= size; kept += max(1, size/7) {
			_, older := grown(t, kept, kept)
			head, err := ring(t, "k").Sign(older)
			must(t, err)
			var progress int64
			done, err := trail.Verify(strings.NewReader(strings.Join(lines, "")), trail.Verification{
				Keys: keys, Kept: head, Progress: func(checked, of int64) {
					if of != size {
						t.Errorf("progress of %d", of)
					}
					progress = checked
				},
			})
			must(t, err)
			if done.Head.Size != size || done.Kept.Size != kept || progress != size {
				t.Errorf("%d events, kept %d: %+v", size, kept, done)
			}
		}
	}
}

// line of an event: the first line is the head, and after each 256 events there is one more.
func at(event int64) int { return int(1 + event + event/trail.BlockSize) }

// rewrite changes fields of a line.
func rewrite(t *testing.T, line string, fields map[string]any) string {
	t.Helper()
	var l map[string]any
	must(t, json.Unmarshal([]byte(line), &l))
	for name, value := range fields {
		l[name] = value
	}
	text, err := json.Marshal(l)
	must(t, err)
	return string(text) + "\n"
}

// TestWhatWasDoneToAnExportIsNamed says that the first event, or block, that is not as it was is
// named, whatever was done to it.
func TestWhatWasDoneToAnExportIsNamed(t *testing.T) {
	t.Parallel()
	const size = 700
	other := []byte(`{"id":"other"}`)
	otherHash := trail.LeafHash(other)
	for name, test := range map[string]struct {
		event int64
		what  string
		spoil func(lines []string, n int64) []string
	}{
		"changed": {300, "event 300: the event was changed", func(lines []string, n int64) []string {
			lines[at(n)] = rewrite(t, lines[at(n)], map[string]any{"leaf": other})
			return lines
		}},
		"changed with its hash": {300, "block 1, events 256 to 511: their hashes were altered", func(lines []string, n int64) []string {
			lines[at(n)] = rewrite(t, lines[at(n)], map[string]any{"leaf": other, "leaf_hash": otherHash[:]})
			return lines
		}},
		"hash changed": {600, "event 600: the event was changed", func(lines []string, n int64) []string {
			lines[at(n)] = rewrite(t, lines[at(n)], map[string]any{"leaf_hash": otherHash[:]})
			return lines
		}},
		"hash removed": {600, "block 2, events 512 to 699: their hashes were altered", func(lines []string, n int64) []string {
			lines[at(n)] = rewrite(t, lines[at(n)], map[string]any{"leaf_hash": nil})
			return lines
		}},
		"removed": {300, "event 300: the event was removed", func(lines []string, n int64) []string {
			return append(lines[:at(n)], lines[at(n)+1:]...)
		}},
		"emptied": {300, "event 300: the event was removed", func(lines []string, n int64) []string {
			lines[at(n)] = rewrite(t, lines[at(n)], map[string]any{"leaf": nil})
			return lines
		}},
		"last of a block removed": {511, "event 511: the event was removed", func(lines []string, n int64) []string {
			return append(lines[:at(n)], lines[at(n)+1:]...)
		}},
		"last removed": {699, "event 699: the event was removed", func(lines []string, n int64) []string {
			return append(lines[:at(n)], lines[at(n)+1:]...)
		}},
		"added": {300, "event 300: the event is there again after event 300: it was added", func(lines []string, n int64) []string {
			return append(lines[:at(n)+1], append([]string{lines[at(n)]}, lines[at(n)+1:]...)...)
		}},
		"added at the end": {699, "event 700: there is more than the signed head covers", func(lines []string, n int64) []string {
			return append(lines, rewrite(t, lines[at(n)], map[string]any{"index": n + 1}))
		}},
		"added at the end of a block": {255, "event 256: events were added", func(lines []string, n int64) []string {
			return append(lines[:at(n)+1], append([]string{rewrite(t, lines[at(n)], map[string]any{"index": n + 1})}, lines[at(n)+1:]...)...)
		}},
		"swapped": {300, "event 300: the event was swapped with event 301", func(lines []string, n int64) []string {
			lines[at(n)], lines[at(n)+1] = lines[at(n)+1], lines[at(n)]
			return lines
		}},
		"swapped and renumbered": {300, "block 1", func(lines []string, n int64) []string {
			a, b := lines[at(n)], lines[at(n)+1]
			lines[at(n)] = rewrite(t, b, map[string]any{"index": n})
			lines[at(n)+1] = rewrite(t, a, map[string]any{"index": n + 1})
			return lines
		}},
		"cut": {400, "event 400: the event was removed", func(lines []string, n int64) []string { return lines[:at(n)] }},
		"a proof changed": {255, "block 0", func(lines []string, n int64) []string {
			lines[at(n)+1] = rewrite(t, lines[at(n)+1], map[string]any{"hashes": []string{otherHash.String()}})
			return lines
		}},
		"garbage": {300, "event 300: the line cannot be read", func(lines []string, n int64) []string {
			lines[at(n)] = "x\n"
			return lines
		}},
	} {
		lines, _, keys := exported(t, size)
		_, err := trail.Verify(strings.NewReader(strings.Join(test.spoil(lines, test.event), "")), trail.Verification{Keys: keys})
		if err == nil || !strings.Contains(err.Error(), test.what) || !trail.IsFinding(err) {
			t.Errorf("%s: %v, want %s", name, err, test.what)
		}
	}
}

// TestAKeptHeadFindsARewrite says what a head that was kept finds, and only that: a cut end, and a
// rewrite by whoever has the key.
func TestAKeptHeadFindsARewrite(t *testing.T) {
	t.Parallel()
	lines, _, keys := exported(t, 300)
	signed := func(size int64, change func(*trail.Head)) string {
		_, h := grown(t, size, size)
		if change != nil {
			change(&h)
		}
		text, err := ring(t, "k").Sign(h)
		must(t, err)
		return text
	}
	for name, test := range map[string]struct{ kept, what string }{
		"a cut end":       {signed(301, nil), "event 300: the end of the trail was cut"},
		"a rewrite":       {signed(200, func(h *trail.Head) { h.Root[0] ^= 1 }), "the first 200 events are not those of the head that was kept"},
		"another tenant":  {signed(200, func(h *trail.Head) { h.Origin = "pin.example/other" }), "is of pin.example/other"},
		"another's key":   {strings.Replace(signed(200, nil), "\n200\n", "\n201\n", 1), "not signed with a given key"},
		"nothing strange": {signed(200, nil), ""},
	} {
		_, err := trail.Verify(strings.NewReader(strings.Join(lines, "")), trail.Verification{Keys: keys, Kept: test.kept})
		if test.what == "" && err != nil || test.what != "" && (err == nil || !strings.Contains(err.Error(), test.what)) {
			t.Errorf("%s: %v, want %q", name, err, test.what)
		}
	}
	if _, err := trail.Verify(strings.NewReader("{}\n"), trail.Verification{Keys: keys}); !errors.Is(err, trail.ErrNotExport) {
		t.Errorf("of another file: %v", err)
	}
}

// TestAnInterruptedExportGoesOn says that, wherever it was cut, what is whole is kept, and what
// follows completes it.
func TestAnInterruptedExportGoesOn(t *testing.T) {
	t.Parallel()
	lines, head, _ := exported(t, 520)
	whole := strings.Join(lines, "")
	cut := 0
	for n := range lines {
		for _, more := range []int{0, 5} {
			end := min(cut+more, len(whole))
			size, got, next, kept, err := trail.Resume(strings.NewReader(whole[:end]))
			must(t, err)
			if n == 0 {
				if size != -1 || kept != 0 {
					t.Fatalf("of nothing: %d, %d", size, kept)
				}
				continue
			}
			if size != 520 || got != head {
				t.Fatalf("after %d lines: size %d", n, size)
			}
			// The lines from that event on are what is left of the file.
			if want := whole[kept:]; !strings.HasPrefix(want, fmt.Sprintf(`{"index":%d,`, next)) && kept != int64(len(whole)) {
				t.Fatalf("after %d lines and %d bytes: event %d follows, and %.30s is left", n, more, next, want)
			}
		}
		cut += len(lines[n])
	}
	if _, _, _, _, err := trail.Resume(strings.NewReader("{}\n")); !errors.Is(err, trail.ErrNotExport) {
		t.Errorf("of another file: %v", err)
	}
}

func TestOneEventIsProved(t *testing.T) {
	t.Parallel()
	rows, h := grown(t, 300, 300)
	head, err := ring(t, "k").Sign(h)
	must(t, err)
	hashes, err := trail.Inclusion(300, 77, rows)
	must(t, err)
	text, err := json.Marshal(trail.NewEventProof(77, leaf(77), 300, hashes, head))
	must(t, err)
	keys := ring(t, "k").PublicKeys()
	proof, err := trail.ParseEventProof(text)
	must(t, err)
	if _, err := proof.Check(keys); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), string(leaf(78))) {
		t.Error("it shows another event")
	}
	for name, spoil := range map[string]func(*trail.EventProof){
		"another event": func(p *trail.EventProof) { p.Leaf = leaf(78) },
		"with its hash": func(p *trail.EventProof) { p.Leaf, p.LeafHash = leaf(78), trail.LeafHash(leaf(78)) },
		"another index": func(p *trail.EventProof) { p.Index = 78 },
		"another size":  func(p *trail.EventProof) { p.Size = 299 },
		"a shorter one": func(p *trail.EventProof) { p.Hashes = p.Hashes[1:] },
		"no head":       func(p *trail.EventProof) { p.Head = "" },
	} {
		bad, err := trail.ParseEventProof(text)
		must(t, err)
		spoil(&bad)
		if _, err := bad.Check(keys); err == nil {
			t.Errorf("%s is proved", name)
		}
	}
	if _, err := trail.ParseEventProof([]byte("{}")); !errors.Is(err, trail.ErrNotExport) {
		t.Errorf("of another file: %v", err)
	}
}
