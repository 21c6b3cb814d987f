package guardproof_test

import (
	"fmt"
	"strings"
	"testing"
)

// rawCall is a call as it is sent, with an id of the attack's own.
func (g *guard) rawCall(id, method string) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"method":%s,"params":{"name":"send_money","arguments":%s%s}}`, id, method, pay, g.meta(""))
}

func spellMethod(_ *testing.T, s *stage) {
	g := s.start(setup{wait: soon})
	call := func(method string) string { return g.rawCall(`"m"`, method) }
	for _, raw := range []string{
		call(`"Tools/Call"`), call(`"TOOLS/CALL"`), call(`"tools/Call"`), call(`" tools/call"`), call(`"tools/call "`), call(`"tools/call\n"`),
		call(`"tools/call\u0000"`), call(`"tools//call"`), call(`"/tools/call"`), call(`"tools/call/"`), call(`["tools/call"]`),
		call(`"tools\u200b/call"`), call(`"t\u006fols\u002fcall"`), call(`"tools\/call"`), call(`"ｔools/call"`), call(`"toolſ/call"`),
		call(`"ping","Method":"tools/call"`), call(`"ping","METHOD":"tools/call"`), call(`"tools/call","Method":"ping"`),
		strings.Replace(call(`"tools/call"`), `"method"`, `"Method"`, 1),
		strings.Replace(call(`"tools/call"`), `"method"`, `"metho\u0064"`, 1),
		strings.Replace(call(`"tools/call"`), `"method"`, `"method\u0000"`, 1),
		strings.Replace(call(`"tools/call"`), `"params"`, `"Params"`, 1),
		strings.Replace(call(`"tools/call"`), `"jsonrpc":"2.0",`, ``, 1),
	} {
		g.send(raw)
		g.settled()
	}
	s.front.settled(s.t)
}

func duplicateNames(_ *testing.T, s *stage) {
	g := s.start(setup{wait: soon})
	params := func(p string) string {
		return `{"jsonrpc":"2.0","id":"d","method":"tools/call","params":{` + p + g.meta("") + `}}`
	}
	const free, bad = `"name":"read_balance"`, `"name":"send_money"`
	for _, raw := range []string{
		params(free + `,` + bad), params(bad + `,` + free), params(free + `,"Name":"send_money"`), params(free + `,"n\u0061me":"send_money"`),
		params(free + `,"NAME":"send_money"`), params(bad + `,"arguments":{},"arguments":` + pay), params(bad + `,"arguments":{},"Arguments":` + pay),
		params(bad + `,"arguments":{"amount":"1","amount":"2"}`), params(bad + `,"arguments":{"to":{"a":1,"a":2}}`),
		params(bad + `,"arguments":{"list":[{"a":1,"\u0061":2}]}`),
		`{"jsonrpc":"2.0","id":"d","method":"ping","method":"tools/call","params":{` + bad + `}}`,
		`{"jsonrpc":"2.0","id":"d","method":"tools/call","method":"ping","params":{` + bad + `}}`,
		`{"jsonrpc":"2.0","id":"d","method":"tools/call","params":{` + free + `},"params":{` + bad + `}}`,
		`{"jsonrpc":"2.0","id":"d","method":"tools/call","params":{` + free + `},"Params":{` + bad + `}}`,
		`{"jsonrpc":"2.0","id":"d","ID":"e","method":"tools/call","params":{` + bad + `}}`,
		`{"jsonrpc":"2.0","id":"d","id":null,"method":"tools/call","params":{` + bad + `}}`,
		`{"jsonrpc":"2.0","id":"d","method":"ping","params":{},"method":"tools/call","params":{` + bad + `}}`,
	} {
		g.send(raw)
		g.settled()
	}
	s.front.settled(s.t)
}

func inexactNumbers(_ *testing.T, s *stage) {
	g := s.start(setup{wait: soon})
	for _, n := range []string{
		"9007199254740993", "-9007199254740993", "12345678901234567890", "1e309", "-1e400", "0.1000000000000000055511151231257827",
		"3.141592653589793238462643383279502884197", "1e-400", strings.Repeat("9", 400), "0x10", "NaN", "01", "1.", "+1",
	} {
		g.request("tools/call", `{"name":"send_money","arguments":{"amount":`+n+`}`+g.meta("")+`}`)
	}
	g.settled()
	s.front.settled(s.t)
}

func equalNumbers(_ *testing.T, s *stage) {
	g := s.start(setup{wait: soon})
	g.linked(guardedTool, `{"n":1}`)
	g.call(guardedTool, `{"n":1.0}`).wantRan()
	g.call(guardedTool, `{"n":1e0}`).wantRefused()
	g.call(guardedTool, `{"n":1}`).wantRefused()
	g.settled()
}

func hugeArguments(_ *testing.T, s *stage) {
	g := s.start(setup{wait: soon})
	deep := func(n int) string { return strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n) }
	for _, arguments := range []string{
		`{"x":"` + strings.Repeat("x", 17<<10) + `"}`, deep(33), `{"list":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}`,
	} {
		g.call(guardedTool, arguments).wantRefused()
	}
	g.call(guardedTool, deep(100_000))
	g.call(guardedTool, `{"x":"`+strings.Repeat("x", 4<<20)+`"}`)
	g.settled()
}

func markup(t *testing.T, s *stage) {
	g := s.start(setup{wait: soon, config: "tools:\n  send_money: {skill: send_money, summary: \"Send {amount} to {to}\"}\n"})
	for _, to := range []string{
		`<script>alert(1)</script>`, `\u202eDE89\u202c`, `\u2066DE\u2069`, `</dd><form action=//evil.example>`, `{amount}`, `\n\nConfirmed`,
		`\u0000`, `\u200b\u200b`, `e\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301`, `\"' onload=x`, `\ue000`,
	} {
		g.call(guardedTool, `{"amount":"1","to":"`+to+`"}`).wantRefused()
	}
	for _, q := range s.questions("pending", s.customer) {
		page := s.page("GET", q.Link, nil)
		if strings.Contains(page, "<script>alert") || strings.Contains(page, "<form action=//evil") || strings.ContainsRune(q.Summary, '\u202e') {
			t.Errorf("the page shows %q as it is", q.Summary)
		}
	}
	g.settled()
}

func badText(_ *testing.T, s *stage) {
	g := s.start(setup{wait: soon})
	good := g.rawCall(`"t"`, `"tools/call"`)
	inAmount := func(text string) string { return strings.Replace(good, "250.00", text, 1) }
	for _, raw := range []string{
		inAmount("\xff"), inAmount("\xc0\xaf"), inAmount("\xed\xa0\x80"), inAmount(`\ud800`), inAmount(`\udc00\ud800`), inAmount("\x01"),
		strings.Replace(good, "send_money", "send_money\xff", 1), strings.Replace(good, "tools/call", "tools/call\xff", 1),
		"\ufeff" + good, "\x00" + good, good + "\x00", good + good, good + "," + good, good + "]", `{} ` + good, good[:len(good)-1],
		"\x1e" + good, "data: " + good, "Content-Length: 10\r\n\r\n" + good, "// x\r" + good, "/**/" + good, strings.ReplaceAll(good, `"`, `'`),
		"\u2028" + good, "[" + good, "null", "true", `"tools/call"`, "1", "", "   ",
		strings.ReplaceAll(good, ",", ",\r"), strings.ReplaceAll(good, ":", "\t:\v"),
	} {
		g.send(raw)
		g.settled()
	}
	s.front.settled(s.t)
}

func batch(_ *testing.T, s *stage) {
	g := s.start(setup{wait: soon})
	call := g.rawCall(`"b"`, `"tools/call"`)
	const ping = `{"jsonrpc":"2.0","id":"p","method":"ping"}`
	for _, raw := range []string{
		`[` + call + `]`, `[` + ping + `,` + call + `]`, `[` + call + `,` + ping + `]`, `[[` + call + `]]`, `[]`, `[` + ping + `]`,
		`[{"jsonrpc":"2.0","method":"ping","params":` + call + `}]`, `{"0":` + call + `}`,
	} {
		g.send(raw)
		g.settled()
	}
	s.front.settled(s.t)
}

func badIDs(_ *testing.T, s *stage) {
	g := s.start(setup{wait: soon})
	for _, id := range []string{`null`, `{}`, `[1]`, `true`, `{"id":1}`} {
		g.send(g.rawCall(id, `"tools/call"`))
		g.settled()
	}
	g.send(strings.Replace(g.rawCall(`1`, `"tools/call"`), `"id":1,`, ``, 1))
	g.settled()
	// In use, in three spellings of the same number.
	held := g.sendAs(`"in use"`, g.rawCall(`"in use"`, `"tools/call"`), "tools/call")
	for _, id := range []string{`"in use"`, `"in\u0020use"`, `77`, `77.0`, `7.7e1`} {
		g.send(g.rawCall(id, `"tools/call"`))
	}
	held.wantRefused()
	g.settled()
	s.front.settled(s.t)
}
