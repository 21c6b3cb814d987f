// Package openapi enforces the contract, openapi.yaml: which credentials open an operation, and
// what its parameters and its body must be like.
//
// It guarantees that every validation error of a request is found at once, that no error holds a
// part of the input but the name of an unknown field, and that a contract which it does not
// understand completely is refused: what is not checked must not be served. It knows the nouns'
// rules and nothing of what an operation does.
package openapi

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/hydracore/hydrapin/internal/pin"
)

// ErrContract is wrapped by what [Compile] returns for a contract that it does not understand.
var ErrContract = errors.New("openapi: the contract cannot be enforced")

// Contract is the operations of a contract, ready to be enforced.
type Contract struct{ operations map[string]*Operation }

// Load reads a contract in JSON that refers to nothing outside itself, and compiles it. Errors are
// [ErrContract].
func Load(text []byte, rules pin.Rules) (*Contract, error) {
	doc := new(openapi3.T)
	// openapi3's own loader reads JSON as YAML, in a time that grows with the square of its length:
	// 40 % of the server's start.
	if err := json.Unmarshal(text, doc); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrContract, err)
	}
	if err := openapi3.NewLoader().ResolveRefsIn(doc, nil); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrContract, err)
	}
	return Compile(doc, rules)
}

// Compile reads every operation of a contract. The rules are those for a PIN that is set. Errors
// are [ErrContract].
func Compile(doc *openapi3.T, rules pin.Rules) (*Contract, error) {
	c := &Contract{operations: map[string]*Operation{}}
	compiler := compiler{checks: checks(rules)}
	for path, item := range doc.Paths.Map() {
		for method, spec := range item.Operations() {
			op, err := compiler.operation(method, item.Parameters, spec)
			if err == nil && c.operations[op.ID] != nil {
				err = errors.New("its operationId is taken")
			}
			if err != nil {
				return nil, fmt.Errorf("%w: %s %s: %w", ErrContract, method, path, err)
			}
			c.operations[op.ID] = op
		}
	}
	return c, nil
}

// Operations returns every operation by its id.
func (c *Contract) Operations() map[string]*Operation { return c.operations }
