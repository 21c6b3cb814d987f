package wire

import (
	"errors"

	"github.com/google/uuid"
)

// ErrNotUUID is returned by [ParseUUID].
var ErrNotUUID = errors.New("wire: not a UUID in the 8-4-4-4-12 form")

// ParseUUID reads a UUID of any version and case in the 8-4-4-4-12 form of RFC 9562. The urn:,
// braced and plain hexadecimal spellings that other parsers accept are [ErrNotUUID].
func ParseUUID(s string) (uuid.UUID, error) {
	if len(s) != 36 {
		return uuid.Nil, ErrNotUUID
	}
	id, err := uuid.Parse(s)
	if err != nil {
		return uuid.Nil, ErrNotUUID
	}
	return id, nil
}
