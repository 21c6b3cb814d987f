package openapi

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

const (
	// maxErrors bounds the answer to a body that is nothing but errors. It is more than the fields
	// of any body.
	maxErrors = 512
	// maxName is how many characters of an unknown field's name are repeated.
	maxName = 64
)

// ErrTooLarge means: the body is longer than [MaxBody].
var ErrTooLarge = errors.New("openapi: the body is too large")

// UnsupportedMediaTypeError is a body that is not JSON, or is encoded.
type UnsupportedMediaTypeError struct {
	// Coding is true when it is the body's coding that is not supported.
	Coding bool
	// Patch is true for a body of the method PATCH.
	Patch bool
}

func (e *UnsupportedMediaTypeError) Error() string {
	if e.Coding {
		return "openapi: the body has a content coding"
	}
	return "openapi: the body is not application/json"
}

// FieldError is one validation error of a request, in the form of pydantic 2. It holds nothing of
// the value.
type FieldError struct {
	// Loc is the place: strings, and integers for a place in a list or in the body's bytes.
	Loc  []any  `json:"loc"`
	Msg  string `json:"msg"`
	Type string `json:"type"`
}

// ValidationError is a request that is not as the contract says, with all its errors.
type ValidationError struct{ Errors []FieldError }

// Error names the types of the errors alone: a place may hold a name that the client made up.
func (e *ValidationError) Error() string {
	types := make([]string, len(e.Errors))
	for i, f := range e.Errors {
		types[i] = f.Type
	}
	return "openapi: invalid request: " + strings.Join(types, ", ")
}

// Missing is the error of a required value that is absent.
func Missing(loc ...any) FieldError {
	return FieldError{Loc: loc, Msg: "Field required", Type: "missing"}
}

// valueError is a rule that no schema can say; pydantic words a validator's ValueError in this way.
func valueError(loc []any, why string) FieldError {
	return FieldError{Loc: loc, Msg: "Value error, " + why, Type: "value_error"}
}

// jsonInvalid has the place in bytes, where FastAPI counts characters.
func jsonInvalid(offset int) FieldError {
	return FieldError{Loc: []any{"body", offset}, Msg: "JSON decode error", Type: "json_invalid"}
}

func extraForbidden(loc []any, name string) FieldError {
	return FieldError{Loc: at(loc, shortName(name)), Msg: "Extra inputs are not permitted", Type: "extra_forbidden"}
}

// shortName bounds a name that the client made up.
func shortName(name string) string {
	if utf8.RuneCountInString(name) > maxName {
		return string([]rune(name)[:maxName]) + "…"
	}
	return name
}

func tooShort(loc []any, least int) FieldError {
	return FieldError{Loc: loc, Msg: "String should have at least " + characters(least), Type: "string_too_short"}
}

func tooLong(loc []any, most int) FieldError {
	return FieldError{Loc: loc, Msg: "String should have at most " + characters(most), Type: "string_too_long"}
}

func patternMismatch(loc []any, pattern string) FieldError {
	return FieldError{Loc: loc, Msg: fmt.Sprintf("String should match pattern '%s'", pattern), Type: "string_pattern_mismatch"}
}

func dictType(loc []any) FieldError {
	return FieldError{Loc: loc, Msg: "Input should be a valid dictionary", Type: "dict_type"}
}

func characters(n int) string {
	if n == 1 {
		return "1 character"
	}
	return fmt.Sprintf("%d characters", n)
}

// at returns a place within loc, which stays as it is.
func at(loc []any, step any) []any { return append(loc[:len(loc):len(loc)], step) }
