package httpapi

import (
	"fmt"
	"strings"
)

const (
	// maxFaults bounds the answer to a body that is nothing but faults. It is more
	// than the fields of any body can have.
	maxFaults = 512
	// maxName is how many characters of an unknown field's name are told.
	maxName = 64
)

// Fault is one fault of a request, as pydantic 2 tells it. It holds nothing of
// the value.
type Fault struct {
	// Loc is where the fault is: strings, and integers for a place in a list or in
	// the body's bytes.
	Loc  []any  `json:"loc"`
	Msg  string `json:"msg"`
	Type string `json:"type"`
}

// InvalidError is a request that is not as the contract says, with every fault.
type InvalidError struct{ Faults []Fault }

// Error names the types of the faults alone: a place may hold a name that the
// client made up.
func (e *InvalidError) Error() string {
	types := make([]string, len(e.Faults))
	for i, f := range e.Faults {
		types[i] = f.Type
	}
	return "httpapi: invalid request: " + strings.Join(types, ", ")
}

func missingFault(loc []any) Fault { return Fault{Loc: loc, Msg: "Field required", Type: "missing"} }

// valueFault is a rule that no schema tells; pydantic words a validator's
// ValueError so.
func valueFault(loc []any, why string) Fault {
	return Fault{Loc: loc, Msg: "Value error, " + why, Type: "value_error"}
}

// jsonFault has the place in bytes, where FastAPI counts characters.
func jsonFault(offset int) Fault {
	return Fault{Loc: []any{"body", offset}, Msg: "JSON decode error", Type: "json_invalid"}
}

func extraFault(loc []any, name string) Fault {
	return Fault{Loc: at(loc, shortName(name)), Msg: "Extra inputs are not permitted", Type: "extra_forbidden"}
}

func tooShortFault(loc []any, least int) Fault {
	return Fault{Loc: loc, Msg: "String should have at least " + characters(least), Type: "string_too_short"}
}

func tooLongFault(loc []any, most int) Fault {
	return Fault{Loc: loc, Msg: "String should have at most " + characters(most), Type: "string_too_long"}
}

func patternFault(loc []any, pattern string) Fault {
	return Fault{Loc: loc, Msg: fmt.Sprintf("String should match pattern '%s'", pattern), Type: "string_pattern_mismatch"}
}

func characters(n int) string {
	if n == 1 {
		return "1 character"
	}
	return fmt.Sprintf("%d characters", n)
}

// at returns a place within loc, which stays as it is.
func at(loc []any, step any) []any { return append(loc[:len(loc):len(loc)], step) }
