package trail

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/hydracore/hydrapin/internal/audit"
)

// Finding says what is wrong with an export, and where.
type Finding struct { //nolint:errname // what an auditor found, not a failure to look
	// Index is the first event that it is about; -1 where it is about the whole.
	Index int64
	What  string
}

// Error implements error.
func (f *Finding) Error() string {
	if f.Index < 0 {
		return f.What
	}
	return fmt.Sprintf("event %d: %s", f.Index, f.What)
}

// Verification is what [Verify] needs beside the export.
type Verification struct {
	// Keys are the log's public keys, from somewhere else than the export.
	Keys []PublicKey
	// Kept is a head that was kept earlier; empty for none.
	Kept string
	// Progress is called now and then with how many events were checked; it may be nil.
	Progress func(checked, size int64)
}

// Verified is what an export was found to be.
type Verified struct {
	Head Head
	// Removed is how many events were removed after their retention, as the trail itself says.
	Removed int64
	// Kept is the head that was kept earlier; the zero Head for none.
	Kept Head
}

// Verify checks an export against its signed head, and against one that was kept earlier. What is
// wrong is a [*Finding]: the first event that was changed, removed, added or swapped, or, where
// hashes were altered too, the first block.
func Verify(r io.Reader, with Verification) (Verified, error) {
	v := &verifying{with: with, in: bufio.NewScanner(r), rows: Rows{}}
	v.in.Buffer(make([]byte, 64<<10), maxLine)
	if err := v.begin(); err != nil {
		return Verified{}, err
	}
	for v.next < v.done.Head.Size {
		if err := v.block(); err != nil {
			return Verified{}, err
		}
	}
	if _, more, err := v.line(); err != nil || more {
		return Verified{}, cmpErr(err, &Finding{Index: v.next, What: "there is more than the signed head covers: an event was added"})
	}
	return v.done, v.end()
}

func cmpErr(err error, finding *Finding) error {
	if err != nil {
		return err
	}
	return finding
}

type verifying struct {
	with Verification
	in   *bufio.Scanner
	done Verified
	// next is the index of the event that comes next.
	next int64
	// rows are the hashes of the tree so far, as far as they are still needed.
	rows Rows
	// missing are the events that are not there, as ranges; pruned those that the trail says were
	// removed.
	missing, pruned []span
	// rewritten says that the tree was not that of the head that was kept.
	rewritten bool
}

// span is the events from one index up to another, which is not among them.
type span struct{ from, to int64 }

func (v *verifying) line() (line, bool, error) {
	if !v.in.Scan() {
		if err := v.in.Err(); err != nil {
			return line{}, false, fmt.Errorf("trail: read the export: %w", err)
		}
		return line{}, false, nil
	}
	var l line
	if err := json.Unmarshal(v.in.Bytes(), &l); err != nil {
		return line{}, false, &Finding{Index: v.next, What: "the line cannot be read"}
	}
	return l, true, nil
}

// begin reads the first line and checks both heads.
func (v *verifying) begin() error {
	first, ok, err := v.line()
	if err != nil || !ok || first.Format != exportFormat || first.Size == nil {
		return ErrNotExport
	}
	if v.done.Head, err = Open(first.Head, v.with.Keys); err != nil {
		return &Finding{Index: -1, What: "the head of the export is not signed with a given key"}
	}
	if v.done.Head.Size != *first.Size {
		return &Finding{Index: -1, What: fmt.Sprintf("the export says that it has %d events, and its signed head covers %d", *first.Size, v.done.Head.Size)}
	}
	if v.with.Kept == "" {
		return nil
	}
	if v.done.Kept, err = Open(v.with.Kept, v.with.Keys); err != nil {
		return &Finding{Index: -1, What: "the head that was kept is not signed with a given key"}
	}
	switch kept := v.done.Kept; {
	case kept.Origin != v.done.Head.Origin:
		return &Finding{Index: -1, What: fmt.Sprintf("the head that was kept is of %s, and the export of %s", kept.Origin, v.done.Head.Origin)}
	case kept.Size > v.done.Head.Size:
		return &Finding{Index: v.done.Head.Size, What: fmt.Sprintf("the end of the trail was cut: the head that was kept covers %d events, and the export has %d", kept.Size, v.done.Head.Size)}
	}
	return nil
}

// block reads and checks the events of a block, and its proof.
func (v *verifying) block() error {
	number := v.next / BlockSize
	first, end := v.next, min(v.next+BlockSize, v.done.Head.Size)
	var hashes []Hash
	// The hash of a leaf may be altered with the leaf; then only the block's proof shows it.
	altered := false
	for v.next < end {
		l, ok, err := v.line()
		if err != nil {
			return err
		}
		if !ok || l.Index == nil {
			return &Finding{Index: v.next, What: "the event was removed"}
		}
		if *l.Index != v.next {
			return v.misplaced(*l.Index)
		}
		if len(l.LeafHash) != tlog.HashSize {
			altered = true
			l.LeafHash = make([]byte, tlog.HashSize)
		}
		hash := Hash(l.LeafHash)
		switch {
		case l.Leaf == nil:
			v.miss(v.next)
		case LeafHash(*l.Leaf) != hash && !altered:
			return &Finding{Index: v.next, What: "the event was changed"}
		default:
			v.note(*l.Leaf)
		}
		hashes = append(hashes, hash)
		v.next++
		if err := v.add(hash); err != nil {
			return err
		}
	}
	proof, ok, err := v.line()
	if err != nil {
		return err
	}
	if !ok || proof.Block == nil || *proof.Block != number {
		return &Finding{Index: end, What: "events were added, or the proof of their block was removed"}
	}
	if altered || !v.proves(proof, number, hashes) {
		return &Finding{Index: first, What: fmt.Sprintf("block %d, events %d to %d: their hashes were altered", number, first, end-1)}
	}
	if v.rewritten {
		return &Finding{Index: -1, What: fmt.Sprintf("the first %d events are not those of the head that was kept: the trail was rewritten", v.done.Kept.Size)}
	}
	if v.with.Progress != nil {
		v.with.Progress(v.next, v.done.Head.Size)
	}
	return nil
}

// misplaced says what it means that another event is where the next should be.
func (v *verifying) misplaced(index int64) error {
	if index < v.next {
		return &Finding{Index: index, What: fmt.Sprintf("the event is there again after event %d: it was added", v.next-1)}
	}
	if l, ok, err := v.line(); err == nil && ok && l.Index != nil && *l.Index == v.next {
		return &Finding{Index: v.next, What: fmt.Sprintf("the event was swapped with event %d", index)}
	}
	return &Finding{Index: v.next, What: "the event was removed"}
}

func (v *verifying) miss(index int64) {
	if n := len(v.missing); n > 0 && v.missing[n-1].to == index {
		v.missing[n-1].to++
		return
	}
	v.missing = append(v.missing, span{index, index + 1})
}

// note remembers an event that says that others were removed.
func (v *verifying) note(leaf []byte) {
	if !bytes.Contains(leaf, []byte(audit.TypeAuditPruned)) {
		return
	}
	entry, err := audit.Stored{Leaf: leaf}.Entry()
	var pruned audit.AuditPruned
	if err == nil && entry.Type == audit.TypeAuditPruned && json.Unmarshal(entry.Details, &pruned) == nil {
		v.pruned = append(v.pruned, span{pruned.From, pruned.To})
	}
}

// proves says whether the proof of a block leads from its hashes to the signed head.
func (v *verifying) proves(proof line, number int64, hashes []Hash) bool {
	if proof.Hashes == nil {
		return false
	}
	rows := Rows{}
	for n, h := range hashes {
		if addHash(rows, int64(n), h) != nil {
			return false
		}
	}
	path, err := Inclusion(int64(len(hashes)), 0, rows)
	if err != nil {
		return false
	}
	for _, h := range *proof.Hashes {
		if h == nil {
			return false
		}
		path = append(path, *h)
	}
	return tlog.CheckRecord(path, v.done.Head.Size, v.done.Head.Root, number*BlockSize, hashes[0]) == nil
}

// addHash adds the hash of a leaf to the rows of a tree.
func addHash(rows Rows, index int64, h Hash) error {
	hashes, err := tlog.StoredHashesForRecordHash(index, h, rows)
	if err != nil {
		return err
	}
	row := make([]byte, 0, len(hashes)*tlog.HashSize)
	for _, h := range hashes {
		row = append(row, h[:]...)
	}
	rows[index] = row
	return nil
}

// add adds the hash of the event before next to the tree, and compares the tree with the head that
// was kept.
func (v *verifying) add(h Hash) error {
	if err := addHash(v.rows, v.next-1, h); err != nil {
		return fmt.Errorf("trail: %w", err)
	}
	if v.next == v.done.Kept.Size {
		root, err := Root(v.next, v.rows)
		if err != nil || root != v.done.Kept.Root {
			v.rewritten = true
		}
	}
	if v.next%BlockSize == 0 {
		// What the tree's edge does not need is over.
		edge := Rows{}
		for _, row := range Edge(v.next) {
			edge[row] = v.rows[row]
		}
		v.rows = edge
	}
	return nil
}

// end checks the whole.
func (v *verifying) end() error {
	root, err := Root(v.next, v.rows)
	if err != nil || root != v.done.Head.Root {
		return &Finding{Index: -1, What: "the events do not give the root of the signed head"}
	}
	for _, m := range v.missing {
		for index := m.from; index < m.to; {
			covered := index
			for _, p := range v.pruned {
				if p.from <= index && index < p.to {
					covered = max(covered, min(p.to, m.to))
				}
			}
			if covered == index {
				return &Finding{Index: index, What: "the event was removed"}
			}
			v.done.Removed += covered - index
			index = covered
		}
	}
	return nil
}

// IsFinding says whether an error is about what was checked, rather than about reading it.
func IsFinding(err error) bool {
	var f *Finding
	return errors.As(err, &f) || errors.Is(err, ErrHead)
}
