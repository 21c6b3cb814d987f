package httpapi

import (
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/hydracore/hydrapin/internal/policy"
	"github.com/hydracore/hydrapin/internal/text"
	"github.com/hydracore/hydrapin/sdk/go/canonical"
)

// textRule is a rule for text that no schema can say; it replaces length and pattern.
func textRule(check func(string) text.Violation) func(loc []any, s string) []Fault {
	return func(loc []any, s string) []Fault {
		if v := check(s); v.Kind != text.OK {
			return []Fault{textFault(loc, v)}
		}
		return nil
	}
}

func textFault(loc []any, v text.Violation) Fault {
	switch v.Kind {
	case text.TooShort:
		return tooShortFault(loc, v.Limit)
	case text.TooLong:
		return tooLongFault(loc, v.Limit)
	case text.Value:
		return valueFault(loc, v.Message)
	case text.OK, text.Form, text.Unsafe:
	}
	return Fault{Loc: loc, Msg: strings.ToUpper(v.Message[:1]) + v.Message[1:], Type: string(v.Kind)}
}

// skillsFit checks the length of all skills of a policy together.
func skillsFit(in *input) []Fault {
	const field = "pin_required_skills"
	list := in.body.member(field)
	if list == nil || list.kind != jsontext.KindBeginArray {
		return nil
	}
	skills := make([]string, len(list.items))
	for i, item := range list.items {
		skills[i] = item.text
	}
	if v := policy.CheckSize(skills); v.Kind != text.OK {
		return []Fault{textFault([]any{"body", field}, v)}
	}
	return nil
}

// paramsFaults says which members of params are refused, and why. The errors of canonical contain
// no part of the input; the paths do, as loc must.
func paramsFaults(loc []any, err error) []Fault {
	refused, ok := errors.AsType[*canonical.Error](err)
	if !ok {
		return []Fault{valueFault(loc, reason(err))}
	}
	faults := make([]Fault, len(refused.Failures))
	for i, f := range refused.Failures {
		place := loc
		for _, step := range f.Path {
			if name, ok := step.(string); ok {
				step = shortName(name)
			}
			place = at(place, step)
		}
		faults[i] = valueFault(place, reason(f.Reason))
	}
	return faults
}

func reason(err error) string { return strings.TrimPrefix(err.Error(), "canonical: ") }

// shortName bounds a name that the client made up.
func shortName(name string) string {
	if utf8.RuneCountInString(name) > maxName {
		return string([]rune(name)[:maxName]) + "…"
	}
	return name
}
