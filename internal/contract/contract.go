// Package contract compares every answer of a server with openapi.yaml, and counts which of the
// documented answers were reached.
//
// It guarantees that an answer that the contract does not document is reported: another status,
// header, content type, field or value. It is for tests only. It must not know how the server works,
// only what can be seen from outside.
package contract

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// Spec is a contract, ready to be compared with.
type Spec struct {
	doc        *openapi3.T
	operations []*Operation
}

// Operation is one operation of a contract.
type Operation struct {
	// ID is the operationId.
	ID string
	// Method and Path are as in the contract, with the parameters in braces.
	Method, Path string
	// Spec is the operation's own part of the contract; it must not be changed.
	Spec *openapi3.Operation

	segments []string
}

// ErrSpec is wrapped by what [Load] returns for a contract that cannot be
// compared with.
var ErrSpec = errors.New("contract: unusable contract")

// Load reads a contract in YAML or JSON that refers to nothing outside itself.
func Load(text []byte) (*Spec, error) {
	doc, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSpec, err)
	}
	if err := doc.Validate(context.Background()); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSpec, err)
	}
	s := &Spec{doc: doc}
	for path, item := range doc.Paths.Map() {
		for method, spec := range item.Operations() {
			if spec.OperationID == "" {
				return nil, fmt.Errorf("%w: %s %s has no operationId", ErrSpec, method, path)
			}
			s.operations = append(s.operations, &Operation{
				ID: spec.OperationID, Method: method, Path: path, Spec: spec, segments: strings.Split(path, "/"),
			})
		}
	}
	slices.SortFunc(s.operations, func(a, b *Operation) int {
		return strings.Compare(a.Path+" "+a.Method, b.Path+" "+b.Method)
	})
	return s, nil
}

// Current reads openapi.yaml as it is in the work tree.
func Current() (*Spec, error) {
	text, err := os.ReadFile(filepath.Join(Root(), "openapi.yaml"))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSpec, err)
	}
	return Load(text)
}

// Root returns the directory of the work tree that the tests run in.
func Root() string {
	_, file, _, ok := runtime.Caller(0)
	if dir := filepath.Join(filepath.Dir(file), "..", ".."); ok && filepath.IsAbs(file) {
		return dir
	}
	// With -trimpath a file has no absolute path; a test runs in its package.
	return filepath.Join("..", "..")
}

// Operations returns every operation, in the order of their paths.
func (s *Spec) Operations() []*Operation { return slices.Clone(s.operations) }

// Operation returns the operation of that id, or nil.
func (s *Spec) Operation(id string) *Operation {
	for _, op := range s.operations {
		if op.ID == id {
			return op
		}
	}
	return nil
}

// Document returns the contract itself, which must not be changed.
func (s *Spec) Document() *openapi3.T { return s.doc }

// Find returns the operation that a request is for, by its escaped path without
// the server's prefix, or nil. known says whether the path is in the contract,
// whatever the method.
func (s *Spec) Find(method, escapedPath string) (op *Operation, known bool) {
	segments := strings.Split(escapedPath, "/")
	for _, op := range s.operations {
		if !op.matches(segments) {
			continue
		}
		if known = true; op.Method == method {
			return op, true
		}
	}
	return nil, known
}

func (op *Operation) matches(segments []string) bool {
	if len(segments) != len(op.segments) {
		return false
	}
	for i, template := range op.segments {
		// The router takes an empty segment for a parameter too, which is then
		// refused; but not the last one.
		isParameter := strings.HasPrefix(template, "{") && (segments[i] != "" || i < len(segments)-1)
		if !isParameter && template != segments[i] {
			return false
		}
	}
	return true
}

// Statuses returns the documented statuses of the operation, in order.
func (op *Operation) Statuses() []int {
	var out []int
	for text := range op.Spec.Responses.Map() {
		if status, err := strconv.Atoi(text); err == nil {
			out = append(out, status)
		}
	}
	slices.Sort(out)
	return out
}

func (op *Operation) response(status int) *openapi3.Response {
	ref := op.Spec.Responses.Value(strconv.Itoa(status))
	if ref == nil {
		return nil
	}
	return ref.Value
}

// Exchange is a request and its answer, as far as they are compared.
type Exchange struct {
	Method string
	// Path is escaped, and without the server's prefix.
	Path   string
	Status int
	Header http.Header
	Body   []byte
}
