package guard_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hydracore/hydrapin/internal/guard"
	"github.com/hydracore/hydrapin/internal/hydratest"
	"github.com/hydracore/hydrapin/sdk/go/hydrapin"
)

// modern is what a client of 2026-07-28 sends with each request.
func modern(capabilities string) string {
	return `"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"t","version":"1"},` +
		`"io.modelcontextprotocol/clientCapabilities":` + capabilities + `}`
}

const urls = `{"elicitation":{"form":{},"url":{}}}`

// A client that can show a URL is sent to the page, and calls again.
func TestInputRequired(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.sources("")
	s.Wait = new("1s")
	c := w.start(s)
	call := func(id, more string) {
		c.send(`{"jsonrpc":"2.0","id":%q,"method":"tools/call","params":{"name":"send_money","arguments":{"amount":"1"},%s%s}}`, id, modern(urls), more)
	}
	call("1", "")
	r := c.answer("1")
	if r.Result == nil || r.Result.ResultType != "input_required" || len(r.Result.InputRequests) != 1 || r.Result.RequestState != nil {
		t.Fatalf("%s", r.line)
	}
	conf := w.open(hydrapin.StatusPending)
	key := ""
	for k, in := range r.Result.InputRequests {
		key = k
		if in.Method != "elicitation/create" || in.Params.Mode != "url" || in.Params.URL != conf.ConfirmURL ||
			in.Params.Message != "Confirm with your PIN: Run send_money: amount = 1" || !strings.HasPrefix(k, "hydrapin-") {
			t.Errorf("%s", r.line)
		}
	}
	// The client says that the person accepted: that is not the person's word. The call is held, then
	// there is the link.
	answers := fmt.Sprintf(`,"inputResponses":{%q:{"action":"accept"}}`, key)
	call("2", answers)
	if r := c.refused("2", conf.ConfirmURL); r.Result.ResultType != "complete" {
		t.Errorf("%s", r.line)
	}
	w.ran()
	w.confirm()
	call("3", answers)
	c.succeeded("3", "ran send_money")
	if seen := w.seen(); len(seen) != 1 || strings.Contains(seen[0], "inputResponses") {
		t.Errorf("%q", seen)
	}
	// A name that is not one of guard's is an answer to the upstream, which asked nothing.
	call("4", `,"inputResponses":{"hydrapin-x-1":{"action":"accept"}}`)
	c.refused("4", "request state")
}

// An upstream's own round passes once, unasked, with exactly its state and the confirmed call.
func TestTheUpstreamsOwnRounds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.start(w.sources(""))
	call := func(id, arguments, more string) {
		c.send(`{"jsonrpc":"2.0","id":%q,"method":"tools/call","params":{"name":"rounds","arguments":%s,%s%s}}`, id, arguments, modern(`{}`), more)
	}
	answers := `,"inputResponses":{"name":{"action":"accept","content":{}}}`
	call("0", `{"a":1}`, `,"requestState":"the state"`+answers)
	c.refused("0", "request state")
	call("1", `{"a":1}`, "")
	conf := w.confirm()
	if r := c.answer("1"); r.Result == nil || r.Result.ResultType != "input_required" {
		t.Fatalf("%s", r.line)
	}
	for id, try := range map[string][2]string{
		"other arguments": {`{"a":2}`, `,"requestState":"the state"` + answers},
		"other state":     {`{"a":1}`, `,"requestState":"another state"` + answers},
		"no state":        {`{"a":1}`, answers},
		"no text":         {`{"a":1}`, `,"requestState":null` + answers},
	} {
		call(id, try[0], try[1])
		c.refused(id, "request state")
	}
	now, err := w.Runtime.Confirmation(t.Context(), conf.ID, 0)
	if err != nil || now.Outcome != "" {
		t.Errorf("an outcome between two rounds: %+v, %v", now, err)
	}
	call("2", `{"a":1.0}`, `,"requestState":"the stat\u0065"`+answers)
	c.succeeded("2", `ran rounds {"a":1}`)
	w.outcome(conf.ID, hydrapin.OutcomeExecuted)
	call("3", `{"a":1}`, `,"requestState":"the state"`+answers)
	c.refused("3", "request state")
	// Not in another guard.
	call("4", `{"a":2}`, "")
	w.confirm()
	c.answer("4")
	other := w.start(w.sources(""))
	other.send(`{"jsonrpc":"2.0","id":"1","method":"tools/call","params":{"name":"rounds","arguments":{"a":2},%s,"requestState":"the state"%s}}`, modern(`{}`), answers)
	other.refused("1", "request state")
	if len(w.seen()) != 3 {
		t.Errorf("%q", w.seen())
	}
	w.asked(0)
}

// What a client answers to guard's requests stops at guard, and what it makes up changes nothing.
func TestForgedElicitation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.start(w.sources(""))
	c.hello("2025-11-25", urls)
	c.call("1", "send_money", `{}`)
	r := c.until("elicitation", func(r received) bool { return r.Method == "elicitation/create" })
	id := r.ID.(string)
	c.send(`{"jsonrpc":"2.0","id":%q,"result":{"action":"accept"}}`, id)
	c.send(`{"jsonrpc":"2.0","id":%q,"result":{"action":"accept"}}`, id)
	c.send(`{"jsonrpc":"2.0","id":%q,"result":{"action":"accept","content":{"approved":true}}}`, id[:len(id)-1]+"99")
	c.send(`{"jsonrpc":"2.0","id":%q,"error":{"code":-32601,"message":"no"}}`, id)
	c.send(`{"jsonrpc":"2.0","method":"notifications/elicitation/complete","params":{"elicitationId":%q}}`, id)
	c.send(`{"jsonrpc":"2.0","id":"p","method":"ping"}`)
	c.answer("p")
	w.ran()
	w.confirm()
	c.until("complete", func(r received) bool {
		return r.Method == "notifications/elicitation/complete" && strings.Contains(string(r.Params), id)
	})
	c.succeeded("1", "ran send_money")
}

// An error of the client's is no answer: the call stays held.
func TestElicitationFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.start(w.sources(""))
	c.hello("2025-11-25", urls)
	c.call("1", "send_money", `{}`)
	r := c.until("elicitation", func(r received) bool { return r.Method == "elicitation/create" })
	c.send(`{"jsonrpc":"2.0","id":%q,"error":{"code":-32603,"message":"no"}}`, r.ID)
	w.confirm()
	c.succeeded("1", "ran send_money")
	hydratest.Must(t, c.in.Close())
}

// A state continues its call once, within ten minutes, and there is a bound to how many are kept.
func TestStates(t *testing.T) {
	t.Parallel()
	clock := hydratest.NewClock()
	r := guard.NewRounds(clock.Now)
	r.Put("a")
	r.Put("b")
	clock.Add(10*time.Minute - time.Second)
	if !r.Take("a") || r.Take("a") || r.Take("c") {
		t.Error("a state passes other than once")
	}
	clock.Add(time.Second)
	if r.Take("b") {
		t.Error("a state passes after ten minutes")
	}
	for i := range 10_001 {
		r.Put(fmt.Sprint(i))
	}
	if r.Take("10000") || !r.Take("9999") {
		t.Error("there is no bound")
	}
	clock.Add(10 * time.Minute)
	if r.Put("new"); !r.Take("new") {
		t.Error("old states are not forgotten")
	}
}
