// Package canonical brings the parameters of an action into the one form that is hashed: RFC 8785 (JSON
// Canonicalization Scheme), from the bytes that were received.
//
// It guarantees that two texts have one digest only if every careful reader takes the same values from both, and so
// refuses more than RFC 8785 does: names that occur twice, lone surrogates, numbers whose decimal value a double does
// not keep, and params that are too deep or too long to be shown to a person. The text of an error never contains a
// part of the input; the path to a member is kept apart from it.
//
// Server and SDK share it. It must know nothing of the rest of the project, and keeps no state.
package canonical

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"unicode/utf8"

	"github.com/gowebpki/jcs"
)

// Limits on params.
const (
	// MaxBytes is the longest text accepted, in bytes, both as received and in canonical form: 1e20 gets longer when
	// it is written out, and what is stored must be as bounded as what is sent.
	MaxBytes = 16 << 10
	// MaxDepth is how deep objects and arrays may nest; the params themselves are the first level.
	MaxDepth = 32
	// maxFailures bounds an error: 16 KiB have room for thousands of numbers.
	maxFailures = 100
)

// digestPrefix names the hash, so that another one can come beside it.
const digestPrefix = "sha-256:"

// The reasons why [Params] refuses a text. There are no others, and none contains a part of the text.
var (
	// ErrTooLarge: more than [MaxBytes].
	ErrTooLarge = errors.New("canonical: params are longer than 16 KiB")
	// ErrSyntax: not one JSON text in UTF-8 (RFC 8259), or data follows it.
	ErrSyntax = errors.New("canonical: params are not valid JSON in UTF-8")
	// ErrNotObject: valid JSON, but not an object.
	ErrNotObject = errors.New("canonical: params are not a JSON object")
	// ErrDepth: objects and arrays nest deeper than [MaxDepth].
	ErrDepth = errors.New("canonical: params nest deeper than 32 levels")
	// ErrDuplicateName: an object, at any depth, has two members of one name. Names are compared after their escapes
	// are resolved, and without Unicode normalisation, as RFC 8785 does. Readers disagree on which member counts.
	ErrDuplicateName = errors.New("canonical: an object in params has a name twice")
	// ErrLoneSurrogate: a \u escape is half of a UTF-16 pair. There is no such character, and readers differ in what
	// they replace it with.
	ErrLoneSurrogate = errors.New("canonical: a string in params has a lone surrogate")
	// ErrNumber: a number loses its value as an IEEE 754 double, so a reader with decimals or big integers would act
	// on another number than the one that was hashed. Send such numbers as strings.
	ErrNumber = errors.New("canonical: a number in params does not survive as a double")
)

// Failure is one reason for a refusal, and where it is.
type Failure struct {
	// Reason is ErrDepth, ErrDuplicateName, ErrLoneSurrogate or ErrNumber.
	Reason error
	// Path leads from the params to the member: names (string) and indexes of arrays (int). Names come from the
	// input. For a name that has a lone surrogate it is the path of the object.
	Path []any
}

// Error is returned by [Params] for valid JSON objects that it refuses, with every [Failure] up to a hundred. It is
// each of their reasons, for errors.Is.
type Error struct{ Failures []Failure }

// Error returns the first reason. It contains no part of the input.
func (e *Error) Error() string { return e.Failures[0].Reason.Error() }

// Unwrap returns the reasons.
func (e *Error) Unwrap() []error {
	reasons := make([]error, len(e.Failures))
	for i, f := range e.Failures {
		reasons[i] = f.Reason
	}
	return reasons
}

// Params returns the canonical form (RFC 8785) of one JSON object. The object may be empty. Raw is not changed.
//
// A number is accepted when its canonical text has exactly the decimal value that was written: 1.0, 0.1, 1e2 and
// 100000000000000000000 are, 9007199254740993, 0.10000000000000000001, 1e400 and 1e-400 are not. Minus zero is
// written as 0, as RFC 8785 says: no comparison in any language distinguishes the two.
//
// It returns one of the errors of this package, which errors.Is recognises. For depth, names, surrogates and numbers
// the error is an [*Error] with the path of each member concerned.
func Params(raw []byte) ([]byte, error) {
	if len(raw) > MaxBytes {
		return nil, ErrTooLarge
	}
	// json.Valid looks at the grammar only, so UTF-8 is looked at beside it.
	if !utf8.Valid(raw) || !json.Valid(raw) {
		return nil, ErrSyntax
	}
	if firstByte(raw) != '{' {
		return nil, ErrNotObject
	}
	if err := check(raw); err != nil {
		return nil, err
	}
	text, err := serialise(raw)
	if err != nil {
		return nil, err
	}
	if len(text) > MaxBytes {
		return nil, ErrTooLarge
	}
	return text, nil
}

// Digest returns the digest of a text that [Params] returned: "sha-256:" and 64 lower-case hex digits.
func Digest(canonical []byte) string {
	sum := sha256.Sum256(canonical)
	return digestPrefix + hex.EncodeToString(sum[:])
}

// DigestOf returns the digest of the canonical form of raw, with the errors of [Params].
func DigestOf(raw []byte) (string, error) {
	text, err := Params(raw)
	if err != nil {
		return "", err
	}
	return Digest(text), nil
}

// serialise writes a JSON text as RFC 8785 does, without the rules that this package adds. The library's errors
// quote the input, so they are replaced.
func serialise(raw []byte) ([]byte, error) {
	text, err := jcs.Transform(raw)
	if err != nil {
		return nil, ErrSyntax
	}
	return text, nil
}

// firstByte returns the first byte that is not white space, of a text that has one.
func firstByte(raw []byte) byte {
	for _, c := range raw {
		if c != ' ' && c != '\t' && c != '\n' && c != '\r' {
			return c
		}
	}
	return 0
}
