package audit

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/pin"
)

// How many events a page of the trail has, unless the request says otherwise, and at most.
const (
	DefaultPage = 100
	MaxPage     = 500
)

// Row is an event of the trail with what it is selected by.
type Row struct {
	Index                  int64
	Time                   time.Time
	Type                   Type
	Actor                  string
	HolderType             pin.HolderType
	Holder                 uuid.UUID
	Instance, Confirmation uuid.UUID
	Leaf                   []byte
}

// Query narrows a reading of the trail. A zero field does not. The nil UUID is an id as any other:
// whoever asks for it must not get everything.
type Query struct {
	Type  Type
	Actor string
	// Holder counts where HolderType is set.
	HolderType             pin.HolderType
	Holder                 uuid.UUID
	Instance, Confirmation *uuid.UUID
	// From and To bound the times of events: From is the earliest, To is past the latest.
	From, To time.Time
}

// Matches says whether an event is one that the query asks for.
func (q Query) Matches(r Row) bool {
	return (q.Type == "" || q.Type == r.Type) &&
		(q.Actor == "" || q.Actor == r.Actor) &&
		(q.HolderType == "" || q.HolderType == r.HolderType && q.Holder == r.Holder) &&
		(q.Instance == nil || *q.Instance == r.Instance) &&
		(q.Confirmation == nil || *q.Confirmation == r.Confirmation) &&
		(q.From.IsZero() || !r.Time.Before(q.From)) &&
		(q.To.IsZero() || r.Time.Before(q.To))
}

// By is the index that a reading goes through.
type By int

// The indexes.
const (
	ByIndex By = iota
	ByType
	ByActor
	ByHolder
	ByInstance
	ByConfirmation
)

// By returns the index that leads to the fewest events: a confirmation has a few, a type many.
func (q Query) By() By {
	switch {
	case q.Confirmation != nil:
		return ByConfirmation
	case q.HolderType != "":
		return ByHolder
	case q.Actor != "":
		return ByActor
	case q.Instance != nil:
		return ByInstance
	case q.Type != "":
		return ByType
	default:
		return ByIndex
	}
}

// Scan is a reading of the trail through one index. Only what that index leads to is looked at;
// the rest of the Query is for [Query.Matches].
type Scan struct {
	Tenant uuid.UUID
	Query  Query
	// Lowest is the first index to read, Before is past the last: of a scan backwards alone.
	Lowest, Before int64
	Back           bool
	Limit          int
}

// GoOn makes the scan go on after a cursor.
func (s *Scan) GoOn(after Cursor) {
	if s.Back {
		s.Before = after.Index
	} else {
		s.Lowest = max(s.Lowest, after.Index+1)
	}
}

// Narrows says whether the query asks for less than the index that it goes through leads to.
func (q Query) Narrows() bool {
	rest := q
	switch q.By() {
	case ByType:
		rest.Type = ""
	case ByActor:
		rest.Actor = ""
	case ByHolder:
		rest.Holder, rest.HolderType = uuid.Nil, ""
	case ByInstance:
		rest.Instance = nil
	case ByConfirmation:
		rest.Confirmation = nil
	case ByIndex:
	}
	return rest != Query{}
}

// Cursor is a place in the trail: the index of the event that was examined last. Reading goes on
// after it in either order.
type Cursor struct{ Index int64 }

// errCursor is returned by [ParseCursor] for what is no cursor.
var errCursor = errors.New("audit: not a cursor")

const cursorVersion = 1

// String returns the cursor, opaque to clients.
func (c Cursor) String() string {
	return base64.RawURLEncoding.EncodeToString(binary.BigEndian.AppendUint64([]byte{cursorVersion}, uint64(c.Index))) //nolint:gosec // not negative
}

// ParseCursor reads a cursor.
func ParseCursor(s string) (Cursor, error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || len(raw) != 9 || raw[0] != cursorVersion || raw[1]&0x80 != 0 {
		return Cursor{}, errCursor
	}
	return Cursor{Index: int64(binary.BigEndian.Uint64(raw[1:]))}, nil //nolint:gosec // its highest bit is 0
}
