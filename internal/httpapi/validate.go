package httpapi

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/hydracore/hydrapin/internal/wire"
)

// check returns the faults of a JSON value: of each place one, the first in the
// order type, length, pattern or bound.
func (s *shape) check(loc []any, v *value) []Fault {
	if v.kind == jsontext.KindNull && s.nullable {
		return nil
	}
	switch s.kind {
	case kindInteger:
		return s.checkInteger(loc, v)
	case kindList:
		return s.checkList(loc, v)
	case kindObject, kindParams:
		return s.checkObject(loc, v)
	case kindText, kindChoice, kindUUID:
	}
	if v.kind == jsontext.KindString {
		return s.checkText(loc, v.text)
	}
	switch s.kind {
	case kindChoice:
		return []Fault{s.choiceFault(loc)}
	case kindUUID:
		return []Fault{uuidFault(loc)}
	default:
		return []Fault{{Loc: loc, Msg: "Input should be a valid string", Type: "string_type"}}
	}
}

// checkText returns the faults of text: of a JSON string, or of a parameter, where
// an integer is text too.
func (s *shape) checkText(loc []any, text string) []Fault {
	switch s.kind {
	case kindChoice:
		for _, c := range s.choices {
			if text == c {
				return nil
			}
		}
		return []Fault{s.choiceFault(loc)}
	case kindUUID:
		if _, err := wire.ParseUUID(text); err != nil {
			return []Fault{uuidFault(loc)}
		}
		return nil
	case kindInteger:
		if !isInteger(text) {
			return []Fault{{Loc: loc, Msg: "Input should be a valid integer, unable to parse string as an integer", Type: "int_parsing"}}
		}
		return s.checkBounds(loc, text)
	default:
	}
	if s.rule != nil {
		return s.rule(loc, text)
	}
	n := utf8.RuneCountInString(text)
	switch {
	case n < s.minLength:
		return []Fault{tooShortFault(loc, s.minLength)}
	case s.maxLength > 0 && n > s.maxLength:
		return []Fault{tooLongFault(loc, s.maxLength)}
	case s.pattern != nil && !s.pattern.MatchString(text):
		return []Fault{patternFault(loc, s.pattern.String())}
	default:
		return nil
	}
}

func (s *shape) checkInteger(loc []any, v *value) []Fault {
	switch {
	case v.kind != jsontext.KindNumber:
		return []Fault{{Loc: loc, Msg: "Input should be a valid integer", Type: "int_type"}}
	case !isInteger(v.text):
		return []Fault{{Loc: loc, Msg: "Input should be a valid integer, got a number with a fractional part", Type: "int_from_float"}}
	default:
		return s.checkBounds(loc, v.text)
	}
}

// checkBounds looks at an integer of any length.
func (s *shape) checkBounds(loc []any, text string) []Fault {
	n, err := strconv.ParseInt(text, 10, 64)
	negative := text[0] == '-'
	switch {
	case err == nil && n > s.most, err != nil && !negative:
		return []Fault{{Loc: loc, Msg: fmt.Sprintf("Input should be less than or equal to %d", s.most), Type: "less_than_equal"}}
	case err == nil && n < s.least, err != nil && negative:
		return []Fault{{Loc: loc, Msg: fmt.Sprintf("Input should be greater than or equal to %d", s.least), Type: "greater_than_equal"}}
	default:
		return nil
	}
}

// isInteger says whether text is an integer without fraction or exponent.
func isInteger(text string) bool {
	digits := strings.TrimPrefix(text, "-")
	return digits != "" && !strings.ContainsFunc(digits, func(r rune) bool { return r < '0' || r > '9' })
}

func (s *shape) checkList(loc []any, v *value) (faults []Fault) {
	if v.kind != jsontext.KindBeginArray {
		return []Fault{{Loc: loc, Msg: "Input should be a valid list", Type: "list_type"}}
	}
	if n := len(v.items); s.maxItems > 0 && n > s.maxItems {
		msg := fmt.Sprintf("List should have at most %d items after validation, not %d", s.maxItems, n)
		return []Fault{{Loc: loc, Msg: msg, Type: "too_long"}}
	}
	for i, item := range v.items {
		faults = append(faults, s.items.check(at(loc, i), item)...)
	}
	return faults
}

func (s *shape) checkObject(loc []any, v *value) (faults []Fault) {
	if v.kind != jsontext.KindBeginObject {
		return []Fault{{Loc: loc, Msg: "Input should be a valid dictionary", Type: "dict_type"}}
	}
	if s.kind == kindParams {
		return checkParams(loc, v.raw)
	}
	for _, f := range s.fields {
		switch m := v.member(f.name); {
		case m != nil:
			faults = append(faults, f.shape.check(at(loc, f.name), m)...)
		case f.required:
			faults = append(faults, missingFault(at(loc, f.name)))
		}
	}
	for _, m := range v.members {
		if s.field(m.name) == nil {
			faults = append(faults, extraFault(loc, m.name))
		}
	}
	return faults
}

func uuidFault(loc []any) Fault {
	return Fault{Loc: loc, Msg: "Input should be a valid UUID", Type: "uuid_parsing"}
}

// choiceFault words the choices as pydantic does: 'a', 'b' or 'c'.
func (s *shape) choiceFault(loc []any) Fault {
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
	return Fault{Loc: loc, Msg: msg.String(), Type: "literal_error"}
}
