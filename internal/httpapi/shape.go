package httpapi

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// shape is a schema of the contract, ready to be checked. Of what OpenAPI has, it
// knows what the contract uses; [compileShape] refuses the rest.
type shape struct {
	kind     shapeKind
	nullable bool

	minLength, maxLength int // of text, in characters; a maxLength of 0 is none
	pattern              *regexp.Regexp
	choices              []string
	// rule replaces length and pattern of text where it is set.
	rule func(loc []any, text string) []Fault

	least, most int64 // of an integer

	items    *shape
	maxItems int // 0 is none

	// fields are an object's, those that are required first.
	fields []field
}

type shapeKind int

const (
	kindText shapeKind = iota
	kindChoice
	kindUUID
	kindInteger
	kindList
	kindObject
	// kindParams is an object of whatever names: an action's params.
	kindParams
)

type field struct {
	name     string
	required bool
	shape    *shape
}

func (s *shape) field(name string) *shape {
	for _, f := range s.fields {
		if f.name == name {
			return f.shape
		}
	}
	return nil
}

func compileShape(ref *openapi3.SchemaRef) (*shape, error) {
	if ref == nil || ref.Value == nil || ref.Value.Type == nil || len(*ref.Value.Type) != 1 {
		return nil, errors.New("a schema without exactly one type")
	}
	v := ref.Value
	if unknown := unknownKeywords(v); len(unknown) > 0 {
		return nil, fmt.Errorf("a schema with %s, which is not enforced", strings.Join(unknown, ", "))
	}
	s := &shape{nullable: v.Nullable}
	var err error
	switch (*v.Type)[0] {
	case openapi3.TypeString:
		err = s.compileText(v)
	case openapi3.TypeInteger:
		if s.kind = kindInteger; v.Min == nil || v.Max == nil {
			return nil, errors.New("an integer without bounds")
		}
		s.least, s.most = int64(*v.Min), int64(*v.Max)
	case openapi3.TypeArray:
		s.kind = kindList
		if v.MaxItems != nil {
			s.maxItems = int(*v.MaxItems) //nolint:gosec // of our own contract
		}
		s.items, err = compileShape(v.Items)
	case openapi3.TypeObject:
		err = s.compileObject(v)
	default:
		err = fmt.Errorf("the type %q in a request", (*v.Type)[0])
	}
	return s, err
}

// unknownKeywords returns the keywords of a schema that would have to be checked
// and are not.
func unknownKeywords(v *openapi3.Schema) (names []string) {
	for name, used := range map[string]bool{
		"oneOf": v.OneOf != nil, "anyOf": v.AnyOf != nil, "allOf": v.AllOf != nil, "not": v.Not != nil,
		"uniqueItems": v.UniqueItems, "minItems": v.MinItems > 0, "multipleOf": v.MultipleOf != nil,
		"exclusiveMinimum": v.ExclusiveMin.IsTrue(), "exclusiveMaximum": v.ExclusiveMax.IsTrue(),
		"minProperties": v.MinProps > 0, "maxProperties": v.MaxProps != nil,
	} {
		if used {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func (s *shape) compileText(v *openapi3.Schema) error {
	switch {
	case len(v.Enum) > 0:
		s.kind = kindChoice
		for _, e := range v.Enum {
			if text, ok := e.(string); ok {
				s.choices = append(s.choices, text)
			} else if e != nil || !v.Nullable {
				return errors.New("an enum that holds more than text")
			}
		}
		return nil
	case v.Format == "uuid":
		s.kind = kindUUID
		return nil
	case v.Format != "" && v.Format != "password":
		return fmt.Errorf("the format %q in a request", v.Format)
	}
	s.kind, s.minLength = kindText, int(v.MinLength) //nolint:gosec // of our own contract
	if v.MaxLength != nil {
		s.maxLength = int(*v.MaxLength) //nolint:gosec // of our own contract
	}
	if v.Pattern == "" {
		return nil
	}
	var err error
	s.pattern, err = regexp.Compile(v.Pattern)
	return err
}

func (s *shape) compileObject(v *openapi3.Schema) error {
	if free := v.AdditionalProperties.Has; free != nil && *free {
		if s.kind = kindParams; len(v.Properties) > 0 || len(v.Required) > 0 {
			return errors.New("an object with fields and with any others")
		}
		return nil
	} else if free == nil {
		return errors.New("an object without additionalProperties: false")
	}
	s.kind = kindObject
	names := slices.Clone(v.Required)
	for name := range v.Properties {
		if !slices.Contains(v.Required, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names[len(v.Required):])
	for i, name := range names {
		f := field{name: name, required: i < len(v.Required)}
		var err error
		if f.shape, err = compileShape(v.Properties[name]); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		s.fields = append(s.fields, f)
	}
	return nil
}
