package trail

import (
	"errors"
	"fmt"
	"math/bits"
	"slices"

	"golang.org/x/mod/sumdb/tlog"
)

// ErrHashMissing is returned where a hash of the tree is needed and is not there.
var ErrHashMissing = errors.New("trail: a hash of the tree is missing")

// Hash is a hash of a tree: of a leaf, of a subtree, or of the whole.
type Hash = tlog.Hash

// Rows are the hashes of a tree as they are kept: by the index of the event that added them, that
// of its leaf and those of the subtrees that it completes, from the lowest up. It implements
// [tlog.HashReader] for the hashes that are there.
type Rows map[int64][]byte

// Row returns the index of the event that added a hash, which has tlog's index of stored hashes,
// and where among the hashes of that event it is.
func locate(stored int64) (row int64, at int) {
	level, n := tlog.SplitStoredHashIndex(stored)
	return (n+1)<<level - 1, level * tlog.HashSize
}

// ReadHashes implements [tlog.HashReader]. What is not there is [ErrHashMissing].
func (r Rows) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(indexes))
	for n, index := range indexes {
		row, at := locate(index)
		kept := r[row]
		if len(kept) < at+tlog.HashSize {
			return nil, fmt.Errorf("%w: of event %d", ErrHashMissing, row)
		}
		hashes[n] = tlog.Hash(kept[at : at+tlog.HashSize])
	}
	return hashes, nil
}

// Leaf returns the hash of the leaf of an event.
func (r Rows) Leaf(index int64) (Hash, error) {
	kept := r[index]
	if len(kept) < tlog.HashSize {
		return Hash{}, fmt.Errorf("%w: of event %d", ErrHashMissing, index)
	}
	return Hash(kept[:tlog.HashSize]), nil
}

// needs takes down which hashes are read.
type needs struct{ rows []int64 }

// errNeeded ends a computation that only says what it reads.
var errNeeded = errors.New("trail: needed")

// ReadHashes implements [tlog.HashReader].
func (n *needs) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	for _, index := range indexes {
		row, _ := locate(index)
		n.rows = append(n.rows, row)
	}
	return nil, errNeeded
}

// neededBy returns the rows that a computation reads, in order and each once.
func neededBy(compute func(tlog.HashReader) error) []int64 {
	var n needs
	_ = compute(&n) // errNeeded, or an error that the computation itself will return
	slices.Sort(n.rows)
	return slices.Compact(n.rows)
}

// Edge returns the rows that the head of a tree of that size depends on, and that a tree which
// grows from there reads: at most one for each bit of the size.
func Edge(size int64) []int64 {
	rows := make([]int64, 0, bits.OnesCount64(uint64(size))) //nolint:gosec // not negative
	for level := 62; level >= 0; level-- {
		if size>>level&1 == 1 {
			rows = append(rows, size>>level<<level-1)
		}
	}
	slices.Sort(rows)
	return rows
}

// Root returns the root of a tree of that size, from the rows of its [Edge].
func Root(size int64, rows Rows) (tlog.Hash, error) { return tlog.TreeHash(size, rows) }

// Grow adds leaves to a tree of that size. rows has the rows of its [Edge], and those that are
// added afterwards. It returns the new root.
func Grow(size int64, rows Rows, leaves [][]byte) (tlog.Hash, error) {
	for n, leaf := range leaves {
		hashes, err := tlog.StoredHashesForRecordHash(size+int64(n), tlog.RecordHash(leaf), rows)
		if err != nil {
			return tlog.Hash{}, fmt.Errorf("trail: grow: %w", err)
		}
		row := make([]byte, 0, len(hashes)*tlog.HashSize)
		for _, h := range hashes {
			row = append(row, h[:]...)
		}
		rows[size+int64(n)] = row
	}
	return Root(size+int64(len(leaves)), rows)
}

// LeafHash returns the hash of a leaf.
func LeafHash(leaf []byte) tlog.Hash { return tlog.RecordHash(leaf) }

// InclusionNeeds returns the rows that [Inclusion] reads.
func InclusionNeeds(size, index int64) []int64 {
	return neededBy(func(r tlog.HashReader) error { _, err := tlog.ProveRecord(size, index, r); return err })
}

// Inclusion proves that the event with that index is in the tree of that size (RFC 6962, 2.1.1).
func Inclusion(size, index int64, rows Rows) ([]tlog.Hash, error) {
	return tlog.ProveRecord(size, index, rows)
}

// ConsistencyNeeds returns the rows that [Consistency] reads.
func ConsistencyNeeds(from, to int64) []int64 {
	return neededBy(func(r tlog.HashReader) error { _, err := tlog.ProveTree(to, from, r); return err })
}

// Consistency proves that the tree of the size to begins with that of the size from, which is at
// least 1 (RFC 6962, 2.1.2).
func Consistency(from, to int64, rows Rows) ([]tlog.Hash, error) {
	return tlog.ProveTree(to, from, rows)
}

// CheckInclusion says whether a proof of [Inclusion] holds for a head.
func CheckInclusion(proof []tlog.Hash, h Head, index int64, leaf tlog.Hash) error {
	return tlog.CheckRecord(proof, h.Size, h.Root, index, leaf)
}

// CheckConsistency says whether a proof of [Consistency] holds for two heads.
func CheckConsistency(proof []tlog.Hash, older, newer Head) error {
	if older.Size == newer.Size && older.Root != newer.Root {
		return errors.New("trail: two heads of one size differ")
	}
	return tlog.CheckTree(proof, newer.Size, newer.Root, older.Size, older.Root)
}
