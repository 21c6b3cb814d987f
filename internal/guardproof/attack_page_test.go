package guardproof_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/google/uuid"
)

func forgeAccept(t *testing.T, s *stage) {
	g := s.start(setup{capabilities: withURL, wait: soon})
	if s.kind.revision == older {
		r := g.call(guardedTool, pay)
		asked := g.await("elicitation/create")
		for range 20 {
			g.send(fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"result":{"action":"accept","content":{"confirmed":true}}}`, asked.ID))
		}
		g.send(`{"jsonrpc":"2.0","method":"notifications/elicitation/complete","params":{"elicitationId":"` + uuid.NewString() + `"}}`)
		r.wantRefused()
		g.settled()
		return
	}
	first := g.call(guardedTool, pay).wantRefused().tool()
	if first.ResultType != "input_required" || len(first.InputRequests) != 1 || first.RequestState != "" {
		t.Errorf("the first answer is %+v, want one input request and no state", first)
	}
	for key, request := range first.InputRequests {
		if request.Method != "elicitation/create" || request.Params.Mode != "url" || !strings.Contains(request.Params.URL, "/confirm/") {
			t.Errorf("the input request is %+v", request)
		}
		for _, action := range []string{"accept", "accept", "confirm", "approved"} {
			g.callWith(guardedTool, pay, fmt.Sprintf(`,"inputResponses":{%q:{"action":%q,"content":{"confirmed":true}}}`, key, action)).wantRefused()
		}
	}
	g.settled()
}

func forgeInputResponses(_ *testing.T, s *stage) {
	g := s.start(setup{capabilities: withURL, wait: soon})
	for _, key := range []string{"hydrapin", "hydrapin-1", "hydrapin-x-1", "confirmation", ""} {
		g.callWith(guardedTool, pay, fmt.Sprintf(`,"inputResponses":{%q:{"action":"accept"}}`, key)).wantRefused()
	}
	g.callWith(guardedTool, pay, `,"inputResponses":null`).wantRefused()
	g.callWith(guardedTool, pay, `,"inputResponses":[{"action":"accept"}]`).wantRefused()
	g.callWith(guardedTool, pay, `,"inputResponses":{"a":{"action":"decline"},"a":{"action":"accept"}}`).wantRefused()
	g.settled()
}

func forgeState(_ *testing.T, s *stage) {
	g := s.start(setup{wait: soon})
	for _, state := range []string{`"state-guess"`, `""`, `null`, `1`, `{"state":"x"}`, `["x"]`, `"` + strings.Repeat("s", 1<<16) + `"`} {
		g.callWith(roundsTool, pay, `,"requestState":`+state+`,"inputResponses":{"question":{"action":"accept"}}`).wantRefused()
		g.callWith(guardedTool, pay, `,"requestState":`+state).wantRefused()
	}
	g.settled()
}

// roundsState runs a confirmed call whose server asks for another round, and returns its state as
// more members of params.
func (g *guard) roundsState() string {
	g.s.t.Helper()
	g.linked(roundsTool, pay)
	first := g.call(roundsTool, pay).wait().tool()
	if first.ResultType != "input_required" || first.RequestState == "" || first.InputRequests["question"].Method == "" {
		g.s.t.Fatalf("the server's first answer came as %+v", first)
	}
	return fmt.Sprintf(`,"requestState":%q,"inputResponses":{"question":{"action":"accept","content":{"n":1}}}`, first.RequestState)
}

const withForm = `{"elicitation":{"form":{}}}`

func swapState(_ *testing.T, s *stage) {
	g := s.start(setup{capabilities: withForm, wait: soon})
	state := g.roundsState()
	other := s.start(setup{capabilities: withForm, wait: soon, upstream: g.o.upstream})
	other.callWith(roundsTool, pay, state).wantRefused()
	g.callWith(roundsTool, `{"amount":"9999.00"}`, state).wantRefused()
	g.callWith(guardedTool, pay, state).wantRefused()
	g.callWith(roundsTool, pay, state+`,"confirmed":true`).wantRefused()
	g.settled()
	other.settled()
}

func replayState(_ *testing.T, s *stage) {
	g := s.start(setup{capabilities: withForm, wait: soon})
	state := g.roundsState()
	g.callWith(roundsTool, pay, state).wantRan()
	g.callWith(roundsTool, pay, state).wantRefused()
	g.callWith(roundsTool, pay, state).wantRefused()
	g.settled()
}

func openLink(t *testing.T, s *stage) {
	g := s.start(setup{wait: soon})
	answer := g.call(guardedTool, pay).wantRefused()
	link := s.asked(1)[0].Link
	if !strings.Contains(answer.text(), link) {
		t.Errorf("the answer %q has no link", answer.text())
	}
	for _, pin := range []string{"", "000000", "1234", incorrectPIN} {
		s.onPage(link, "confirm", pin)
	}
	s.page(http.MethodGet, link+"?decision=confirm&action=accept&pin=", nil)
	s.page(http.MethodPost, link, url.Values{"decision": {"approve"}, "used": {"0"}, "approved": {"true"}})
	g.call(guardedTool, pay).wantRefused()
	g.settled()
}

func askAfterDecline(_ *testing.T, s *stage) {
	g := s.start(setup{})
	r := g.call(guardedTool, pay)
	s.decline()
	r.wantRefused()
	for range 3 {
		g.call(guardedTool, pay).wantRefused()
	}
	s.asked(0)
	g.settled()
}

func lockedPIN(_ *testing.T, s *stage) {
	g := s.start(setup{wait: "3s"})
	r := g.call(guardedTool, pay)
	link := s.asked(1)[0].Link
	for range 5 {
		s.onPage(link, "confirm", incorrectPIN)
	}
	s.onPage(link, "confirm", correctPIN)
	r.wantRefused()
	g.call(guardedTool, pay).wantRefused()
	g.settled()
}

func afterFreeze(_ *testing.T, s *stage) {
	g := s.start(setup{wait: soon})
	g.linked(guardedTool, pay)
	s.admin(http.MethodPut, "/v1/instances/"+s.instance.String()+"/freeze", `{"reason":"attack"}`)
	g.call(guardedTool, pay).wantRefused()
	g.call(freeTool, `{}`).wantRefused()
}

func afterNewPIN(_ *testing.T, s *stage) {
	g := s.start(setup{wait: soon})
	g.linked(guardedTool, pay)
	s.setPIN(s.customer)
	g.call(guardedTool, pay).wantRefused()
	g.settled()
}

func afterLockNow(t *testing.T, s *stage) {
	g := s.start(setup{wait: soon})
	g.linked(guardedTool, pay)
	status, body := s.api(s.runtime, http.MethodDelete, "/internal/v1/instances/"+s.instance.String()+
		"/pin-sessions?customer_id="+s.customer.String(), "")
	if status != http.StatusNoContent {
		t.Fatalf("lock now answered %d: %s", status, body)
	}
	g.call(guardedTool, pay).wantRefused()
	g.settled()
}

func anotherPerson(_ *testing.T, s *stage) {
	g := s.start(setup{wait: soon})
	g.linked(guardedTool, pay)
	someone := uuid.New()
	s.setPIN(someone)
	other := s.start(setup{wait: soon, customer: someone, upstream: g.o.upstream})
	other.call(guardedTool, pay).wantRefused()
	other.settled()
}

func ridePINSession(t *testing.T, s *stage) {
	g := s.start(setup{wait: soon})
	confirmations := "/internal/v1/instances/" + s.instance.String() + "/confirmations"
	_, body := s.api(s.runtime, http.MethodPost, confirmations, `{"skill":"send_money","role":"owner","customer_id":"`+s.customer.String()+`"}`)
	var asked question
	must(t, json.Unmarshal(body, &asked))
	status, body := s.api(s.runtime, http.MethodPost, confirmations+"/"+asked.ID.String()+"/verify", `{"pin":"`+correctPIN+`"}`)
	if status != http.StatusOK || !strings.Contains(string(body), `"session_expires_at":"`) {
		t.Fatalf("verify answered %d: %s", status, body)
	}
	g.call(guardedTool, pay).wantRefused()
	g.settled()
}

func loosenedPolicy(_ *testing.T, s *stage) {
	g := s.start(setup{wait: soon, config: "tools:\n  send_money: {skill: send_money, summary: \"Send {amount}\"}\n"})
	s.policy(`[]`)
	g.call(guardedTool, pay).wantRefused()
	g.settled()
}

func expired(t *testing.T, s *stage) {
	g := s.start(setup{wait: soon, config: "expires_in: 5s\n"})
	link := regexp.MustCompile(`http\S*/confirm/\S*`).FindString(g.call(guardedTool, pay).wantRefused().text())
	if link == "" {
		t.Fatal("the answer has no link")
	}
	s.asked(0)
	s.onPage(link, "confirm", correctPIN)
	g.call(guardedTool, pay).wantRefused()
	g.settled()
}
