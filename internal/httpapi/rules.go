package httpapi

import (
	"errors"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/policy"
	"github.com/hydracore/hydrapin/sdk/go/canonical"
)

// addRules adds to an operation what no schema tells.
func addRules(op *operation, rules pin.Rules) {
	switch op.id {
	case "setCustomerPin", "runtimeSetPin":
		// Of a PIN that is being set, length and weakness are the settings'; what is
		// entered may be any PIN that there can be.
		op.body.field("pin").rule = func(loc []any, text string) []Fault {
			if _, fault := pin.ParseNew(text, rules); fault.Kind != pin.NoFault {
				return []Fault{pinFault(loc, fault)}
			}
			return nil
		}
	case "updatePinPolicy":
		op.body.field("pin_required_skills").items.rule = textRule(policy.CheckEntry)
		op.rules = append(op.rules, skillsFit)
	case "askConfirmation":
		op.body.field("skill").rule = textRule(policy.CheckSkill)
		op.body.field("action").field("summary").rule = textRule(confirmation.CheckSummary)
		op.rules = append(op.rules, bodyNamesHolder)
	case "redeemConfirmation":
		op.body.field("skill").rule = textRule(policy.CheckSkill)
	case "endPinSessions":
		op.rules = append(op.rules, queryNamesHolder)
	}
}

// pinFault tells why a PIN may not be set.
func pinFault(loc []any, f pin.Fault) Fault {
	switch f.Kind {
	case pin.TooShort:
		return tooShortFault(loc, f.Limit)
	case pin.TooLong:
		return tooLongFault(loc, f.Limit)
	case pin.TooWeak:
		return Fault{Loc: loc, Msg: "PIN is too easy to guess", Type: string(pin.TooWeak)}
	case pin.NotDigits, pin.NoFault:
		return patternFault(loc, "^[0-9]+$")
	default:
		return patternFault(loc, "^[0-9]+$")
	}
}

const oneHolder = "name the holder by exactly one of customer_id and identity_id"

func bodyNamesHolder(in *input) []Fault {
	if in.body == nil || in.body.kind != jsontext.KindBeginObject {
		return nil // that is told already
	}
	if (in.body.member("customer_id") != nil) == (in.body.member("identity_id") != nil) {
		return []Fault{valueFault([]any{"body"}, oneHolder)}
	}
	return nil
}

func queryNamesHolder(in *input) []Fault {
	if in.query.Has("customer_id") == in.query.Has("identity_id") {
		return []Fault{valueFault([]any{"query"}, oneHolder)}
	}
	return nil
}

// checkParams looks at an action's params, of which only one reading may exist.
// The errors of canonical are complete sentences that hold nothing of the input.
func checkParams(loc []any, raw []byte) []Fault {
	_, err := canonical.Params(raw)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, canonical.ErrNotObject):
		return []Fault{{Loc: loc, Msg: "Input should be a valid dictionary", Type: "dict_type"}}
	default:
		return paramsFaults(loc, err)
	}
}
