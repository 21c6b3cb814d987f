package trail

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/bits"

	"golang.org/x/mod/sumdb/tlog"
)

// The formats of the files that are made of a trail.
const (
	exportFormat = "hydrapin-audit-export/1"
	proofFormat  = "hydrapin-audit-proof/1"
)

// BlockSize is how many events of an export have a proof together.
const BlockSize = 256

// maxLine bounds a line of an export; a leaf is a few kilobytes.
const maxLine = 1 << 20

// line is any line of an export. The first has the format, the size and the head; each event has
// its index, its leaf in base64 (null when it was removed) and the hash of its leaf; after each
// [BlockSize] events, and after the last, there is the proof of their subtree.
type line struct {
	Format   string   `json:"format,omitempty"`
	Size     *int64   `json:"size,omitempty"`
	Head     string   `json:"head,omitempty"`
	Index    *int64   `json:"index,omitempty"`
	Leaf     *[]byte  `json:"leaf,omitempty"`
	LeafHash []byte   `json:"leaf_hash,omitempty"`
	Block    *int64   `json:"block,omitempty"`
	Hashes   *[]*Hash `json:"hashes,omitempty"`
}

// ExportedEvent is an event of an export. Its Leaf is nil when the event is not there, its
// LeafHash nil when its hash is not.
type ExportedEvent struct {
	Index    int64
	Leaf     []byte
	LeafHash []byte
}

// Exporter writes an export.
type Exporter struct {
	w    io.Writer
	size int64
}

// NewExporter returns an Exporter of the first size events.
func NewExporter(w io.Writer, size int64) *Exporter { return &Exporter{w: w, size: size} }

// Begin writes the first line.
func (e *Exporter) Begin(head string) error {
	return e.write(line{Format: exportFormat, Size: &e.size, Head: head})
}

// Event writes an event.
func (e *Exporter) Event(x ExportedEvent) error {
	return e.write(struct {
		Index    int64  `json:"index"`
		Leaf     []byte `json:"leaf"`
		LeafHash []byte `json:"leaf_hash"`
	}{x.Index, x.Leaf, x.LeafHash})
}

// EndsBlock says whether the event with that index is the last of its block.
func (e *Exporter) EndsBlock(index int64) bool { return (index+1)%BlockSize == 0 || index == e.size-1 }

// Block writes the proof of a block: nil where a hash of it is missing.
func (e *Exporter) Block(block int64, proof []Hash) error {
	return e.write(struct {
		Block  int64  `json:"block"`
		Hashes []Hash `json:"hashes"`
	}{block, proof})
}

func (e *Exporter) write(v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("trail: %w", err)
	}
	_, err = e.w.Write(append(text, '\n'))
	return err
}

// within is how many hashes of the proof of a block's first event are within the block.
func within(block, size int64) int {
	events := min(BlockSize, size-block*BlockSize)
	return bits.Len64(uint64(events - 1)) //nolint:gosec // at least 0
}

// BlockNeeds returns the rows that [BlockProof] reads.
func BlockNeeds(block, size int64) []int64 { return InclusionNeeds(size, block*BlockSize) }

// BlockProof proves the subtree of a block of events in the tree of that size: it is the end of
// the proof of the block's first event.
func BlockProof(block, size int64, rows Rows) ([]Hash, error) {
	proof, err := Inclusion(size, block*BlockSize, rows)
	if err != nil {
		return nil, err
	}
	return append([]Hash{}, proof[within(block, size):]...), nil
}

// Resume reads what there is of an export that was interrupted, and returns its size, its head,
// the index to go on with, and how many bytes of it are whole lines. Where nothing is whole, the
// size is -1.
func Resume(r io.Reader) (size int64, head string, next, whole int64, err error) {
	size = -1
	in := bufio.NewReader(r)
	last, pending := int64(0), int64(0) // an event whose block has no proof yet
	for {
		text, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return size, head, next, whole, nil
		}
		if err != nil {
			return -1, "", 0, 0, err
		}
		var l line
		if cut := json.Unmarshal(text, &l); cut != nil {
			return size, head, next, whole, nil //nolint:nilerr // the line was cut: what is whole ends before it
		}
		switch {
		case size < 0:
			if l.Format != exportFormat || l.Size == nil {
				return -1, "", 0, 0, ErrNotExport
			}
			size, head, whole = *l.Size, l.Head, int64(len(text))
		case l.Index != nil && NewExporter(nil, size).EndsBlock(*l.Index):
			last, pending = *l.Index+1, int64(len(text))
		case l.Index != nil:
			next, whole = *l.Index+1, whole+int64(len(text))
		case l.Block != nil && pending > 0:
			next, whole, pending = last, whole+pending+int64(len(text)), 0
		default:
			return -1, "", 0, 0, ErrNotExport
		}
	}
}

// ErrNotExport is returned for a file that is none of this package.
var ErrNotExport = errors.New("trail: not an export of an audit trail")

// EventProof proves one event to whoever has the log's public key.
type EventProof struct {
	Format   string `json:"format"`
	Index    int64  `json:"index"`
	Leaf     []byte `json:"leaf"`
	LeafHash Hash   `json:"leaf_hash"`
	Size     int64  `json:"size"`
	Hashes   []Hash `json:"hashes"`
	Head     string `json:"head"`
}

// NewEventProof returns the proof of an event in the tree of a signed head.
func NewEventProof(index int64, leaf []byte, size int64, hashes []Hash, head string) EventProof {
	return EventProof{
		Format: proofFormat, Index: index, Leaf: leaf, LeafHash: LeafHash(leaf), Size: size,
		Hashes: append([]Hash{}, hashes...), Head: head,
	}
}

// Check says whether the proof holds, with the log's public keys.
func (p EventProof) Check(keys []PublicKey) (Head, error) {
	head, err := Open(p.Head, keys)
	if err != nil {
		return Head{}, err
	}
	if head.Size != p.Size || LeafHash(p.Leaf) != p.LeafHash {
		return Head{}, &Finding{Index: p.Index, What: "the event is not the one that was proved"}
	}
	if err := tlog.CheckRecord(p.Hashes, head.Size, head.Root, p.Index, p.LeafHash); err != nil {
		return Head{}, &Finding{Index: p.Index, What: "the proof does not lead to the signed head"}
	}
	return head, nil
}

// ParseEventProof reads a proof; for a file that is none it returns [ErrNotExport].
func ParseEventProof(text []byte) (EventProof, error) {
	var p EventProof
	if err := json.NewDecoder(bytes.NewReader(text)).Decode(&p); err != nil || p.Format != proofFormat {
		return EventProof{}, ErrNotExport
	}
	return p, nil
}
