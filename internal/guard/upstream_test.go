package guard_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
)

// tools are those of the tests' upstream.
var tools = []string{"send_money", "read", "fail", "error", "silent", "rounds", "die", "change", "ask", "Ünïcode", "env"}

// upstream is an MCP server that writes every message it gets to a file, and answers simply. It is
// careless: it takes any case of a name.
func upstream(record string, in io.Reader, out io.Writer) int {
	file, err := os.OpenFile(record, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return 3
	}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 32<<20)
	fmt.Fprintln(out, "a banner that is no JSON")
	for lines.Scan() {
		fmt.Fprintln(file, lines.Text())
		var m map[string]json.RawMessage
		if json.Unmarshal(lines.Bytes(), &m) != nil {
			continue
		}
		var method string
		_ = json.Unmarshal(m["method"], &method)
		if code := respond(out, method, m); code != 0 {
			return code
		}
	}
	return 0
}

func respond(out io.Writer, method string, m map[string]json.RawMessage) (exit int) {
	id := string(m["id"])
	result := func(format string, args ...any) {
		fmt.Fprintf(out, `{"jsonrpc":"2.0","id":%s,"result":%s}`+"\n", id, fmt.Sprintf(format, args...))
	}
	switch method {
	case "initialize":
		var p struct{ ProtocolVersion string }
		_ = json.Unmarshal(m["params"], &p)
		result(`{"protocolVersion":%q,"capabilities":{"tools":{"listChanged":true}},"serverInfo":{"name":"u","version":"1"}}`, p.ProtocolVersion)
	case "tools/list":
		var list []string
		for _, name := range tools {
			list = append(list, fmt.Sprintf(`{"name":%q,"inputSchema":{"type":"object"}}`, name))
		}
		list = append(list, `{"name":"region","inputSchema":{"type":"object","properties":{"region":{"type":"string","x-mcp-header":"Region"},`+
			`"n":{"type":"integer","x-mcp-header":"N"},"b":{"type":"boolean","x-mcp-header":"B"},"odd":true,`+
			`"in":{"type":"object","properties":{"deep":{"type":"string","x-mcp-header":"Deep"}}}}}}`)
		result(`{"tools":[%s]}`, strings.Join(list, ","))
	case "tools/call":
		return called(out, m["params"], result)
	case "ping":
		result(`{}`)
	case "custom/echo":
		result(`%s`, m["params"])
	}
	return 0
}

func called(out io.Writer, params json.RawMessage, result func(string, ...any)) (exit int) {
	var p struct {
		Name         string
		Arguments    json.RawMessage
		RequestState *string
		Task         json.RawMessage
		Meta         json.RawMessage `json:"_meta"`
	}
	_ = json.Unmarshal(params, &p)
	say := func(text string, more string) {
		quoted, _ := json.Marshal(text)
		result(`{"content":[{"type":"text","text":%s}]%s}`, quoted, more)
	}
	switch {
	case p.Name == "die":
		return 7
	case p.Name == "silent":
	case p.Name == "fail":
		say("it failed", `,"isError":true`)
	case p.Name == "env":
		say(strings.Join(os.Environ(), "\n"), "")
	case p.Name == "rounds" && p.RequestState == nil:
		result(`{"resultType":"input_required","requestState":"the state","inputRequests":{"name":{"method":"elicitation/create","params":{"mode":"form","message":"who?","requestedSchema":{"type":"object","properties":{}}}}}}`)
	case p.Name == "ask":
		fmt.Fprintln(out, `{"jsonrpc":"2.0","id":"upstream-1","method":"sampling/createMessage","params":{"messages":[],"maxTokens":1}}`)
		say("asked", "")
	case p.Name == "change":
		fmt.Fprintln(out, `{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}`)
		say("changed", "")
	case len(p.Task) > 0:
		result(`{"task":{"taskId":"t1","status":"working","createdAt":"2026-11-27T00:00:00Z","lastUpdatedAt":"2026-11-27T00:00:00Z","ttl":null}}`)
	default:
		say(fmt.Sprintf("ran %s %s", p.Name, p.Arguments), "")
	}
	return 0
}
