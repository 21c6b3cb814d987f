package openapi

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/hydracore/hydrapin/internal/wire"
)

// validate returns the errors of a JSON value: for each place the first one in the order type,
// length, pattern or bound, check.
func (s *schema) validate(loc []any, v *value) []FieldError {
	if v.kind == jsontext.KindNull && s.nullable {
		return nil
	}
	switch s.kind {
	case kindInteger:
		return s.checkInteger(loc, v)
	case kindBoolean:
		return checkBoolean(loc, v)
	case kindList:
		return s.checkList(loc, v)
	case kindObject, kindFree:
		return s.checkObject(loc, v)
	case kindText, kindChoice, kindUUID, kindTime:
	}
	if v.kind == jsontext.KindString {
		return s.checkText(loc, v.text)
	}
	switch s.kind {
	case kindChoice:
		return []FieldError{s.notAChoice(loc)}
	case kindUUID:
		return []FieldError{notUUID(loc)}
	case kindTime:
		return []FieldError{notTime(loc)}
	default:
		return []FieldError{{Loc: loc, Msg: "Input should be a valid string", Type: "string_type"}}
	}
}

// checkText returns the errors of text: of a JSON string, or of a parameter, where an integer is
// text too.
func (s *schema) checkText(loc []any, text string) []FieldError {
	switch s.kind {
	case kindChoice:
		for _, c := range s.choices {
			if text == c {
				return nil
			}
		}
		return []FieldError{s.notAChoice(loc)}
	case kindUUID:
		if _, err := wire.ParseUUID(text); err != nil {
			return []FieldError{notUUID(loc)}
		}
		return nil
	case kindTime:
		var t wire.Time
		if err := t.UnmarshalText([]byte(text)); err != nil || time.Time(t).Year() > 9999 {
			return []FieldError{notTime(loc)}
		}
		return nil
	case kindInteger:
		if !isInteger(text) {
			return []FieldError{{Loc: loc, Msg: "Input should be a valid integer, unable to parse string as an integer", Type: "int_parsing"}}
		}
		return s.checkBounds(loc, text)
	default:
	}
	if s.check.replaces {
		return s.check.text(loc, text)
	}
	n := utf8.RuneCountInString(text)
	switch {
	case n < s.minLength:
		return []FieldError{tooShort(loc, s.minLength)}
	case s.maxLength > 0 && n > s.maxLength:
		return []FieldError{tooLong(loc, s.maxLength)}
	case s.pattern != nil && !s.pattern.MatchString(text):
		return []FieldError{patternMismatch(loc, s.pattern.String())}
	case s.check.text != nil:
		return s.check.text(loc, text)
	default:
		return nil
	}
}

func (s *schema) checkInteger(loc []any, v *value) []FieldError {
	switch {
	case v.kind != jsontext.KindNumber:
		return []FieldError{{Loc: loc, Msg: "Input should be a valid integer", Type: "int_type"}}
	case !isInteger(v.text):
		return []FieldError{{Loc: loc, Msg: "Input should be a valid integer, got a number with a fractional part", Type: "int_from_float"}}
	default:
		return s.checkBounds(loc, v.text)
	}
}

func checkBoolean(loc []any, v *value) []FieldError {
	if v.kind == jsontext.KindTrue || v.kind == jsontext.KindFalse {
		return nil
	}
	return []FieldError{{Loc: loc, Msg: "Input should be a valid boolean", Type: "bool_type"}}
}

// checkBounds compares an integer of any length.
func (s *schema) checkBounds(loc []any, text string) []FieldError {
	n, err := strconv.ParseInt(text, 10, 64)
	negative := text[0] == '-'
	switch {
	case err == nil && n > s.most, err != nil && !negative:
		return []FieldError{{Loc: loc, Msg: fmt.Sprintf("Input should be less than or equal to %d", s.most), Type: "less_than_equal"}}
	case err == nil && n < s.least, err != nil && negative:
		return []FieldError{{Loc: loc, Msg: fmt.Sprintf("Input should be greater than or equal to %d", s.least), Type: "greater_than_equal"}}
	default:
		return nil
	}
}

// isInteger says whether text is an integer without fraction or exponent.
func isInteger(text string) bool {
	digits := strings.TrimPrefix(text, "-")
	return digits != "" && !strings.ContainsFunc(digits, func(r rune) bool { return r < '0' || r > '9' })
}

func (s *schema) checkList(loc []any, v *value) (errs []FieldError) {
	if v.kind != jsontext.KindBeginArray {
		return []FieldError{{Loc: loc, Msg: "Input should be a valid list", Type: "list_type"}}
	}
	if n := len(v.items); n < s.minItems {
		msg := fmt.Sprintf("List should have at least %d %s after validation, not %d", s.minItems, plural("item", s.minItems), n)
		return []FieldError{{Loc: loc, Msg: msg, Type: "too_short"}}
	}
	if n := len(v.items); s.maxItems > 0 && n > s.maxItems {
		msg := fmt.Sprintf("List should have at most %d items after validation, not %d", s.maxItems, n)
		return []FieldError{{Loc: loc, Msg: msg, Type: "too_long"}}
	}
	texts := make([]string, len(v.items))
	for i, item := range v.items {
		errs = append(errs, s.items.validate(at(loc, i), item)...)
		texts[i] = item.text
	}
	if s.check.list != nil {
		errs = append(errs, s.check.list(loc, texts)...)
	}
	return errs
}

func (s *schema) checkObject(loc []any, v *value) (errs []FieldError) {
	if v.kind != jsontext.KindBeginObject {
		return []FieldError{dictType(loc)}
	}
	if s.kind == kindFree {
		v.canonical, errs = s.check.params(loc, v.raw)
		return errs
	}
	for _, f := range s.fields {
		switch m := v.member(f.name); {
		case m == nil && f.required:
			errs = append(errs, Missing(at(loc, f.name)...))
		case m.absent() && !f.required:
			// Generated clients send null for a field that is not set.
		default:
			errs = append(errs, f.schema.validate(at(loc, f.name), m)...)
		}
	}
	for _, m := range v.members {
		if s.field(m.name) == nil {
			errs = append(errs, extraForbidden(loc, m.name))
		}
	}
	given := func(name string) bool { return !v.member(name).absent() }
	return append(errs, checkOneOf(loc, s.oneOf, given)...)
}

// plural writes a noun as pydantic does after a number.
func plural(noun string, n int) string {
	if n == 1 {
		return noun
	}
	return noun + "s"
}

func notTime(loc []any) FieldError {
	return FieldError{Loc: loc, Msg: "Input should be a valid datetime in RFC 3339 format", Type: "datetime_parsing"}
}

func notUUID(loc []any) FieldError {
	return FieldError{Loc: loc, Msg: "Input should be a valid UUID", Type: "uuid_parsing"}
}

// notAChoice lists the choices as pydantic does: 'a', 'b' or 'c'.
func (s *schema) notAChoice(loc []any) FieldError {
	var msg strings.Builder
	msg.WriteString("Input should be ")
	for i, c := range s.choices {
		switch {
		case i > 0 && i == len(s.choices)-1:
			msg.WriteString(" or ")
		case i > 0:
			msg.WriteString(", ")
		}
		msg.WriteString("'" + c + "'")
	}
	return FieldError{Loc: loc, Msg: msg.String(), Type: "literal_error"}
}
