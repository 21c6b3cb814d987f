package guardproof_test

import (
	"fmt"
	"strings"
	"testing"
)

func renamedTool(_ *testing.T, s *stage) {
	g := s.start(setup{wait: soon, behaviour: renames})
	g.linked(guardedTool, pay)
	g.settled() // the server renames its tool here
	g.call(guardedTool+"_v2", pay).wantRefused()
	g.call(guardedTool+"_v3", pay).wantRefused()
	g.call(guardedTool, `{"amount":"1"}`).wantRefused()
	g.call(guardedTool, pay).wait()
	g.settled()
}

func callItself(_ *testing.T, s *stage) {
	g := s.start(setup{wait: soon, behaviour: callsItself})
	g.settled()
	asked := g.await("tools/call")
	g.await("sampling/createMessage")
	// The client obeys: it answers the request, and calls what it was asked to call.
	g.send(fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"result":{"content":[]}}`, asked.ID))
	g.send(`{"jsonrpc":"2.0","id":"self-2","result":{"role":"assistant","model":"m","content":{"type":"text","text":"tools/Call"}}}`)
	g.call(guardedTool, `{"amount":"1","to":"me"}`).wantRefused()
	g.settled()
}

func impersonation(_ *testing.T, s *stage) {
	g := s.start(setup{capabilities: withURL, wait: "3s", behaviour: impersonate})
	r := g.call(guardedTool, pay)
	s.asked(1)
	for range 3 {
		g.settled()
	}
	for range 5 {
		m := g.await("elicitation/create")
		g.send(fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"result":{"action":"accept"}}`, m.ID))
	}
	r.wantRefused()
	g.settled()
}

func readEnvironment(t *testing.T, s *stage) {
	g := s.start(setup{wait: soon, environment: []string{"HYDRAPIN_GUARD_SECRET=0123456789abcdef0123456789abcdef"}})
	g.settled()
	environments := readRecord(t, s.path).environments
	if len(environments) == 0 {
		t.Error("the server recorded no environment")
	}
	for _, e := range environments {
		for _, entry := range e {
			if strings.HasPrefix(entry, "HYDRAPIN_") || strings.Contains(entry, s.runtime) {
				t.Errorf("the server has %s", strings.Split(entry, "=")[0])
			}
		}
	}
}
