package openapi

import (
	"bytes"
	"errors"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// maxDepth is how deep a body may nest. It is more than an action's params may,
// so that these are refused at their own place, and keeps the reading short.
const maxDepth = 64

// value is a JSON value as it came.
type value struct {
	kind jsontext.Kind
	// text is of a string its characters, of a number its digits as written.
	text string
	// raw are the bytes of an object.
	raw []byte
	// canonical is the canonical form of an object that a check found to be params.
	canonical []byte
	// members are an object's, in order; no name occurs twice.
	members []member
	items   []*value
}

type member struct {
	name  string
	value *value
}

// member returns the value of a name, or nil.
func (v *value) member(name string) *value {
	if v == nil {
		return nil
	}
	for _, m := range v.members {
		if m.name == name {
			return m.value
		}
	}
	return nil
}

// absent reports whether an optional field is not given: it is missing, or null.
func (v *value) absent() bool { return v == nil || v.kind == jsontext.KindNull }

var (
	errTooDeep  = errors.New("openapi: nested too deep")
	errTrailing = errors.New("openapi: data after the JSON text")
)

// parseJSON reads one JSON text (RFC 8259) with nothing behind it, in valid
// UTF-8, without lone surrogates and with each name once in its object: what two
// parsers could read differently is refused. The error has the offset in bytes.
func parseJSON(body []byte) (*value, []FieldError) {
	p := parser{body: body, d: jsontext.NewDecoder(bytes.NewBuffer(body))}
	v, err := p.value(0)
	if err == nil {
		if _, err = p.d.ReadToken(); errors.Is(err, io.EOF) {
			return v, nil
		}
		if err == nil {
			err = errTrailing
		}
	}
	at := int(p.d.InputOffset())
	if se, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		at = int(se.ByteOffset)
	}
	return nil, []FieldError{jsonInvalid(min(at, len(body)))}
}

type parser struct {
	body []byte
	d    *jsontext.Decoder
}

func (p parser) value(depth int) (*value, error) {
	if depth > maxDepth {
		return nil, errTooDeep
	}
	token, err := p.d.ReadToken()
	if err != nil {
		return nil, err
	}
	v := &value{kind: token.Kind()}
	switch v.kind {
	case jsontext.KindBeginObject:
		return v, p.object(v, depth)
	case jsontext.KindBeginArray:
		return v, p.array(v, depth)
	case jsontext.KindString, jsontext.KindNumber:
		v.text = token.String()
	default:
	}
	return v, nil
}

func (p parser) object(v *value, depth int) error {
	start := p.d.InputOffset() - 1
	for p.d.PeekKind() != jsontext.KindEndObject {
		name, err := p.d.ReadToken()
		if err != nil {
			return err
		}
		m := member{name: name.String()}
		if m.value, err = p.value(depth + 1); err != nil {
			return err
		}
		v.members = append(v.members, m)
	}
	_, err := p.d.ReadToken()
	v.raw = p.body[start:p.d.InputOffset()]
	return err
}

func (p parser) array(v *value, depth int) error {
	for p.d.PeekKind() != jsontext.KindEndArray {
		item, err := p.value(depth + 1)
		if err != nil {
			return err
		}
		v.items = append(v.items, item)
	}
	_, err := p.d.ReadToken()
	return err
}

// params returns the canonical params in a value that was validated. A body has at most one such
// object.
func (v *value) params() []byte {
	switch {
	case v == nil:
		return nil
	case v.canonical != nil:
		return v.canonical
	}
	for _, m := range v.members {
		if params := m.value.params(); params != nil {
			return params
		}
	}
	return nil
}
