package guard_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/hydracore/hydrapin/internal/hydratest"
	"github.com/hydracore/hydrapin/sdk/go/hydrapin"
)

// What two readers could read in two ways is refused, and the session lives on.
func TestParsing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.start(w.sources(""))
	c.hello("2025-11-25", `{}`)
	for name, tt := range map[string]struct {
		line string
		id   any
		code int
	}{
		"no JSON":             {`{"jsonrpc":`, nil, -32700},
		"text":                {`hello`, nil, -32700},
		"two values":          {`{} {}`, nil, -32700},
		"a number":            {`7`, nil, -32600},
		"empty batch":         {`[]`, nil, -32600},
		"a number in a batch": {`[7]`, nil, -32600},
		"invalid UTF-8":       {"{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"method\":\"ping\",\"params\":{\"a\":\"\xff\"}}", nil, -32600},
		"method twice":        {`{"jsonrpc":"2.0","id":"x","method":"ping","method":"tools/call","params":{"name":"send_money"}}`, nil, -32600},
		"escaped twice":       {`{"jsonrpc":"2.0","id":"x","method":"ping","m\u0065thod":"tools/call","params":{"name":"send_money"}}`, nil, -32600},
		"another case":        {`{"jsonrpc":"2.0","id":"x","method":"ping","Method":"tools/call","params":{"name":"send_money"}}`, nil, -32600},
		"only another case":   {`{"jsonrpc":"2.0","id":"x","METHOD":"tools/call","params":{"name":"send_money"}}`, nil, -32600},
		"long s":              {`{"jsonrpc":"2.0","id":"x","method":"ping","paramſ":{"name":"send_money"}}`, nil, -32600},
		"NUL":                 {`{"jsonrpc":"2.0","id":"x","method\u0000":"tools/call","params":{"name":"send_money"}}`, nil, -32600},
		"white space":         {`{"jsonrpc":"2.0","id":"x"," method":"tools/call","params":{"name":"send_money"}}`, nil, -32600},
		"zero width":          {`{"jsonrpc":"2.0","id":"x","meth\u200bod":"tools/call","params":{"name":"send_money"}}`, nil, -32600},
		"wide":                {`{"jsonrpc":"2.0","id":"x","ｍethod":"tools/call","params":{"name":"send_money"}}`, nil, -32600},
		"unknown twice":       {`{"jsonrpc":"2.0","id":"x","method":"ping","x":1,"X":2}`, nil, -32600},
		"method is a number":  {`{"jsonrpc":"2.0","id":"x","method":7}`, "x", -32600},
		"batch with a call":   {`[{"jsonrpc":"2.0","id":"b","method":"tools/call","params":{"name":"read"}}]`, "b", -32600},
		"batch with Call":     {`[{"jsonrpc":"2.0","method":"TOOLS/call","params":{"name":"read"}}]`, nil, -32600},

		"call: no id":             {`{"jsonrpc":"2.0","method":"tools/call","params":{"name":"send_money"}}`, nil, -32600},
		"call: id is null":        {`{"jsonrpc":"2.0","id":null,"method":"tools/call","params":{"name":"send_money"}}`, nil, -32600},
		"call: id is a list":      {`{"jsonrpc":"2.0","id":[1],"method":"tools/call","params":{"name":"send_money"}}`, nil, -32600},
		"call: Tools/call":        {`{"jsonrpc":"2.0","id":"x","method":"Tools/call","params":{"name":"send_money"}}`, "x", -32600},
		"call: tools//call":       {`{"jsonrpc":"2.0","id":"x","method":"tools//call","params":{"name":"send_money"}}`, "x", -32600},
		"call: with space":        {`{"jsonrpc":"2.0","id":"x","method":"tools/call ","params":{"name":"send_money"}}`, "x", -32600},
		"call: zero width":        {`{"jsonrpc":"2.0","id":"x","method":"tools/\u200bcall","params":{"name":"send_money"}}`, "x", -32600},
		"call: wide letters":      {`{"jsonrpc":"2.0","id":"x","method":"ｔools/call","params":{"name":"send_money"}}`, "x", -32600},
		"call: long s":            {`{"jsonrpc":"2.0","id":"x","method":"toolſ/call","params":{"name":"send_money"}}`, "x", -32600},
		"call: name twice":        {`{"jsonrpc":"2.0","id":"x","method":"tools/call","params":{"name":"read","name":"send_money"}}`, "x", -32600},
		"call: Name":              {`{"jsonrpc":"2.0","id":"x","method":"tools/call","params":{"name":"read","Name":"send_money"}}`, "x", -32600},
		"call: name and NUL":      {`{"jsonrpc":"2.0","id":"x","method":"tools/call","params":{"name":"read","name\u0000":"send_money"}}`, "x", -32600},
		"call: only Name":         {`{"jsonrpc":"2.0","id":"x","method":"tools/call","params":{"Name":"send_money"}}`, "x", -32600},
		"call: Arguments":         {`{"jsonrpc":"2.0","id":"x","method":"tools/call","params":{"name":"send_money","Arguments":{"amount":"1"}}}`, "x", -32600},
		"call: argument twice":    {`{"jsonrpc":"2.0","id":"x","method":"tools/call","params":{"name":"read","arguments":{"a":1,"a":2}}}`, "x", -32600},
		"call: deep twice":        {`{"jsonrpc":"2.0","id":"x","method":"tools/call","params":{"name":"read","arguments":{"a":[{"b":1,"\u0062":2}]}}}`, "x", -32600},
		"call: meta twice":        {`{"jsonrpc":"2.0","id":"x","method":"tools/call","params":{"name":"read","_meta":{"a":1,"a":2}}}`, "x", -32600},
		"call: lone surrogate":    {`{"jsonrpc":"2.0","id":"x","method":"tools/call","params":{"name":"read","arguments":{"a":"\ud800"}}}`, "x", -32600},
		"call: another member":    {`{"jsonrpc":"2.0","id":"x","method":"tools/call","params":{"name":"read"},"extra":1}`, "x", -32600},
		"call: no params":         {`{"jsonrpc":"2.0","id":"x","method":"tools/call"}`, "x", -32602},
		"call: params a list":     {`{"jsonrpc":"2.0","id":"x","method":"tools/call","params":["send_money"]}`, "x", -32602},
		"call: name a number":     {`{"jsonrpc":"2.0","id":"x","method":"tools/call","params":{"name":7}}`, "x", -32602},
		"call: meta is no object": {`{"jsonrpc":"2.0","id":"x","method":"tools/call","params":{"name":"read","_meta":7}}`, "x", -32602},
	} {
		c.send("%s", tt.line)
		if r := c.next(); r.Error == nil || r.Error.Code != tt.code || r.ID != tt.id {
			t.Errorf("%s: %s, want error %d for %v", name, r.line, tt.code, tt.id)
		}
	}
	c.send("")
	c.send(`{"jsonrpc":"2.0","id":"p","method":"ping"}`)
	c.answer("p")
	w.ran()
	w.asked(0)
}

// A batch without a call passes, and a message that is too long does not end the session.
func TestBatchesAndLongLines(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.start(w.sources(""))
	c.hello("2025-03-26", `{}`)
	c.send(`[{"jsonrpc":"2.0","id":"a","method":"ping"},{"jsonrpc":"2.0","method":"notifications/x"}]`)
	c.send(`{"jsonrpc":"2.0","id":"l","method":"ping","params":{"a":"%s"}}`, strings.Repeat("x", 17<<20))
	if r := c.next(); r.Error == nil || r.Error.Code != -32600 {
		t.Errorf("%s", r.line)
	}
	c.send(`{"jsonrpc":"2.0","id":"p","method":"ping"}`)
	c.answer("p")
	record, err := os.ReadFile(w.record)
	hydratest.Must(t, err)
	if !strings.Contains(string(record), `[{"jsonrpc":"2.0","id":"a","method":"ping"},{"jsonrpc":"2.0","method":"notifications/x"}]`) {
		t.Errorf("%.2000s", record)
	}
}

func TestIDs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.start(w.sources(""))
	c.hello("2025-11-25", `{}`)
	c.send(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"send_money"}}`)
	w.open(hydrapin.StatusPending)
	for _, line := range []string{
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read"}}`,
		`{"jsonrpc":"2.0","id":1.0,"method":"tools/call","params":{"name":"read"}}`,
		`{"jsonrpc":"2.0","id":1,"method":"ping"}`,
	} {
		c.send("%s", line)
		if r := c.next(); r.Error == nil || r.Error.Code != -32600 || !strings.Contains(r.Error.Message, "in use") {
			t.Errorf("%s", r.line)
		}
	}
	// "1" is another id, and an id that was answered is free.
	for range 2 {
		c.call("1", "read", `{}`)
		c.succeeded("1", "ran read")
	}
	w.confirm()
	if r := c.next(); r.ID != 1.0 || r.text() != "ran send_money {}" {
		t.Errorf("%s", r.line)
	}
}

// Everything but calls passes both ways, as it is.
func TestEverythingElsePasses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.start(w.sources(""))
	c.hello("2025-11-25", `{}`)
	c.send(`{"jsonrpc":"2.0","id":9007199254740993,"method":"custom/echo","params":{"n":12345678901234567890,"f":1.0,"d":1,"d":2,"s":"\ud800<&>"}}`)
	if r := c.next(); !strings.Contains(r.line, `"id":9007199254740993,"result":{"n":12345678901234567890,"f":1.0,"d":1,"d":2,"s":"\ud800<&>"}`) {
		t.Errorf("%s", r.line)
	}
	// A request of the upstream, and its answer.
	c.call("1", "ask", `{}`)
	if r := c.next(); r.Method != "sampling/createMessage" || r.ID != "upstream-1" {
		t.Errorf("%s", r.line)
	}
	c.answer("1")
	c.send(`{"jsonrpc":"2.0","id":"upstream-1","result":{"role":"assistant"}}`)
	c.send(`{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":1}}`)
	c.send(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"nobody"}}`)
	c.send(`{"jsonrpc":"2.0","id":"p","method":"ping"}`)
	c.answer("p")
	record, err := os.ReadFile(w.record)
	hydratest.Must(t, err)
	for _, want := range []string{
		`{"jsonrpc":"2.0","id":"upstream-1","result":{"role":"assistant"}}`,
		`{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":1}}`,
		`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"nobody"}}`,
	} {
		if !strings.Contains(string(record), want+"\n") {
			t.Errorf("the upstream did not get %s", want)
		}
	}
}

// On a call that is confirmed, nothing passes that was not; on one that needs no PIN, all of it.
func TestMembersOfACall(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.start(w.sources(`pass_meta: [com.example/tenant]`))
	c.hello("2025-11-25", `{}`)
	meta := `{"progressToken":7,"io.modelcontextprotocol/related":1,"dev.mcp/x":2,"traceparent":"t","tracestate":"s","baggage":"b",` +
		`"com.example/tenant":"a","com.example/amount":"1000000","Io.Modelcontextprotocol/x":1,"amount":2}`
	kept := `{"progressToken":7,"io.modelcontextprotocol/related":1,"dev.mcp/x":2,"traceparent":"t","tracestate":"s","baggage":"b","com.example/tenant":"a"}`
	c.send(`{"jsonrpc":"2.0","id":"1","method":"tools/call","params":{"name":"read","arguments":{"b":1,"a":2},"_meta":%s,"new":{"x":1}}}`, meta)
	c.succeeded("1", `ran read {"b":1,"a":2}`)
	c.send(`{"jsonrpc":"2.0","id":"2","method":"tools/call","params":{"name":"send_money","arguments":{"b":1,"a":2},"new":{"x":1}}}`)
	c.refused("2", "has a member besides")
	c.send(`{"jsonrpc":"2.0","id":"3","method":"tools/call","params":{"name":"send_money","arguments":{"b":1,"a":2},"_meta":%s}}`, meta)
	w.confirm()
	c.succeeded("3", `ran send_money {"a":2,"b":1}`)
	w.ran(
		`{"name":"read","arguments":{"b":1,"a":2},"_meta":`+meta+`,"new":{"x":1}}`,
		`{"name":"send_money","arguments":{"a":2,"b":1},"_meta":`+kept+`}`,
	)
}

// A task passes as one, gets its refusals as errors, and has no outcome.
func TestTasks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.sources("")
	s.Wait = new("0s")
	c := w.start(s)
	c.hello("2025-11-25", `{}`)
	task := `{"jsonrpc":"2.0","id":%q,"method":"tools/call","params":{"name":"send_money","task":{"ttl":60000}}}`
	c.send(task, "1")
	c.rejected("1", -32000, "after confirming")
	conf := w.confirm()
	c.send(task, "2")
	if r := c.answer("2"); !strings.Contains(r.line, `"taskId":"t1"`) {
		t.Errorf("%s", r.line)
	}
	w.ran(`{"name":"send_money","arguments":{},"task":{"ttl":60000}}`)
	now, err := w.Runtime.Confirmation(t.Context(), conf.ID, 0)
	if err != nil || now.Status != hydrapin.StatusRedeemed || now.Outcome != "" {
		t.Errorf("%+v, %v", now, err)
	}
}

// What cannot be canonical is not confirmed.
func TestArgumentsThatCannotBeConfirmed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.start(w.sources(""))
	c.hello("2025-11-25", `{}`)
	deep := strings.Repeat(`{"a":`, 40) + `1` + strings.Repeat(`}`, 40)
	for i, tt := range []struct{ arguments, says string }{
		{`{"amount":9007199254740993}`, "params.amount"},
		{`{"amount":1e400}`, "params.amount"},
		{`{"amount":100000000000000000000}`, "pass a string"},
		{deep, "32 levels"},
		{`{"a":"` + strings.Repeat("x", 17<<10) + `"}`, "16 KiB"},
		{`[1]`, "not a JSON object"},
		{`"x"`, "not a JSON object"},
	} {
		id := fmt.Sprint(i)
		c.call(id, "send_money", tt.arguments)
		c.refused(id, tt.says)
	}
	w.ran()
	w.asked(0)
}

// 1 and 1.0 are one call, and what is forwarded is what was confirmed.
func TestOneAndOnePointZero(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.sources("")
	s.Wait = new("0s")
	c := w.start(s)
	c.hello("2025-11-25", `{}`)
	c.call("1", "send_money", `{"amount":1.0}`)
	c.refused("1", "after confirming")
	w.confirm()
	c.call("2", "send_money", `{"amount":10e-1}`)
	c.succeeded("2", `ran send_money {"amount":1}`)
}
