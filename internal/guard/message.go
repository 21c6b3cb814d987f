package guard

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/text/unicode/norm"
)

// The JSON-RPC error codes that guard answers.
const (
	codeParse          = -32700
	codeInvalidRequest = -32600
	codeInvalidParams  = -32602
	// codeRefused is of the range that JSON-RPC leaves to servers.
	codeRefused        = -32000
	codeHeaderMismatch = -32020 // MCP 2026-07-28
)

const (
	methodCall       = "tools/call"
	methodList       = "tools/list"
	methodInitialize = "initialize"
	methodElicit     = "elicitation/create"
	noteElicited     = "notifications/elicitation/complete"
	noteCancelled    = "notifications/cancelled"
	noteProgress     = "notifications/progress"
	noteListChanged  = "notifications/tools/list_changed"
	maxBatch         = 1000
	nullID           = "null"
	jsonRPCVersion   = `"2.0"`
	resultComplete   = "complete"
	resultNeedsInput = "input_required"
)

// The names of a message, and of the params of a tools/call, that every reader knows. In another
// case they are refused: some readers would take them for these.
var (
	messageNames = []string{"jsonrpc", "id", "method", "params", "result", "error"}
	callNames    = []string{"name", "arguments", "_meta", "task", "inputResponses", "requestState"}
)

// member is one member of an object. The value is compact.
type member struct {
	name  string
	value json.RawMessage
}

// object are the members of an object in their order.
type object []member

func (o object) get(name string) json.RawMessage {
	for _, m := range o {
		if m.name == name {
			return m.value
		}
	}
	return nil
}

func (o object) without(drop func(name string) bool) object {
	return slices.DeleteFunc(slices.Clone(o), func(m member) bool { return drop(m.name) })
}

// text returns the object as JSON.
func (o object) text() json.RawMessage {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(quoted(m.name))
		b.WriteByte(':')
		b.Write(m.value)
	}
	b.WriteByte('}')
	return b.Bytes()
}

func quoted(s string) json.RawMessage {
	text, err := jsontext.AppendQuote(nil, s)
	if err != nil { // Only text that is not Unicode, which is replaced.
		text, _ = json.Marshal(s)
	}
	return text
}

// message is one JSON-RPC message. It is written anew from its members.
type message struct {
	object
	method string // "" of a response
	id     json.RawMessage
}

// rpcError is a JSON-RPC error that guard answers.
type rpcError struct {
	code int
	text string
}

func (e *rpcError) Error() string { return "guard: " + e.text }

func invalid(text string) error { return &rpcError{codeInvalidRequest, text} }

var errNotJSON error = &rpcError{codeParse, "this is not JSON"}

// parse returns the messages of a line or body, and whether it is a batch. On an error, the message
// may have an id to answer to.
func parse(text []byte) (messages []message, batch bool, err error) {
	text = bytes.TrimSpace(text)
	switch {
	case !json.Valid(text):
		return nil, false, errNotJSON
	case !utf8.Valid(text):
		return nil, false, invalid("this is not valid UTF-8")
	case text[0] == '[':
		var items []json.RawMessage
		if err := json.Unmarshal(text, &items); err != nil {
			return nil, true, errNotJSON
		}
		if len(items) == 0 || len(items) > maxBatch {
			return nil, true, invalid("a batch has 1 to 1000 messages")
		}
		for _, item := range items {
			m, err := parseMessage(item)
			if err != nil {
				return nil, true, err
			}
			messages = append(messages, m)
		}
		return messages, true, nil
	default:
		m, err := parseMessage(text)
		return []message{m}, false, err
	}
}

// parseMessage reads one message. The names of its top level decide what it is, so there each must
// be unmistakable; below it, only a tools/call is looked into.
func parseMessage(text []byte) (message, error) {
	var m message
	members, err := parseObject(text)
	if err != nil {
		return m, err
	}
	m.object = members
	if err := unmistakable(members, messageNames); err != nil {
		return m, err
	}
	m.id = members.get("id")
	if method := members.get("method"); method != nil {
		if json.Unmarshal(method, &m.method) != nil || m.method == "" {
			return m, invalid("the method is not a name")
		}
	}
	return m, nil
}

// parseObject returns the members of an object, duplicates included.
func parseObject(text []byte) (object, error) {
	d := jsontext.NewDecoder(bytes.NewReader(text), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if d.PeekKind() != '{' {
		return nil, invalid("this is not an object")
	}
	if _, err := d.ReadToken(); err != nil {
		return nil, errNotJSON
	}
	members := object{}
	for d.PeekKind() != '}' {
		name, err := d.ReadToken()
		if err != nil {
			return nil, errNotJSON
		}
		m := member{name: name.String()}
		value, err := d.ReadValue()
		if err != nil {
			return nil, errNotJSON
		}
		var b bytes.Buffer
		if err := json.Compact(&b, value); err != nil {
			return nil, errNotJSON
		}
		m.value = b.Bytes()
		members = append(members, m)
	}
	return members, nil
}

// unmistakable refuses a name that occurs twice, also in another case, and a known name that is
// spelled in another way.
func unmistakable(members object, known []string) error {
	seen := map[string]bool{}
	for _, m := range members {
		folded := bare(m.name)
		if seen[folded] {
			return invalid("a name occurs twice")
		}
		seen[folded] = true
		for _, k := range known {
			if m.name != k && folded == bare(k) {
				return invalid("the name " + k + " is spelled in another way")
			}
		}
	}
	return nil
}

// bare returns what is left of a name for a reader that ignores case, width, and what cannot be seen:
// one in C ends a name at a NUL, and others trim it.
func bare(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.IsSpace(r) || unicode.In(r, unicode.Cf, unicode.Z, unicode.Mn, unicode.Other_Default_Ignorable_Code_Point) {
			return -1
		}
		return r
	}, fold(norm.NFKC.String(name)))
}

// fold returns a text that is the same for all texts that differ in case alone.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		least := r
		for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
			least = min(least, next)
		}
		return least
	}, s)
}

// isCall reports whether a method is tools/call, or something that a careless reader could take
// for it: in another case, with other characters in between, or in characters of another width.
func isCall(method string) bool {
	letters := strings.Map(func(r rune) rune {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, fold(norm.NFKC.String(method)))
	return strings.EqualFold(letters, "toolscall")
}

func (m message) isRequest() bool { return m.method != "" && m.object.get("id") != nil }

func (m message) isResponse() bool { return m.method == "" && m.object.get("id") != nil }

// line returns the message as a line, without its end.
func (m message) line() []byte { return m.text() }

// idKey returns what is the same for all spellings of an id. Only strings and numbers are ids.
func idKey(id json.RawMessage) (string, bool) {
	if len(id) == 0 {
		return "", false
	}
	if id[0] == '"' {
		var s string
		err := json.Unmarshal(id, &s)
		return "s" + s, err == nil
	}
	n, err := strconv.ParseFloat(string(id), 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return "", false
	}
	return "n" + strconv.FormatFloat(n, 'g', -1, 64), true
}

// idText returns the content of an id that is a string, or "".
func idText(id json.RawMessage) string {
	var s string
	if json.Unmarshal(id, &s) != nil {
		return ""
	}
	return s
}

func response(id json.RawMessage, name string, value json.RawMessage) []byte {
	if len(id) == 0 {
		id = json.RawMessage(nullID)
	}
	return object{{"jsonrpc", json.RawMessage(jsonRPCVersion)}, {"id", id}, {name, value}}.text()
}

// errorResponse answers a request with an error.
func errorResponse(id json.RawMessage, code int, text string) []byte {
	return response(id, "error", encoded(map[string]any{"code": code, "message": text}))
}

// request returns a request of guard's own, and notification a notification.
func request(id, method string, params any) []byte {
	return object{
		{"jsonrpc", json.RawMessage(jsonRPCVersion)}, {"id", quoted(id)}, {"method", quoted(method)}, {"params", encoded(params)},
	}.text()
}

func notification(method string, params any) []byte {
	return object{{"jsonrpc", json.RawMessage(jsonRPCVersion)}, {"method", quoted(method)}, {"params", encoded(params)}}.text()
}

// encoded returns JSON of a value that guard made itself. It does not escape <, > and &.
func encoded(v any) json.RawMessage {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err) // Maps and texts always have JSON.
	}
	return bytes.TrimSpace(b.Bytes())
}
