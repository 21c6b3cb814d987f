package openapi

import (
	"errors"
	"strings"

	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/policy"
	"github.com/hydracore/hydrapin/internal/text"
	"github.com/hydracore/hydrapin/internal/webhook"
	"github.com/hydracore/hydrapin/internal/wire"
	"github.com/hydracore/hydrapin/sdk/go/hydrapin/canonical"
)

// check is a rule that no schema can say. One of the functions is set, for the kind of value.
type check struct {
	// text checks a string. It is called for what the schema allows, or, when it replaces the
	// schema, for every string.
	text     func(loc []any, text string) []FieldError
	replaces bool
	// list checks all strings of a list together.
	list func(loc []any, texts []string) []FieldError
	// params returns the canonical form of an object whose fields are free.
	params func(loc []any, raw []byte) ([]byte, []FieldError)
}

// checks are the rules that the contract can name in x-check.
func checks(rules pin.Rules) map[string]check {
	return map[string]check{
		// For a PIN that is set, the settings decide on length and weakness; one that is entered may
		// be any PIN that there can be.
		"new-pin": {replaces: true, text: func(loc []any, s string) []FieldError {
			if _, fault := pin.ParseNew(s, rules); fault.Kind != pin.NoFault {
				return []FieldError{PINError(loc, fault)}
			}
			return nil
		}},
		"skill-name":          {replaces: true, text: textCheck(policy.CheckSkill)},
		"policy-entry":        {replaces: true, text: textCheck(policy.CheckEntry)},
		"policy-size":         {list: checkPolicySize},
		"action-summary":      {replaces: true, text: textCheck(confirmation.CheckSummary)},
		"action-params":       {params: canonicalParams},
		"key-name":            {replaces: true, text: textCheck(auth.CheckKeyName)},
		"webhook-url":         {text: reasonCheck(webhook.CheckURL)},
		"webhook-description": {replaces: true, text: textCheck(webhook.CheckDescription)},
		"event-pattern": {text: reasonCheck(func(s string) string {
			if webhook.KnowsPattern(s) {
				return ""
			}
			return "this is no type of events, and no family of them such as pin.*"
		})},
		"detail": {replaces: true, text: textCheck(confirmation.CheckDetail)},
		"time": {text: func(loc []any, s string) []FieldError {
			if _, err := wire.ParseTime(s); err != nil {
				return []FieldError{valueError(loc, "a time is needed, as in 2026-11-01T09:30:00Z")}
			}
			return nil
		}},
		"event-cursor": {replaces: true, text: func(loc []any, s string) []FieldError {
			if _, err := audit.ParseCursor(s); err != nil {
				return []FieldError{valueError(loc, "send next as an earlier answer gave it")}
			}
			return nil
		}},
		"place": {replaces: true, text: func(loc []any, s string) []FieldError {
			if _, err := confirmation.ParsePlace(s); err != nil {
				return []FieldError{valueError(loc, "send next as an earlier answer gave it")}
			}
			return nil
		}},
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

// textCheck is a rule for text of a noun.
func textCheck(check func(string) text.Violation) func(loc []any, s string) []FieldError {
	return func(loc []any, s string) []FieldError { return textError(loc, check(s)) }
}

// reasonCheck is a rule that says what is wrong, or "".
func reasonCheck(check func(string) string) func(loc []any, s string) []FieldError {
	return func(loc []any, s string) []FieldError {
		if why := check(s); why != "" {
			return []FieldError{valueError(loc, why)}
		}
		return nil
	}
}

func checkPolicySize(loc []any, entries []string) []FieldError {
	return textError(loc, policy.CheckSize(entries))
}

// textError returns the validation error of a text, if it has one.
func textError(loc []any, v text.Violation) []FieldError {
	switch v.Kind {
	case text.OK:
		return nil
	case text.TooShort:
		return []FieldError{tooShort(loc, v.Limit)}
	case text.TooLong:
		return []FieldError{tooLong(loc, v.Limit)}
	case text.Value:
		return []FieldError{valueError(loc, v.Message)}
	case text.Form, text.Unsafe:
	}
	msg := strings.ToUpper(v.Message[:1]) + v.Message[1:]
	return []FieldError{{Loc: loc, Msg: msg, Type: string(v.Kind)}}
}

// canonicalParams accepts only params that every reader reads alike. The errors of canonical are
// complete sentences that hold nothing of the input.
func canonicalParams(loc []any, raw []byte) ([]byte, []FieldError) {
	params, err := canonical.Params(raw)
	switch {
	case err == nil:
		return params, nil
	case errors.Is(err, canonical.ErrNotObject):
		return nil, []FieldError{dictType(loc)}
	default:
		return nil, paramsErrors(loc, err)
	}
}

// paramsErrors says which members of params are refused, and why. The errors of canonical contain
// no part of the input; the paths do, as loc must.
func paramsErrors(loc []any, err error) []FieldError {
	reason := func(err error) string { return strings.TrimPrefix(err.Error(), "canonical: ") }
	refused, ok := errors.AsType[*canonical.Error](err)
	if !ok {
		return []FieldError{valueError(loc, reason(err))}
	}
	errs := make([]FieldError, len(refused.Failures))
	for i, f := range refused.Failures {
		place := loc
		for _, step := range f.Path {
			if name, ok := step.(string); ok {
				step = shortName(name)
			}
			place = at(place, step)
		}
		errs[i] = valueError(place, reason(f.Reason))
	}
	return errs
}
