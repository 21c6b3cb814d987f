package guard

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

// The headers of MCP 2026-07-28 that repeat what the body says. Whoever routes or logs by them must
// see what was confirmed.
const (
	methodHeader = "Mcp-Method"
	nameHeader   = "Mcp-Name"
	paramPrefix  = "Mcp-Param-"
)

var errMismatch = errors.New("hydrapin guard: a header differs from the body")

// matchHeaders compares Mcp-Method and Mcp-Name with a message.
func matchHeaders(h http.Header, m message) error {
	if values := h.Values(methodHeader); len(values) > 0 && (len(values) != 1 || values[0] != m.method) {
		return errMismatch
	}
	values := h.Values(nameHeader)
	if len(values) == 0 {
		return nil
	}
	params, err := objectIn(m.object, "params")
	if err != nil {
		return errMismatch
	}
	var in string
	switch m.method {
	case methodCall, "prompts/get":
		in = "name"
	case "resources/read":
		in = "uri"
	default:
		return nil
	}
	name, ok := headerValue(values[0])
	if value := params.get(in); len(values) != 1 || !ok || len(value) == 0 || value[0] != '"' || idText(value) != name {
		return errMismatch
	}
	return nil
}

const (
	base64Start = "=?base64?"
	base64End   = "?="
)

// headerValue returns the text of a header that may be in base64.
func headerValue(value string) (string, bool) {
	encoded, ok := strings.CutPrefix(value, base64Start)
	if !ok {
		return value, true
	}
	if encoded, ok = strings.CutSuffix(encoded, base64End); !ok {
		return value, true // A text that only begins like base64.
	}
	text, err := base64.StdEncoding.DecodeString(encoded)
	return string(text), err == nil
}

// matchParams compares every Mcp-Param header of a call with its argument. A header that belongs to
// no argument differs as well.
func matchParams(h http.Header, c *toolCall, t tool) error {
	for name, values := range h {
		argument, ok := strings.CutPrefix(name, paramPrefix)
		if !ok {
			continue
		}
		path := t.headers[strings.ToLower(argument)]
		if len(path) == 0 || len(values) != 1 || !sameValue(values[0], valueIn(c.params.get("arguments"), path)) {
			return errMismatch
		}
	}
	return nil
}

// valueIn returns the value at a path, or nil.
func valueIn(text json.RawMessage, path []string) json.RawMessage {
	for _, name := range path {
		if len(text) == 0 {
			return nil
		}
		members, err := parseObject(text)
		if err != nil {
			return nil
		}
		text = members.get(name)
	}
	return text
}

var integer = regexp.MustCompile(`^-?(0|[1-9][0-9]{0,15})$`)

// sameValue compares a header with a text, a boolean or an integer.
func sameValue(header string, value json.RawMessage) bool {
	text, ok := headerValue(header)
	switch {
	case !ok || len(value) == 0:
		return false
	case value[0] == '"':
		return idText(value) == text
	case string(value) == "true" || string(value) == "false":
		return string(value) == text
	case !integer.MatchString(text):
		return false
	}
	want, err := strconv.ParseFloat(string(value), 64)
	got, _ := strconv.ParseFloat(text, 64)
	return err == nil && got == want && math.Abs(want) <= 1<<53-1
}
