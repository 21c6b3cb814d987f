package openapi

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// schema is a schema of the contract, ready to be enforced. It knows the part of OpenAPI that the
// contract uses; [compiler.schema] refuses the rest.
type schema struct {
	kind     schemaKind
	nullable bool

	minLength, maxLength int // of text, in characters; a maxLength of 0 is none
	pattern              *regexp.Regexp
	choices              []string
	// check is the rule that the contract names beside the schema.
	check check

	least, most int64 // of an integer

	items              *schema
	minItems, maxItems int // a maxItems of 0 is none

	// fields are an object's, the required ones first.
	fields []field
	// oneOf are fields of which one may or must be given.
	oneOf []oneOf
}

type schemaKind int

const (
	kindText schemaKind = iota
	kindChoice
	kindUUID
	kindTime
	kindInteger
	kindBoolean
	kindList
	kindObject
	// kindFree is an object with any fields, which a check validates.
	kindFree
)

type field struct {
	name     string
	required bool
	schema   *schema
}

func (s *schema) field(name string) *schema {
	for _, f := range s.fields {
		if f.name == name {
			return f.schema
		}
	}
	return nil
}

func (c compiler) schema(ref *openapi3.SchemaRef) (*schema, error) {
	if ref == nil || ref.Value == nil || ref.Value.Type == nil || len(*ref.Value.Type) != 1 {
		return nil, errors.New("a schema without exactly one type")
	}
	v := ref.Value
	if unknown := unknownKeywords(v); len(unknown) > 0 {
		return nil, fmt.Errorf("a schema with %s, which is not enforced", strings.Join(unknown, ", "))
	}
	if err := knownExtensions(v.Extensions, extCheck, extExactlyOne, extAtMostOne, extRedact); err != nil {
		return nil, err
	}
	s := &schema{nullable: v.Nullable}
	var err error
	switch (*v.Type)[0] {
	case openapi3.TypeString:
		err = s.compileText(v)
	case openapi3.TypeInteger:
		if s.kind = kindInteger; v.Min == nil || v.Max == nil {
			return nil, errors.New("an integer without bounds")
		}
		s.least, s.most = int64(*v.Min), int64(*v.Max)
	case openapi3.TypeBoolean:
		s.kind = kindBoolean
	case openapi3.TypeArray:
		s.kind, s.minItems = kindList, int(v.MinItems) //nolint:gosec // of our own contract
		if v.MaxItems != nil {
			s.maxItems = int(*v.MaxItems) //nolint:gosec // of our own contract
		}
		s.items, err = c.schema(v.Items)
	case openapi3.TypeObject:
		err = c.object(s, v)
	default:
		err = fmt.Errorf("the type %q in a request", (*v.Type)[0])
	}
	if err != nil {
		return nil, err
	}
	return s, c.extend(s, v.Extensions)
}

// extend reads the extensions of a schema.
func (c compiler) extend(s *schema, extensions map[string]any) error {
	names := make([]string, len(s.fields))
	for i, f := range s.fields {
		names[i] = f.name
	}
	var err error
	if s.oneOf, err = compileOneOf(extensions, names); err != nil {
		return err
	}
	extension, ok := extensions[extCheck]
	if !ok {
		if s.kind == kindFree {
			return errors.New("an object with any fields and no " + extCheck)
		}
		return nil
	}
	name, _ := extension.(string)
	s.check = c.checks[name]
	if fits := s.kind == kindText && s.check.text != nil || s.kind == kindFree && s.check.params != nil ||
		s.kind == kindList && s.check.list != nil; !fits {
		return fmt.Errorf("%s is %q, which is unknown, or not for this type", extCheck, fmt.Sprint(extension))
	}
	return nil
}

// unknownKeywords returns the keywords of a schema that would have to be checked
// and are not.
func unknownKeywords(v *openapi3.Schema) (names []string) {
	for name, used := range map[string]bool{
		"oneOf": v.OneOf != nil, "anyOf": v.AnyOf != nil, "allOf": v.AllOf != nil, "not": v.Not != nil,
		"uniqueItems": v.UniqueItems, "multipleOf": v.MultipleOf != nil,
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

func (s *schema) compileText(v *openapi3.Schema) error {
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
	case v.Format == "date-time":
		s.kind = kindTime
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

func (c compiler) object(s *schema, v *openapi3.Schema) error {
	if free := v.AdditionalProperties.Has; free != nil && *free {
		if s.kind = kindFree; len(v.Properties) > 0 || len(v.Required) > 0 {
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
		if f.schema, err = c.schema(v.Properties[name]); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		s.fields = append(s.fields, f)
	}
	return nil
}
