package httpapi

import (
	"net/http"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/hydracore/hydrapin/internal/pin"
)

// Answer tells what becomes of an error.
func Answer(err error) (status int, kind string, header http.Header, body string) {
	a := answerOf(err)
	header = http.Header{}
	a.setHeaders(header)
	return a.status, string(a.kind), header, string(a.body("id"))
}

// Compile compiles a contract and returns its operations by id.
func Compile(doc *openapi3.T) (map[string]Operation, error) {
	operations, err := compileOperations(doc, pin.DefaultRules())
	byID := map[string]Operation{}
	for _, op := range operations {
		byID[op.id] = Operation{op}
	}
	return byID, err
}

// Operation is one compiled operation.
type Operation struct{ op *operation }

// CheckBody returns the faults of a body's bytes.
func (o Operation) CheckBody(body []byte) []Fault {
	v, faults := parseJSON(body)
	if len(faults) > 0 {
		return faults
	}
	faults = o.op.body.check([]any{"body"}, v)
	for _, rule := range o.op.rules {
		faults = append(faults, rule(&input{body: v})...)
	}
	return faults
}

// CheckPath returns the faults of the first parameter of the path.
func (o Operation) CheckPath(text string) []Fault {
	p := o.op.path[0]
	return p.shape.checkText([]any{"path", p.name}, text)
}
