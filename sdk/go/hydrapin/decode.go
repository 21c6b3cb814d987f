package hydrapin

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"
)

// decode reads an answer strictly. encoding/json reads {} as a PIN that is not locked, matches names
// without regard to case, and takes the last of two; here every field must be present under exactly
// its name, once, and null only where the contract allows it. Fields that W does not have are
// ignored: a newer server sends them. No error contains a value, because an answer may contain a
// receipt.
func decode[W any](body []byte) (w W, err error) {
	tree, err := parse(body)
	if err != nil {
		return w, err
	}
	known, err := selected(tree, reflect.TypeFor[W](), "the answer")
	if err != nil {
		return w, err
	}
	clean, err := json.Marshal(known)
	if err != nil {
		return w, errors.New("not JSON")
	}
	if err := json.Unmarshal(clean, &w); err != nil {
		var none W
		return none, typeError(err)
	}
	return w, nil
}

// typeError says where a value has another type, without the value.
func typeError(err error) error {
	var mistyped *json.UnmarshalTypeError
	if errors.As(err, &mistyped) {
		return fmt.Errorf("%s of another type", mistyped.Field)
	}
	return errors.New("a value in another form")
}

var uuidType = reflect.TypeFor[uuid.UUID]()

// selected returns the part of a value that a type has a place for.
func selected(value any, t reflect.Type, at string) (any, error) {
	if t.Kind() == reflect.Pointer {
		if value == nil {
			return nil, nil //nolint:nilnil // null is a value
		}
		t = t.Elem()
	}
	if value == nil && t.Kind() != reflect.Interface {
		return nil, fmt.Errorf("%s is null", at)
	}
	switch {
	case t == uuidType:
		// uuid.Parse accepts more than the form in which the server writes ids.
		text, ok := value.(string)
		if id, err := uuid.Parse(text); !ok || err != nil || id.String() != text {
			return nil, fmt.Errorf("%s is not a UUID in lower case", at)
		}
		return value, nil
	case t.Kind() == reflect.Struct && hasTags(t):
		return selectFields(value, t, at)
	case t.Kind() == reflect.Slice && t.Elem().Kind() != reflect.Uint8:
		list, ok := value.([]any)
		if !ok {
			return nil, fmt.Errorf("%s is not a list", at)
		}
		for i := range list {
			var err error
			if list[i], err = selected(list[i], t.Elem(), fmt.Sprintf("%s[%d]", at, i)); err != nil {
				return nil, err
			}
		}
		return list, nil
	default:
		return value, nil
	}
}

func selectFields(value any, t reflect.Type, at string) (any, error) {
	members, ok := value.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%s is not an object", at)
	}
	known := map[string]any{}
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		member, present := members[name]
		if !present {
			if strings.Contains(options, "omitempty") {
				continue
			}
			return nil, fmt.Errorf("%s has no %s", at, name)
		}
		var err error
		if known[name], err = selected(member, f.Type, name); err != nil {
			return nil, err
		}
	}
	return known, nil
}

// hasTags reports whether a struct is one of the contract's, and not time.Time.
func hasTags(t reflect.Type) bool { return t.NumField() > 0 && t.Field(0).Tag.Get("json") != "" }

// parse reads one JSON value in UTF-8 whose objects have no name twice.
func parse(body []byte) (any, error) {
	if !utf8.Valid(body) || !json.Valid(body) {
		return nil, errors.New("not JSON in UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	value, err := parseValue(d)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one JSON value")
	}
	return value, nil
}

func parseValue(d *json.Decoder) (any, error) {
	token, err := d.Token()
	if err != nil {
		return nil, errors.New("not JSON")
	}
	switch token {
	case json.Delim('['):
		list := []any{}
		for d.More() {
			item, err := parseValue(d)
			if err != nil {
				return nil, err
			}
			list = append(list, item)
		}
		return list, end(d)
	case json.Delim('{'):
		members := map[string]any{}
		for d.More() {
			name, err := d.Token()
			if err != nil {
				return nil, errors.New("not JSON")
			}
			text, _ := name.(string)
			if _, twice := members[text]; twice {
				return nil, errors.New("a name twice in an object")
			}
			if members[text], err = parseValue(d); err != nil {
				return nil, err
			}
		}
		return members, end(d)
	default:
		return token, nil
	}
}

// end reads the bracket that closes an array or an object.
func end(d *json.Decoder) error {
	if _, err := d.Token(); err != nil {
		return errors.New("not JSON")
	}
	return nil
}
