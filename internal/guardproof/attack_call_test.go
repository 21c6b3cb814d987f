package guardproof_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hydracore/hydrapin/internal/hydratest"
)

// pay are the arguments of most attacks.
const pay = `{"amount":"250.00","to":"DE89370400440532013000"}`

// soon is a --wait after which a call that nobody confirms is answered with the link.
const soon = "300ms"

// wantRan fails unless the tool ran.
func (r *reply) wantRan() {
	r.g.s.t.Helper()
	if m := r.wait(); !strings.Contains(m.text(), "ran ") || m.tool().IsError {
		r.g.s.t.Errorf("a call that was confirmed answered %s %s", m.raw, m.Method)
	}
}

// wantRefused fails when the tool ran, or when there is no answer.
func (r *reply) wantRefused() message {
	r.g.s.t.Helper()
	m := r.wait()
	if strings.Contains(m.text(), "ran ") || m.Error == nil && m.Result == nil && !strings.HasPrefix(m.Method, "HTTP status 4") {
		r.g.s.t.Errorf("the call answered %s %s, want a refusal", m.raw, m.Method)
	}
	return m
}

// ran runs a call that the person confirms.
func (g *guard) ran(name, arguments string) {
	g.s.t.Helper()
	r := g.call(name, arguments)
	g.s.confirm(arguments)
	r.wantRan()
}

// linked calls a tool until guard answers with the link, and lets the person confirm.
func (g *guard) linked(name, arguments string) question {
	g.s.t.Helper()
	g.call(name, arguments).wantRefused()
	return g.s.confirm(arguments)
}

func replay(_ *testing.T, s *stage) {
	g := s.start(setup{})
	g.ran(guardedTool, pay)
	g.call(guardedTool, pay)
	g.call(guardedTool, pay)
	s.asked(1)
	g.settled()
}

func changeArgument(_ *testing.T, s *stage) {
	g := s.start(setup{wait: soon})
	g.linked(guardedTool, pay)
	g.call(guardedTool, `{"amount":"250.01","to":"DE89370400440532013000"}`).wantRefused()
	g.call(guardedTool, `{"amount":"250.00","to":"DE89370400440532013001"}`).wantRefused()
	g.call(guardedTool, `{"amount":"250.00"}`).wantRefused()
	g.call(guardedTool, `{"amount":"250.00","to":"DE89370400440532013000","cc":null}`).wantRefused()
	g.call(guardedTool, `{"amount":250.00,"to":"DE89370400440532013000"}`).wantRefused()
	g.call(guardedTool, pay).wantRan()
	g.settled()
}

func swapTool(_ *testing.T, s *stage) {
	g := s.start(setup{wait: soon})
	g.linked(guardedTool, pay)
	g.call(roundsTool, pay).wantRefused()
	g.settled()
}

func raceTwoGuards(_ *testing.T, s *stage) {
	g := s.start(setup{wait: soon})
	other := s.start(setup{wait: soon, upstream: g.o.upstream})
	g.linked(guardedTool, pay)
	var all []*reply
	for range 5 {
		all = append(all, g.call(guardedTool, pay), other.call(guardedTool, pay))
	}
	for _, r := range all {
		r.wait()
	}
	g.settled()
	other.settled()
}

func raceOneGuard(_ *testing.T, s *stage) {
	g := s.start(setup{wait: soon})
	g.linked(guardedTool, pay)
	var all []*reply
	for range 20 {
		all = append(all, g.call(guardedTool, pay))
	}
	for _, r := range all {
		r.wait()
	}
	g.settled()
}

func racePIN(_ *testing.T, s *stage) {
	g := s.start(setup{})
	var all []*reply
	for range 20 {
		all = append(all, g.call(guardedTool, pay))
	}
	hydratest.Eventually(s.t, "every call waits", func() bool {
		waits := 0
		for _, at := range s.front.steps() {
			if at == wait {
				waits++
			}
		}
		return waits >= len(all)
	})
	s.confirm(pay)
	for _, r := range all {
		r.wait()
	}
	g.settled()
}

func cancelHeld(_ *testing.T, s *stage) {
	g := s.start(setup{})
	id := fmt.Sprint(g.next.Load() + 1)
	g.call(guardedTool, pay)
	s.asked(1)
	g.send(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":` + id + `,"reason":"no"}}`)
	g.settled()
	s.confirm(pay)
	g.settled()
	s.front.settled(s.t)
}

func hangUpHeld(_ *testing.T, s *stage) {
	g := s.start(setup{})
	r := g.call(guardedTool, pay)
	s.asked(1)
	r.cancel()
	<-r.done
	g.settled()
	s.confirm(pay)
	g.settled()
	s.front.settled(s.t)
}

func leaveHeld(t *testing.T, s *stage) {
	g := s.start(setup{})
	g.call(guardedTool, pay)
	s.asked(1)
	if code := g.end(); code != 0 {
		t.Errorf("guard's exit code is %d, want 0", code)
	}
	s.confirm(pay)
}

func floodQuestions(t *testing.T, s *stage) {
	g := s.start(setup{wait: soon})
	var all []*reply
	for n := range 120 {
		all = append(all, g.call(guardedTool, fmt.Sprintf(`{"amount":"%d"}`, n)))
	}
	for _, r := range all {
		r.wantRefused()
	}
	if n := len(s.questions("pending", s.customer)); n > 50 {
		t.Errorf("%d questions are pending, want 50 at most", n)
	}
	g.settled()
}

func smuggleMembers(_ *testing.T, s *stage) {
	g := s.start(setup{wait: soon})
	for _, more := range []string{
		`,"confirmed":true`, `,"Arguments":{"amount":"1"}`, `,"name ":"read_balance"`, `,"params":{"name":"read_balance"}`,
		`,"task":{"ttl":60000}`, `,"task":true`, `,"task":{"name":"read_balance"}`,
	} {
		g.callWith(guardedTool, pay, more).wantRefused()
	}
	// What is beside the protocol's keys in _meta reaches the server only when the settings pass it.
	r := g.request("tools/call", `{"name":"send_money","arguments":`+pay+
		g.meta(`,"progressToken":7,"com.example/approved":true,"X":{"name":"read_balance"}`)+`}`)
	if g.s.kind.revision == older {
		r = g.request("tools/call", `{"name":"send_money","arguments":`+pay+`,"_meta":{"com.example/approved":true}}`)
	}
	r.wantRefused()
	for _, raw := range []string{
		`{"jsonrpc":"2.0","id":"a","method":"tools/call","params":{"name":"send_money","arguments":` + pay + `},"confirmed":true}`,
		`{"jsonrpc":"2.0","id":"b","method":"tools/call","params":["send_money",` + pay + `]}`,
		`{"jsonrpc":"2.0","id":"c","method":"tools/call","params":null,"result":{}}`,
		`{"jsonrpc":"2.0","id":"d","method":"tools/call","result":{},"params":{"name":"send_money","arguments":` + pay + `}}`,
		`{"jsonrpc":"1.0","id":"e","method":"tools/call","params":{"name":"send_money","arguments":` + pay + `}}`,
		`{"id":"f","method":"tools/call","params":{"name":"send_money","arguments":` + pay + `}}`,
		`{"jsonrpc":"2.0","id":"g","method":"tools/call","params":{"name":"send_money","arguments":[1]}}`,
		`{"jsonrpc":"2.0","id":"h","method":"tools/call","params":{"name":"send_money","arguments":"x"}}`,
	} {
		g.send(raw)
	}
	g.settled()
	s.front.settled(s.t)
}

// spellings are names that some server may take for the guarded tool.
var spellings = []string{
	"Send_Money", "SEND_MONEY", "sEND_mONEY", "send_money ", " send_money", "send_money\t", "send_money\n", "send_money\x00",
	"send_money\u200b", "send\u00ad_money", "send_money\ufe0f", "\ufeffsend_money", "ｓend_money", "\u017fend_money",
	"sеnd_money", "send_mοney", "send‗money", "send-money", "sendmoney", "send_money()", "./send_money", "server/send_money",
	"send_money?", "send_money#", "send_money*", "*", "", strings.Repeat("send_money", 20), "send_mone\u0079\u0301",
	"read_balance\u0000send_money", "Read_Balance", "read_balance ",
}

func spellTool(_ *testing.T, s *stage) {
	g := s.start(setup{wait: soon})
	for _, name := range spellings {
		g.call(name, pay).wantRefused()
	}
	for i, name := range []string{`null`, `["send_money"]`, `{"name":"send_money"}`, `1`, `true`} {
		id := fmt.Sprintf(`"n%d"`, i)
		g.sendAs(id, `{"jsonrpc":"2.0","id":`+id+`,"method":"tools/call","params":{"name":`+name+`,"arguments":`+pay+g.meta("")+`}}`, "").wantRefused()
	}
	g.settled()
}

func listSpellings(t *testing.T, s *stage) {
	g := s.start(setup{wait: soon, behaviour: listsTwice})
	names := []string{"Send_Money", "ｓｅｎｄ_ｍｏｎｅｙ", "SEND_MONEY", "\u017fend_money"}
	for _, name := range names {
		g.call(name, pay).wantRefused()
	}
	if n := len(s.questions("pending", s.customer)); n != len(names) {
		t.Errorf("%d questions are pending, want one for each name", n)
	}
	g.settled()
}

// settled waits until no request of guard is on its way.
func (f *front) settled(t testing.TB) {
	t.Helper()
	hydratest.Eventually(t, "hydrapin has nothing to answer", func() bool { return f.open.Load() == 0 })
}
