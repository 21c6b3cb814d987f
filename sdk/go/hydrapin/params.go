package hydrapin

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/hydracore/hydrapin/sdk/go/hydrapin/canonical"
)

// maxInteger is the greatest integer that every reader of JSON keeps: 2^53 − 1.
const maxInteger = 1<<53 - 1

// ParamsError means that params cannot be confirmed. Its message names the member, never its value.
type ParamsError struct {
	// Member is where the error is: "params.items[0].amount"; "params" for the whole.
	Member string
	// Why is what is wrong, and what to do.
	Why string

	err error
}

// Error implements error.
func (e *ParamsError) Error() string { return e.Member + " " + e.Why }

// Unwrap returns the error of package canonical, if there is one.
func (e *ParamsError) Unwrap() error { return e.err }

// CanonicalParams returns the canonical form (RFC 8785) of params: a value that encoding/json
// encodes as an object, or the object itself as [json.RawMessage]. This is what a person confirms,
// and what a digest and a receipt are about.
//
// It returns a [ParamsError] for whatever two readers could take for two values: integers outside
// ±(2^53 − 1), NaN, infinities, numbers that do not survive as a double, names that occur twice and
// text that is not Unicode. Pass amounts and long numbers as strings.
func CanonicalParams(params any) (json.RawMessage, error) {
	raw, isRaw := params.(json.RawMessage)
	if !isRaw {
		if err := unencodable(reflect.ValueOf(params), "params", 1); err != nil {
			return nil, err
		}
		var err error
		if raw, err = encode(params); err != nil {
			return nil, &ParamsError{Member: "params", Why: "cannot be written as JSON", err: err}
		}
	}
	text, err := canonical.Params(raw)
	if err != nil {
		return nil, paramsError(err)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var value any
	if err := d.Decode(&value); err != nil {
		return nil, &ParamsError{Member: "params", Why: "are not valid JSON", err: err}
	}
	if err := integers(value, "params"); err != nil {
		return nil, err
	}
	return text, nil
}

// paramsError names the member of an error of package canonical.
func paramsError(err error) error {
	var refused *canonical.Error
	if !errors.As(err, &refused) {
		why := strings.TrimPrefix(strings.TrimPrefix(err.Error(), "canonical: "), "params ")
		return &ParamsError{Member: "params", Why: why, err: err}
	}
	f := refused.Failures[0]
	member := "params"
	for _, step := range f.Path {
		switch s := step.(type) {
		case string:
			member = within(member, s)
		case int:
			member = item(member, s)
		}
	}
	why := "nests deeper than 32 levels"
	switch {
	case errors.Is(f.Reason, canonical.ErrNumber):
		why = "is a number that does not survive as a double: pass a string"
	case errors.Is(f.Reason, canonical.ErrDuplicateName):
		why = "occurs twice in one object"
	case errors.Is(f.Reason, canonical.ErrLoneSurrogate):
		why = "has a lone surrogate"
	}
	return &ParamsError{Member: member, Why: why, err: err}
}

var name = regexp.MustCompile(`^[A-Za-z_][0-9A-Za-z_]*$`)

func within(at, member string) string {
	if name.MatchString(member) {
		return at + "." + member
	}
	return at + "[" + strconv.Quote(member) + "]"
}

func item(at string, i int) string { return fmt.Sprintf("%s[%d]", at, i) }

// integers refuses numbers beyond ±(2^53 − 1). All of them are integers, however they are written.
func integers(value any, at string) error {
	switch v := value.(type) {
	case json.Number:
		n, err := v.Float64()
		if err != nil || math.Abs(n) > maxInteger {
			return &ParamsError{Member: at, Why: "is an integer outside ±(2^53-1): pass a string"}
		}
	case []any:
		for i := range v {
			if err := integers(v[i], item(at, i)); err != nil {
				return err
			}
		}
	case map[string]any:
		for n := range v {
			if err := integers(v[n], within(at, n)); err != nil {
				return err
			}
		}
	}
	return nil
}

// unencodable names the member for which encoding/json has no JSON, or which it would silently
// replace. What encodes itself is left to encoding/json.
func unencodable(v reflect.Value, at string, depth int) error {
	if !v.IsValid() || depth > 2*canonical.MaxDepth {
		return nil
	}
	if v.Kind() != reflect.Pointer && v.Kind() != reflect.Interface && encodesItself(v) {
		return nil
	}
	switch v.Kind() {
	case reflect.Float32, reflect.Float64:
		if f := v.Float(); math.IsNaN(f) || math.IsInf(f, 0) {
			return &ParamsError{Member: at, Why: "is not a finite number: pass a string"}
		}
	case reflect.String:
		if !utf8.ValidString(v.String()) {
			return &ParamsError{Member: at, Why: "is not valid UTF-8"}
		}
	case reflect.Func, reflect.Chan, reflect.Complex64, reflect.Complex128:
		return &ParamsError{Member: at, Why: "is a " + v.Type().String() + ", which JSON lacks: pass a string"}
	case reflect.Pointer, reflect.Interface:
		return unencodable(v.Elem(), at, depth+1)
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			if err := unencodable(v.Index(i), item(at, i), depth+1); err != nil {
				return err
			}
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			if err := unencodable(v.MapIndex(key), within(at, fmt.Sprint(key)), depth+1); err != nil {
				return err
			}
		}
	case reflect.Struct:
		return unencodableField(v, at, depth)
	default: // All other kinds have one form in JSON.
	}
	return nil
}

func unencodableField(v reflect.Value, at string, depth int) error {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if tag == "-" || !f.IsExported() && !f.Anonymous {
			continue
		}
		place := at
		if !f.Anonymous || tag != "" {
			if tag == "" {
				tag = f.Name
			}
			place = within(at, tag)
		}
		if err := unencodable(v.Field(i), place, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func encodesItself(v reflect.Value) bool {
	t := v.Type()
	for _, own := range []reflect.Type{reflect.TypeFor[json.Marshaler](), reflect.TypeFor[interface{ MarshalText() ([]byte, error) }]()} {
		if t.Implements(own) || reflect.PointerTo(t).Implements(own) {
			return true
		}
	}
	return false
}
