package guardproof_test

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gowebpki/jcs"
)

// message is any JSON-RPC message.
type message struct {
	ID     json.RawMessage `json:"id"`
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
	Result json.RawMessage `json:"result"`
	Error  *struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
	raw string
}

// ran is a tool call that a server saw.
type ran struct {
	name string
	// arguments are canonical.
	arguments string
	state     string
	raw       string
}

// toolCall finds a tool call in what is no JSON text, in any spelling that a lenient server might accept.
var toolCall = regexp.MustCompile(`(?i)tools\s*(/|\\/|\\u002f)\s*call`)

// invisible is what a careless comparison may pass over.
var invisible = regexp.MustCompile(`[\s\pC]`)

// record is what a server saw.
type record struct {
	messages     []entry
	environments [][]string
	// states are those that the server returned, each with the arguments of the call.
	states map[string]string
}

func readRecord(t testing.TB, path string) record {
	t.Helper()
	rec := record{states: map[string]string{}}
	content, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		return rec
	}
	must(t, err)
	for line := range bytes.Lines(content) {
		var e entry
		must(t, json.Unmarshal(line, &e))
		switch {
		case e.Environment != nil:
			rec.environments = append(rec.environments, e.Environment)
		case e.State != "":
			rec.states[e.State] = e.Arguments
		default:
			rec.messages = append(rec.messages, e)
		}
	}
	return rec
}

// guarded returns the calls of every tool but the one that needs no PIN.
func (r record) guarded() []ran {
	return slices.DeleteFunc(r.calls(), func(c ran) bool { return c.name == freeTool })
}

// calls returns every message that some server may take for a tool call. One that is not exactly a
// tool call has no name.
func (r record) calls() []ran {
	var calls []ran
	for _, e := range r.messages {
		if mayCall(e.Raw) {
			calls = append(calls, parseCall(e.Raw))
		}
	}
	return calls
}

// mayCall says whether some server may take a text for a tool call: a message or one of a batch with a
// method that is spelled like one, or a text that is not JSON and has such a method anywhere.
func mayCall(raw []byte) bool {
	var v any
	if json.Unmarshal(raw, &v) != nil {
		return toolCall.Match(bytes.ReplaceAll(raw, []byte("\x00"), nil)) // UTF-16 of ASCII, too
	}
	return callsIn(v) || repeatsName(raw) && toolCall.Match(raw)
}

func callsIn(v any) bool {
	switch v := v.(type) {
	case []any:
		return slices.ContainsFunc(v, callsIn)
	case map[string]any:
		for name, value := range v {
			method, ok := value.(string)
			if ok && spelled(name, "method") && spelled(method, "tools/call") {
				return true
			}
		}
	}
	return false
}

func spelled(s, like string) bool { return strings.EqualFold(invisible.ReplaceAllString(s, ""), like) }

func parseCall(raw []byte) ran {
	c := ran{raw: string(raw)}
	var m struct {
		Method string `json:"method"`
		Params struct {
			Name         string          `json:"name"`
			Arguments    json.RawMessage `json:"arguments"`
			RequestState string          `json:"requestState"`
		} `json:"params"`
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	if d.Decode(&m) != nil || m.Method != "tools/call" || repeatsName(raw) {
		return c
	}
	c.arguments = canonical(m.Params.Arguments)
	c.name, c.state = m.Params.Name, m.Params.RequestState
	return c
}

// canonical returns the arguments as RFC 8785 writes them; absent ones are none.
func canonical(arguments json.RawMessage) string {
	if len(arguments) == 0 || string(arguments) == "null" {
		return "{}"
	}
	out, err := jcs.Transform(arguments)
	if err != nil {
		return "not canonical: " + string(arguments)
	}
	return string(out)
}

// repeatsName says whether an object has a name twice, in any case.
func repeatsName(raw []byte) bool {
	d := json.NewDecoder(bytes.NewReader(raw))
	type level struct {
		object, value bool
		names         []string
	}
	var levels []level
	for {
		token, err := d.Token()
		if err == io.EOF {
			return false
		}
		if err != nil {
			return true
		}
		if delim, ok := token.(json.Delim); ok && (delim == '}' || delim == ']') {
			levels = levels[:len(levels)-1]
			continue
		}
		if n := len(levels) - 1; n >= 0 && levels[n].object {
			if !levels[n].value {
				name, _ := token.(string)
				name = strings.ToLower(name)
				// Names of arguments are the tool's: there case counts.
				if slices.Contains(levels[n].names, name) && n < 2 {
					return true
				}
				levels[n].names = append(levels[n].names, name)
			}
			levels[n].value = !levels[n].value
		}
		if delim, ok := token.(json.Delim); ok {
			levels = append(levels, level{object: delim == '{'})
		}
	}
}
