package argon2id

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"

	"github.com/hydracore/hydrapin/internal/keyring"
)

const (
	saltSize, minSalt, maxSalt = 16, 8, 64
	tagSize, minTag, maxTag    = 32, 16, 64
	// maxStored is above the longest text that [Stored.text] can write.
	maxStored = 320
)

// ErrMalformed is returned for a stored hash that is not exactly what this package writes, or whose
// parameters are out of bounds. It never contains the text.
var ErrMalformed = errors.New("argon2id: malformed stored hash")

// Stored is a hash as the database keeps it, parsed once by [Parse] or made by [Place.Hash]. It
// prints as "[stored hash]" in every format verb and in slog; only [Stored.PHC] gives the text.
type Stored struct {
	params    Params
	pepper    string
	salt, tag []byte
	phc       string
}

// PHC returns the PHC string, which is what the database keeps.
func (s Stored) PHC() string { return s.phc }

// PepperID returns the id of the pepper that the hash was made with.
func (s Stored) PepperID() string { return s.pepper }

// Format implements fmt.Formatter for every verb.
func (Stored) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[stored hash]") }

// LogValue implements slog.LogValuer.
func (Stored) LogValue() slog.Value { return slog.StringValue("[stored hash]") }

// text writes the PHC string of argon2id:
//
//	$argon2id$v=19$m=19456,t=2,p=1,keyid=<B64 of the pepper's id>$<B64 salt>$<B64 tag>
//
// The parameters' order, keyid and B64 (unpadded standard base64) are the PHC
// string format's. That format allows a keyid of at most 8 bytes; pepper ids
// longer than that give a string that differs from it in this alone.
func (s Stored) text() string {
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d,keyid=%s$%s$%s", argon2.Version,
		s.params.MemoryKiB, s.params.Time, s.params.Parallelism, b64([]byte(s.pepper)), b64(s.salt), b64(s.tag))
}

// Parse reads a PHC string that this package has written, and nothing else: a text that it would
// write differently (leading zeros, loose base64 bits, another order) is refused, so that one hash
// has one spelling. The error is [ErrMalformed].
func Parse(phc string) (Stored, error) {
	if len(phc) > maxStored {
		return Stored{}, ErrMalformed
	}
	fields := strings.Split(phc, "$")
	if len(fields) != 6 {
		return Stored{}, ErrMalformed
	}
	costs := strings.Split(fields[3], ",")
	if len(costs) != 4 {
		return Stored{}, ErrMalformed
	}
	var errs [6]error
	var m, t, p uint64
	var id []byte
	s := Stored{phc: phc}
	m, errs[0] = number(costs[0], "m=", 32)
	t, errs[1] = number(costs[1], "t=", 32)
	p, errs[2] = number(costs[2], "p=", 8)
	id, errs[3] = base64.RawStdEncoding.DecodeString(strings.TrimPrefix(costs[3], "keyid="))
	s.salt, errs[4] = base64.RawStdEncoding.DecodeString(fields[4])
	s.tag, errs[5] = base64.RawStdEncoding.DecodeString(fields[5])
	if errors.Join(errs[:]...) != nil {
		return Stored{}, ErrMalformed
	}
	s.params = Params{MemoryKiB: uint32(m), Time: uint32(t), Parallelism: uint8(p)} //nolint:gosec // parsed within these sizes
	s.pepper = string(id)
	switch {
	case s.params.Validate() != nil,
		!keyring.IsID(s.pepper),
		len(s.salt) < minSalt || len(s.salt) > maxSalt,
		len(s.tag) < minTag || len(s.tag) > maxTag,
		s.text() != phc:
		return Stored{}, ErrMalformed
	}
	return s, nil
}

func number(text, name string, bits int) (uint64, error) {
	digits, ok := strings.CutPrefix(text, name)
	if !ok {
		return 0, ErrMalformed
	}
	return strconv.ParseUint(digits, 10, bits)
}
