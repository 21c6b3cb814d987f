package confirmation

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"time"

	"github.com/google/uuid"
)

// Place is a confirmation's place in lists, which begin with the newest. The zero Place is the
// beginning.
type Place struct {
	CreatedAt time.Time
	ID        uuid.UUID
}

// ErrPlace is returned by [ParsePlace].
var ErrPlace = errors.New("confirmation: not a place in a list")

// Place returns the confirmation's place.
func (c Confirmation) Place() Place { return Place{CreatedAt: c.CreatedAt, ID: c.ID} }

// String returns the place as a cursor, opaque to clients: base64url without padding of the time
// in microseconds, eight bytes, and the id. The zero Place is "".
func (p Place) String() string {
	if p == (Place{}) {
		return ""
	}
	raw := binary.BigEndian.AppendUint64(nil, uint64(p.CreatedAt.UnixMicro()))
	return base64.RawURLEncoding.EncodeToString(append(raw, p.ID[:]...))
}

// ParsePlace reads what [Place.String] writes, but for "".
func ParsePlace(s string) (Place, error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || len(raw) != 8+len(uuid.UUID{}) {
		return Place{}, ErrPlace
	}
	micros := int64(binary.BigEndian.Uint64(raw)) //nolint:gosec // as it was written
	return Place{CreatedAt: time.UnixMicro(micros).UTC(), ID: uuid.UUID(raw[8:])}, nil
}
