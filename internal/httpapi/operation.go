package httpapi

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/wire"
)

// operation is what the contract says of one operation, ready to be enforced.
type operation struct {
	id   string
	rule auth.Rule
	// writes makes a key be read anew.
	writes              bool
	path, query, header []parameter
	// body is nil where the operation takes none.
	body *shape
	// rules are those of the operation that no schema tells.
	rules []func(*input) []Fault
}

type parameter struct {
	name     string
	required bool
	shape    *shape
}

// input is a request whose parts have been read.
type input struct {
	query url.Values
	// body is nil where there is none, or none that could be read.
	body *value
}

// errContract is wrapped by what [Register] returns for a contract that it does
// not understand.
var errContract = errors.New("httpapi: the contract cannot be enforced")

// compileOperations reads every operation of the contract.
func compileOperations(doc *openapi3.T, rules pin.Rules) ([]*operation, error) {
	var operations []*operation
	for path, item := range doc.Paths.Map() {
		for method, spec := range item.Operations() {
			op, err := compileOperation(method, item.Parameters, spec)
			if err != nil {
				return nil, fmt.Errorf("%w: %s %s: %w", errContract, method, path, err)
			}
			addRules(op, rules)
			operations = append(operations, op)
		}
	}
	return operations, nil
}

func compileOperation(method string, shared openapi3.Parameters, spec *openapi3.Operation) (*operation, error) {
	if spec.OperationID == "" {
		return nil, errors.New("no operationId")
	}
	// The generator writes ids with a capital into the spec that it embeds, and
	// registers middleware by the ids as they are in openapi.yaml. A guard under an
	// id that fits neither would be missed, and callerOf lets nobody past then.
	id := strings.ToLower(spec.OperationID[:1]) + spec.OperationID[1:]
	op := &operation{id: id, writes: method != http.MethodGet}
	var err error
	if op.rule, err = compileRule(spec.Extensions["x-access"]); err != nil {
		return nil, err
	}
	for _, ref := range slices.Concat(shared, spec.Parameters) {
		p := parameter{name: ref.Value.Name, required: ref.Value.Required}
		if p.shape, err = compileShape(ref.Value.Schema); err != nil {
			return nil, fmt.Errorf("parameter %s: %w", p.name, err)
		}
		switch ref.Value.In {
		case openapi3.ParameterInPath:
			op.path = append(op.path, p)
		case openapi3.ParameterInQuery:
			op.query = append(op.query, p)
		case openapi3.ParameterInHeader:
			op.header = append(op.header, p)
		default:
			return nil, fmt.Errorf("parameter %s is in %q", p.name, ref.Value.In)
		}
	}
	if spec.RequestBody == nil {
		return op, nil
	}
	content := spec.RequestBody.Value.Content
	if media := content[echo.MIMEApplicationJSON]; !spec.RequestBody.Value.Required || len(content) != 1 || media == nil {
		return nil, errors.New("the body is not required JSON")
	}
	op.body, err = compileShape(content[echo.MIMEApplicationJSON].Schema)
	return op, err
}

// compileRule reads who may call an operation. An operation that does not say, or
// says what is not understood, is refused.
func compileRule(extension any) (auth.Rule, error) {
	access, ok := extension.(map[string]any)
	if !ok || len(access) == 0 {
		return auth.Rule{}, errors.New("no x-access")
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
		default:
			return auth.Rule{}, fmt.Errorf("x-access has an unknown %q, or an unknown value of it", key)
		}
	}
	return rule, nil
}

// instance returns the instance that the path names, or uuid.Nil when it names
// none or what stands there is no UUID: that is nobody's instance.
func (op *operation) instance(c echo.Context) uuid.UUID {
	id, err := wire.ParseUUID(pathParam(c, "instance_id"))
	if err != nil {
		return uuid.Nil
	}
	return id
}

// pathParam returns a parameter without its percent-encoding; the router matches
// an encoded path as it came. What cannot be decoded comes back as it is, and is
// refused for the percent sign.
func pathParam(c echo.Context, name string) string {
	raw := c.Param(name)
	if c.Request().URL.RawPath == "" {
		return raw
	}
	decoded, err := url.PathUnescape(raw)
	if err != nil {
		return raw
	}
	return decoded
}

// check refuses a request that is not as the contract says: with 413 or 415, or
// with every other fault at once. The body is then read and can be read again.
func (op *operation) check(c echo.Context) error {
	var in input
	var faults []Fault
	for _, p := range op.path {
		faults = append(faults, p.shape.checkText([]any{"path", p.name}, pathParam(c, p.name))...)
	}
	if len(op.query) > 0 {
		faults = append(faults, op.checkQuery(c.Request().URL.RawQuery, &in)...)
	}
	for _, p := range op.header {
		faults = append(faults, p.check("header", c.Request().Header.Values(p.name))...)
	}
	if op.body != nil {
		bodyFaults, err := op.checkBody(c, &in)
		if err != nil {
			return err
		}
		faults = append(faults, bodyFaults...)
	}
	for _, rule := range op.rules {
		faults = append(faults, rule(&in)...)
	}
	if len(faults) > 0 {
		return &InvalidError{Faults: faults[:min(len(faults), maxFaults)]}
	}
	return nil
}

// checkQuery ignores parameters that the contract does not name.
func (op *operation) checkQuery(raw string, in *input) (faults []Fault) {
	var err error
	if in.query, err = url.ParseQuery(raw); err != nil {
		faults = append(faults, valueFault([]any{"query"}, "the query string is malformed"))
	}
	for _, p := range op.query {
		faults = append(faults, p.check("query", in.query[p.name])...)
	}
	return faults
}

// check looks at a parameter of the query or of the header. Given twice, two
// readers could take two values from it.
func (p parameter) check(in string, values []string) []Fault {
	loc := []any{in, p.name}
	switch {
	case len(values) > 1:
		return []Fault{valueFault(loc, "the parameter is given more than once")}
	case len(values) == 1:
		return p.shape.checkText(loc, values[0])
	case p.required:
		return []Fault{missingFault(loc)}
	default:
		return nil
	}
}
