package openapi

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/paging"
)

// Operation is what the contract says of one operation, ready to be enforced.
type Operation struct {
	// ID is the operationId, which begins with a lower-case letter.
	ID string
	// Writes is true for every method but GET: a key is then read anew.
	Writes bool
	// Spends is true for an operation that spends an attempt of a PIN: one whose caller has gone
	// before that must cost nothing.
	Spends bool

	access              auth.Rule
	path, query, header []parameter
	// body is nil where the operation has none.
	body *schema
	// bodyOptional lets a request come without a body.
	bodyOptional bool
	// oneOf are parameters of the query of which one may or must be given.
	oneOf []oneOf
	// paged is true for a list that goes by page and per_page.
	paged bool
}

type parameter struct {
	name     string
	required bool
	schema   *schema
	// list is true for a header whose lines are parts of one list (RFC 9110, section 5.3).
	list bool
}

// compiler reads a contract.
type compiler struct{ checks map[string]check }

func (c compiler) operation(method string, shared openapi3.Parameters, spec *openapi3.Operation) (*Operation, error) {
	if spec.OperationID == "" {
		return nil, errors.New("no operationId")
	}
	// The generator writes ids with a capital into the spec that it embeds, and registers
	// middleware under the ids of openapi.yaml.
	id := strings.ToLower(spec.OperationID[:1]) + spec.OperationID[1:]
	op := &Operation{ID: id, Writes: method != http.MethodGet}
	var err error
	if err := knownExtensions(spec.Extensions, extAccess, extExactlyOne, extAtMostOne, extSpends, extPaged); err != nil {
		return nil, err
	}
	if op.access, err = compileAccess(spec.Extensions[extAccess]); err != nil {
		return nil, err
	}
	if spends, ok := spec.Extensions[extSpends]; ok {
		if op.Spends = spends == true && op.Writes; !op.Spends {
			return nil, fmt.Errorf("%s is not true, or not of an operation that writes", extSpends)
		}
	}
	for _, ref := range slices.Concat(shared, spec.Parameters) {
		if err := c.parameter(op, ref.Value); err != nil {
			return nil, fmt.Errorf("parameter %s: %w", ref.Value.Name, err)
		}
	}
	names := make([]string, len(op.query))
	for i, p := range op.query {
		names[i] = p.name
	}
	if op.oneOf, err = compileOneOf(spec.Extensions, names); err != nil {
		return nil, err
	}
	if paged, ok := spec.Extensions[extPaged]; ok {
		if op.paged = paged == true; !op.paged || !slices.Contains(names, "page") || !slices.Contains(names, "per_page") {
			return nil, fmt.Errorf("%s is not true, or not of an operation with page and per_page", extPaged)
		}
	}
	if spec.RequestBody == nil {
		return op, nil
	}
	content := spec.RequestBody.Value.Content
	if media := content[mediaJSON]; len(content) != 1 || media == nil {
		return nil, errors.New("the body is not required JSON")
	}
	// A body may be left out where every field of it may.
	if op.bodyOptional = !spec.RequestBody.Value.Required; op.bodyOptional && len(content[mediaJSON].Schema.Value.Required) > 0 {
		return nil, errors.New("the body is not required JSON")
	}
	op.body, err = c.schema(content[mediaJSON].Schema)
	return op, err
}

func (c compiler) parameter(op *Operation, spec *openapi3.Parameter) error {
	p := parameter{name: spec.Name, required: spec.Required}
	if err := knownExtensions(spec.Extensions, extList); err != nil {
		return err
	}
	var err error
	if list, ok := spec.Extensions[extList]; ok {
		if p.list = list == true; !p.list || spec.In != openapi3.ParameterInHeader {
			return fmt.Errorf("%s is not true, or not of a header", extList)
		}
	}
	if p.schema, err = c.schema(spec.Schema); err != nil {
		return err
	}
	switch spec.In {
	case openapi3.ParameterInPath:
		op.path = append(op.path, p)
	case openapi3.ParameterInQuery:
		op.query = append(op.query, p)
	case openapi3.ParameterInHeader:
		op.header = append(op.header, p)
	default:
		return fmt.Errorf("it is in %q", spec.In)
	}
	return nil
}

// PathValue returns a parameter of a request's path without its percent-encoding, or "". A value
// that cannot be decoded is returned as it is; its percent sign makes it invalid.
type PathValue func(name string) string

// Accepted is what validation read of a request, so that nothing reads it a second time.
type Accepted struct {
	// Params are the params of the action in canonical form; nil where the body has none.
	Params []byte
}

// Check refuses a request that is not as the contract says: with [ErrTooLarge] or an
// [*UnsupportedMediaTypeError], or with a [*ValidationError] that has everything else. The body is
// read, and can then be read again.
func (op *Operation) Check(req *http.Request, value PathValue) (Accepted, error) {
	var accepted Accepted
	var errs []FieldError
	for _, p := range op.path {
		errs = append(errs, p.schema.checkText([]any{"path", p.name}, value(p.name))...)
	}
	errs = append(errs, op.checkQuery(req.URL.RawQuery)...)
	for _, p := range op.header {
		errs = append(errs, p.checkHeader(req.Header)...)
	}
	if op.body != nil {
		body, bodyErrors, err := op.checkBody(req)
		if err != nil {
			return Accepted{}, err
		}
		accepted.Params = body.params()
		errs = append(errs, bodyErrors...)
	}
	if len(errs) > 0 {
		return Accepted{}, &ValidationError{Errors: errs[:min(len(errs), maxErrors)]}
	}
	return accepted, nil
}

// checkQuery ignores parameters that the contract does not name.
func (op *Operation) checkQuery(raw string) (errs []FieldError) {
	query, err := url.ParseQuery(raw)
	if err != nil {
		errs = append(errs, valueError([]any{"query"}, "the query string is malformed"))
	}
	for _, p := range op.query {
		errs = append(errs, p.check("query", query[p.name])...)
	}
	if op.paged && len(errs) == 0 {
		errs = checkPage(query)
	}
	return append(errs, checkOneOf([]any{"query"}, op.oneOf, query.Has)...)
}

// checkPage refuses a page beyond the rows that a list reaches. Both parameters are valid by
// themselves.
func checkPage(query url.Values) []FieldError {
	number := func(name string, standard int) int {
		if n, err := strconv.Atoi(query.Get(name)); err == nil {
			return n
		}
		return standard
	}
	last := paging.Last(number("per_page", paging.DefaultSize))
	if number("page", 1) <= last {
		return nil
	}
	return []FieldError{{
		Loc: []any{"query", "page"}, Msg: fmt.Sprintf("Input should be less than or equal to %d", last), Type: "less_than_equal",
	}}
}

// check validates a parameter of the query or the header. If it came twice, two readers could use
// two values.
func (p parameter) check(in string, values []string) []FieldError {
	loc := []any{in, p.name}
	switch {
	case len(values) > 1:
		return []FieldError{valueError(loc, "the parameter is given more than once")}
	case len(values) == 1:
		return p.schema.checkText(loc, values[0])
	case p.required:
		return []FieldError{Missing(loc...)}
	default:
		return nil
	}
}

// checkHeader validates a parameter of the header. The lines of a list become one, for the handler
// too.
func (p parameter) checkHeader(h http.Header) []FieldError {
	values := h.Values(p.name)
	if p.list && len(values) > 1 {
		values = []string{strings.Join(values, ", ")}
		h.Set(p.name, values[0])
	}
	return p.check("header", values)
}
