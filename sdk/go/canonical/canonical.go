// Package canonical converts the parameters of an action to the one form that is hashed: RFC 8785
// (JSON Canonicalization Scheme), from the bytes as they were received.
//
// It guarantees that two texts have the same digest only if every careful parser reads the same
// values from both. So it refuses more than RFC 8785 asks: duplicate names, lone surrogates,
// numbers whose decimal value a double cannot represent, and what is too deep or too long to show
// to a person. No error contains a part of the input.
//
// The server and the SDK share it. It must know nothing of the rest of the project, and keeps no
// state.
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
	// MaxBytes is the longest text accepted, in bytes, both as received and in canonical form. The
	// canonical form can be longer: 1e20 is written out.
	MaxBytes = 16 << 10
	// MaxDepth is how deep objects and arrays may nest; the params themselves are the first level.
	MaxDepth = 32
)

// digestPrefix names the hash, so that another one can be added.
const digestPrefix = "sha-256:"

// The reasons for which [Params] refuses a text. Each is a complete message, and contains nothing
// of the text itself.
var (
	// ErrTooLarge: more than [MaxBytes].
	ErrTooLarge = errors.New("canonical: params are longer than 16 KiB")
	// ErrSyntax: not one JSON text in UTF-8 (RFC 8259), or something follows it.
	ErrSyntax = errors.New("canonical: params are not valid JSON in UTF-8")
	// ErrNotObject: valid JSON, but not an object.
	ErrNotObject = errors.New("canonical: params are not a JSON object")
	// ErrDepth: objects and arrays nest deeper than [MaxDepth].
	ErrDepth = errors.New("canonical: params nest deeper than 32 levels")
	// ErrDuplicateName: an object, at any depth, has two members with the same name. Names are
	// compared after their escapes are resolved and without Unicode normalisation, as in RFC 8785.
	// Parsers disagree on which member counts.
	ErrDuplicateName = errors.New("canonical: an object in params has a name twice")
	// ErrLoneSurrogate: a \u escape is half of a UTF-16 pair. There is no such character, and
	// parsers replace it differently.
	ErrLoneSurrogate = errors.New("canonical: a string in params has a lone surrogate")
	// ErrNumber: an IEEE 754 double cannot represent a number exactly, so a parser with decimals or
	// big integers would act on a different number than the one that was hashed. Write such numbers
	// as strings.
	ErrNumber = errors.New("canonical: a number in params does not survive as a double")
)

// Params returns the canonical form (RFC 8785) of one JSON object. The object may be empty. Raw is
// not changed.
//
// A number is accepted if its canonical text has exactly the decimal value that was written: 1.0,
// 0.1, 1e2 and 100000000000000000000 are accepted; 9007199254740993, 0.10000000000000000001, 1e400
// and 1e-400 are not. Minus zero is written as 0, as in RFC 8785: no comparison distinguishes the
// two, in any language.
//
// It returns one of the errors of this package, to be tested with errors.Is. If a text has several
// errors, it returns the first one found.
func Params(raw []byte) ([]byte, error) {
	if len(raw) > MaxBytes {
		return nil, ErrTooLarge
	}
	// json.Valid checks the grammar only, so UTF-8 is checked as well.
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

// Digest returns the digest of a text that [Params] returned: "sha-256:" and 64 lower-case hex
// digits.
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

// serialise writes a JSON text as RFC 8785 does, without the rules that this package adds. The
// library's errors quote the input, so none of them is passed on.
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
