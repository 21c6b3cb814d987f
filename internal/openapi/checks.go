package openapi

import (
	"errors"
	"strings"

	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/sdk/go/canonical"
)

// check is a rule that no schema can say. One of the functions is set, for the kind of value.
type check struct {
	// text checks a string. It is called for what the schema allows, or, when it replaces the
	// schema, for every string.
	text     func(loc []any, text string) []FieldError
	replaces bool
	// object checks the bytes of an object whose fields are free.
	object func(loc []any, raw []byte) []FieldError
}

// checks are the rules that the contract can name in x-check.
func checks(rules pin.Rules) map[string]check {
	return map[string]check{
		// For a PIN that is set, the settings decide on length and weakness; one that is entered may
		// be any PIN that there can be.
		"new-pin": {replaces: true, text: func(loc []any, text string) []FieldError {
			if _, fault := pin.ParseNew(text, rules); fault.Kind != pin.NoFault {
				return []FieldError{PINError(loc, fault)}
			}
			return nil
		}},
		"action-summary": {text: checkSummary},
		"action-params":  {object: checkParams},
	}
}

// PINError says why a PIN cannot be set.
func PINError(loc []any, f pin.Fault) FieldError {
	switch f.Kind {
	case pin.TooShort:
		return tooShort(loc, f.Limit)
	case pin.TooLong:
		return tooLong(loc, f.Limit)
	case pin.TooWeak:
		return FieldError{Loc: loc, Msg: "PIN is too easy to guess", Type: string(pin.TooWeak)}
	case pin.NotDigits, pin.NoFault:
		return patternMismatch(loc, "^[0-9]+$")
	default:
		return patternMismatch(loc, "^[0-9]+$")
	}
}

// checkSummary refuses the one character that no database keeps.
func checkSummary(loc []any, text string) []FieldError {
	if strings.Contains(text, "\x00") {
		return []FieldError{valueError(loc, "the text holds a NUL character")}
	}
	return nil
}

// checkParams accepts only params that every reader reads alike. The errors of canonical are
// complete sentences that hold nothing of the input.
func checkParams(loc []any, raw []byte) []FieldError {
	_, err := canonical.Params(raw)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, canonical.ErrNotObject):
		return []FieldError{dictType(loc)}
	default:
		return []FieldError{valueError(loc, strings.TrimPrefix(err.Error(), "canonical: "))}
	}
}
