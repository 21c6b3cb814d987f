package guard_test

import (
	"bufio"
	"encoding/json"
	"strings"
	"testing"

	"github.com/hydracore/hydrapin/internal/guard"
)

// Whatever passes as no call must be none for a careless reader either: one that takes any case of a
// name, the last of two, and any line separator.
func FuzzPassed(f *testing.F) {
	for _, seed := range []string{
		`{"jsonrpc":"2.0","id":1,"method":"ping"}`,
		`{"id":1,"method":"ping","Method":"tools/call"}`,
		`{"id":1,"m\u0065thod":"tools/call"}`,
		`{"id":1,"METHOD":"tools/call"}`,
		`[{"id":1,"method":"tools/call"}]`,
		`{"id":1,"method":"ping","params":{"a":"` + "\u2028" + `{\"method\":\"tools/call\"}"}}`,
		`{"id":1,"method":"x","params":{"method":"tools/call"}}`,
		"{\"id\":1,\r\"method\":\"tools/call\"}",
		`{"id":1,"method":"toolſ/call"}`,
		"\ufeff{\"id\":1,\"method\":\"tools/call\"}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		lines, ok := guard.Passed(line)
		if !ok {
			return
		}
		for _, line := range lines {
			pieces := strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune("\n\r\u2028\u2029\u0085\v\f", r) })
			if len(pieces) != 1 {
				t.Fatalf("%q has %d lines", line, len(pieces))
			}
			lines := bufio.NewScanner(strings.NewReader(line))
			lines.Buffer(nil, 1<<20)
			for lines.Scan() {
				var careless struct{ Method string }
				if json.Unmarshal(lines.Bytes(), &careless) == nil && strings.EqualFold(careless.Method, "tools/call") {
					t.Fatalf("%q passed", line)
				}
			}
		}
	})
}

// What guard reads from a call is what a careless reader takes from what guard writes.
func FuzzParseCall(f *testing.F) {
	for _, seed := range []string{
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","arguments":{"x":1}}}`,
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","name":"b"}}`,
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","Name":"b","argumentS":{}}}`,
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","argumentſ":{"x":1}}}`,
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"n\u0061me":"\u0061","arguments":null}}`,
		`{"id":1,"method":"tools/call","params":{"name":"a","inputResponses":{"hydrapin-abcdefghijklmnopqrstuvwxyz-1":{}}}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		name, arguments, params, ok := guard.ParseCall(line)
		if !ok {
			return
		}
		var careless struct {
			Name      string
			Arguments json.RawMessage
		}
		if err := json.Unmarshal([]byte(params), &careless); err != nil || careless.Name != name || string(careless.Arguments) != arguments {
			t.Fatalf("guard reads %q %q, another reader %q %q (%v)", name, arguments, careless.Name, careless.Arguments, err)
		}
	})
}
