package openapi

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hydracore/hydrapin/internal/auth"
)

// The extensions that the contract uses. Any other stops the start, but for those of the code
// generator.
const (
	// extAccess names who may call an operation.
	extAccess = "x-access"
	// extExactlyOne lists fields of a body, or parameters of a query, of which exactly one must be
	// given.
	extExactlyOne = "x-exactly-one"
	// extAtMostOne lists fields or parameters of which not more than one may be given.
	extAtMostOne = "x-at-most-one"
	// extCheck names a rule that no schema can say; see [checks].
	extCheck = "x-check"
	// extList makes the lines of a header parts of one list.
	extList = "x-list"
	// extPaged marks a list that goes by the query's page and per_page; see [checkPage].
	extPaged = "x-paged"
	// extSpends marks an operation that spends an attempt of a PIN; see [Operation.Spends].
	extSpends = "x-spends-attempt"
	// extRedact marks what must not be logged; a test of the contract compares the list.
	extRedact = "x-redact"
	// extGenerator is how the code generator's own extensions begin.
	extGenerator = "x-go-"
)

func knownExtensions(extensions map[string]any, known ...string) error {
	for name := range extensions {
		if !slices.Contains(known, name) && !strings.HasPrefix(name, extGenerator) {
			return fmt.Errorf("the extension %q is unknown here", name)
		}
	}
	return nil
}

// compileAccess reads who may call an operation. An operation that does not say, or says something
// unknown, is refused.
func compileAccess(extension any) (auth.Rule, error) {
	access, ok := extension.(map[string]any)
	if !ok || len(access) == 0 {
		return auth.Rule{}, errors.New("no " + extAccess)
	}
	var rule auth.Rule
	flags := map[string]*bool{"admin": &rule.Admin, "user": &rule.User, "customer": &rule.Customer, "runtime": &rule.Runtime}
	for key, v := range access {
		flag, isFlag := flags[key]
		text, isText := v.(string)
		switch {
		case isFlag && v == true:
			*flag = true
		case key == "scope" && isText && slices.Contains(auth.Scopes(), auth.Scope(text)):
			rule.Scope = auth.Scope(text)
		case key == "also" && isText && slices.Contains(auth.Scopes(), auth.Scope(text)):
			rule.Also = auth.Scope(text)
		default:
			return auth.Rule{}, fmt.Errorf("%s has an unknown %q, or an unknown value of it", extAccess, key)
		}
	}
	if rule.Also != "" && rule.Scope == "" {
		return auth.Rule{}, errors.New(extAccess + " has also, and no scope")
	}
	return rule, nil
}

// oneOf are names of which one may be given, or, where required, must be.
type oneOf struct {
	names    []string
	required bool
}

// compileOneOf reads the names of both extensions, each of which must be among the known ones.
func compileOneOf(extensions map[string]any, known []string) ([]oneOf, error) {
	var all []oneOf
	for _, extension := range []string{extExactlyOne, extAtMostOne} {
		if extensions[extension] == nil {
			continue
		}
		list, ok := extensions[extension].([]any)
		if !ok || len(list) < 2 {
			return nil, fmt.Errorf("%s is not a list of two names or more", extension)
		}
		names := make([]string, len(list))
		for i, v := range list {
			if names[i], ok = v.(string); !ok || !slices.Contains(known, names[i]) {
				return nil, fmt.Errorf("%s names the unknown %q", extension, fmt.Sprint(v))
			}
		}
		all = append(all, oneOf{names: names, required: extension == extExactlyOne})
	}
	return all, nil
}

// checkOneOf returns the errors of all of them.
func checkOneOf(loc []any, all []oneOf, given func(name string) bool) (errs []FieldError) {
	for _, o := range all {
		errs = append(errs, o.check(loc, given)...)
	}
	return errs
}

// check returns an error when too many of the names are given, or none that is required.
func (o oneOf) check(loc []any, given func(name string) bool) []FieldError {
	n := 0
	for _, name := range o.names {
		if given(name) {
			n++
		}
	}
	last := len(o.names) - 1
	listed := strings.Join(o.names[:last], ", ") + " and " + o.names[last]
	switch {
	case o.required && n != 1:
		return []FieldError{valueError(loc, "exactly one of "+listed+" is required")}
	case n > 1:
		return []FieldError{valueError(loc, "at most one of "+listed+" is allowed")}
	default:
		return nil
	}
}
