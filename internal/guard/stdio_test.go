package guard_test

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/guard"
	"github.com/hydracore/hydrapin/internal/hydratest"
	"github.com/hydracore/hydrapin/sdk/go/hydrapin"
)

const gatewaySecret = "a-secret-of-the-gateway-not-of-a-person"

// The core of it: a call that needs no PIN passes, and one that does runs after the person confirmed
// on the page.
func TestACallRunsAfterThePersonConfirmed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.start(w.sources(""))
	c.hello("2025-11-25", `{}`)
	c.call("1", "read", `{"path":"/x"}`)
	c.succeeded("1", `ran read {"path":"/x"}`)
	w.asked(0)

	c.call("2", "send_money", transfer)
	conf := w.confirm()
	if conf.Skill != "send_money" || conf.ActionSummary != `Run send_money: amount = 250.00, currency = EUR, recipient = {"iban":"DE89370400440532013000"}` {
		t.Errorf("%+v", conf)
	}
	c.succeeded("2", "ran send_money "+transfer)
	w.outcome(conf.ID, hydrapin.OutcomeExecuted)
	w.ran(`{"name":"read","arguments":{"path":"/x"}}`, `{"name":"send_money","arguments":`+transfer+`}`)
}

// A decline on the page refuses the same call until its lifetime ends, without asking again; another
// call is another question.
func TestADeclineHoldsForTheSameCall(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.start(w.sources(""))
	c.hello("2025-11-25", `{}`)
	c.call("1", "send_money", `{"amount":"1"}`)
	hydratest.Must(t, w.ada.Decline(t.Context(), w.open(hydrapin.StatusPending)))
	c.refused("1", "declined")
	c.call("2", "send_money", `{"amount":"1"}`)
	c.refused("2", "declined")
	c.call("3", "send_money", `{"amount":"2"}`)
	w.confirm()
	c.succeeded("3", `{"amount":"2"}`)
	w.Advance(6 * time.Minute)
	c.call("4", "send_money", `{"amount":"1"}`)
	w.confirm()
	c.succeeded("4", `{"amount":"1"}`)
	w.ran(`{"name":"send_money","arguments":{"amount":"2"}}`, `{"name":"send_money","arguments":{"amount":"1"}}`)
}

// Who does not confirm in time gets a link, and the same call finds its confirmation: after a
// restart of guard, from another guard, with its arguments in another order, and once.
func TestTheSameCallFindsItsConfirmation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	short := func() guard.Sources {
		s := w.sources("")
		s.Wait = new("0s")
		return s
	}
	c := w.start(short())
	c.hello("2025-06-18", `{}`)
	c.call("1", "send_money", `{"amount":"1","to":"Bo"}`)
	first := c.refused("1", "call this tool again with the same arguments after confirming")
	conf := w.open(hydrapin.StatusPending)
	if !strings.Contains(first.text(), conf.ConfirmURL) {
		t.Errorf("no link in %q", first.text())
	}
	c.call("2", "send_money", ` { "to" : "\u0042o", "amount":"1" } `)
	c.refused("2", conf.ConfirmURL)
	w.asked(1)

	other := w.start(short())
	other.hello("2025-06-18", `{}`)
	w.confirm()
	other.call("1", "send_money", `{"to":"Bo","amount":"1"}`)
	other.succeeded("1", "ran send_money")
	// The approval is used up.
	c.call("3", "send_money", `{"amount":"1","to":"Bo"}`)
	c.refused("3", conf.ConfirmURL[:8])
	if again := w.open(hydrapin.StatusPending); again.ID == conf.ID {
		t.Error("the approval was found again")
	}
	w.ran(`{"name":"send_money","arguments":{"amount":"1","to":"Bo"}}`)
}

// Of identical calls in flight one runs.
func TestIdenticalCallsInFlight(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := w.start(w.sources("")), w.start(w.sources(""))
	for _, c := range []*client{a, b} {
		c.hello("2025-11-25", `{}`)
		c.call("1", "send_money", `{"amount":"1"}`)
		c.call("2", "send_money", `{"amount":"1"}`)
	}
	conf := w.confirm()
	ran, used := 0, 0
	for _, c := range []*client{a, b} {
		for range 2 {
			switch r := c.until("answer", func(r received) bool { return r.Method == "" }); {
			case strings.Contains(r.text(), "ran send_money"):
				ran++
			case strings.Contains(r.text(), "the approval was used"):
				used++
			default:
				t.Errorf("%s", r.line)
			}
		}
	}
	if ran != 1 || used != 3 {
		t.Errorf("%d ran, %d were used up", ran, used)
	}
	w.ran(`{"name":"send_money","arguments":{"amount":"1"}}`)
	w.outcome(conf.ID, hydrapin.OutcomeExecuted)
}

func TestOutcomes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.start(w.sources(""))
	c.hello("2025-11-25", `{}`)
	c.call("1", "fail", `{}`)
	conf := w.confirm()
	c.refused("1", "it failed")
	w.outcome(conf.ID, hydrapin.OutcomeFailed)
	// No answer: the caller cancels after the call was forwarded.
	c.call("2", "silent", `{}`)
	conf = w.confirm()
	hydratest.Eventually(t, "the call to arrive", func() bool { return len(w.seen()) == 2 })
	c.send(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"2"}}`)
	w.outcome(conf.ID, hydrapin.OutcomeUnknown)
	// No answer: the upstream ends.
	c.call("3", "die", `{}`)
	conf = w.confirm()
	c.rejected("3", -32000, "ended")
	w.outcome(conf.ID, hydrapin.OutcomeUnknown)
	if code := <-c.done; code != 7 {
		t.Errorf("exit code %d, want the upstream's", code)
	}
}

// A caller that cancels before redeem: nothing runs, there is no answer, and the question stays.
func TestCancelledBeforeRedeem(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.start(w.sources(""))
	c.hello("2025-11-25", `{}`)
	c.call("1", "send_money", `{"amount":"1"}`)
	w.open(hydrapin.StatusPending)
	c.send(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"1","reason":"changed my mind"}}`)
	c.send(`{"jsonrpc":"2.0","id":"p","method":"ping"}`)
	if r := c.next(); r.ID != "p" {
		t.Errorf("%s", r.line)
	}
	w.confirm()
	w.ran()
	// The id is free again, and the approval still there.
	c.call("1", "send_money", `{"amount":"1"}`)
	c.succeeded("1", "ran send_money")
	w.ran(`{"name":"send_money","arguments":{"amount":"1"}}`)
	record, err := os.ReadFile(w.record)
	hydratest.Must(t, err)
	if strings.Contains(string(record), "cancelled") {
		t.Error("the upstream was told to cancel a call that it did not get")
	}
}

// A client that goes: nothing that is held runs, and what needs no PIN still does.
func TestTheClientGoes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.start(w.sources(""))
	c.hello("2025-11-25", `{}`)
	c.call("1", "send_money", `{"amount":"1"}`)
	w.open(hydrapin.StatusPending)
	c.call("2", "read", `{}`)
	hydratest.Must(t, c.in.Close())
	c.succeeded("2", "ran read")
	if code := <-c.done; code != 0 || c.err != nil {
		t.Errorf("exit code %d, %v", code, c.err)
	}
	w.confirm()
	w.ran(`{"name":"read","arguments":{}}`)
}

// A frozen instance refuses every call, also one that needs no PIN and one that was approved.
func TestFrozen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.sources("")
	s.Wait = new("0s")
	c := w.start(s)
	c.hello("2025-11-25", `{}`)
	c.call("1", "send_money", `{}`)
	c.refused("1", "after confirming")
	w.confirm()
	_, err := w.Admin.FreezeInstance(t.Context(), w.Instance, "an incident")
	hydratest.Must(t, err)
	for _, tool := range []string{"send_money", "read"} {
		c.call(tool, tool, `{}`)
		c.refused(tool, "frozen")
	}
	w.ran()
}

func TestBlocked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.sources("")
	s.Customer = uuid.NewString()
	c := w.start(s)
	c.hello("2025-11-25", `{}`)
	c.call("1", "send_money", `{}`)
	c.refused("1", "has not set one")
	w.ran()
}

// hydrapin cannot be reached: nothing runs, whatever the tool.
func TestUnreachable(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.sources("")
	s.Server = "http://127.0.0.1:1"
	c := w.start(s)
	c.hello("2025-11-25", `{}`)
	c.call("1", "read", `{}`)
	c.refused("1", "cannot be reached")
	w.ran()
}

// A tool that the settings name must be confirmed, whatever the policy says.
func TestNamedToolsMustBeConfirmed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Require("bank.transfer")
	c := w.start(w.sources(`
tools:
  read: {summary: "Read {path}"}
  send_money: {skill: bank.transfer, summary: "Send {amount} to {recipient.iban}"}
`))
	c.hello("2025-11-25", `{}`)
	c.call("1", "read", `{"path":"/x"}`)
	c.refused("1", "must be confirmed")
	c.call("2", "send_money", transfer)
	if conf := w.confirm(); conf.Skill != "bank.transfer" || conf.ActionSummary != "Send 250.00 to DE89370400440532013000" {
		t.Errorf("%+v", conf)
	}
	c.succeeded("2", "ran")
	c.call("3", "send_money", `{"amount":"1"}`)
	c.refused("3", "summary")
	w.ran(`{"name":"send_money","arguments":` + transfer + `}`)
}

func TestSkillPrefix(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Require("bank/read")
	s := w.sources("")
	s.SkillPrefix = new("bank/")
	c := w.start(s)
	c.hello("2025-11-25", `{}`)
	c.call("1", "send_money", `{}`)
	c.succeeded("1", "ran send_money")
	c.call("2", "read", `{}`)
	w.confirm()
	c.succeeded("2", "ran read")
}

// What makes no valid skill is refused.
func TestNoValidSkill(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.sources("")
	s.SkillPrefix = new(strings.Repeat("x", 300))
	c := w.start(s)
	c.hello("2025-11-25", `{}`)
	c.call("1", "read", `{}`)
	c.refused("1", "does not accept its skill")
	w.ran()
}

// A name that is not byte for byte in the upstream's list is refused.
func TestUnlistedNames(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.start(w.sources(""))
	c.hello("2025-11-25", `{}`)
	for i, name := range []string{"Send_Money", "send_money ", "ſend_money", "sеnd_money", "U\u0308nïcode", "nothing", ""} {
		id := strconv.Itoa(i)
		c.call(id, name, `{}`)
		c.rejected(id, -32602, "lists no tool")
	}
	c.call("u", "Ünïcode", `{}`)
	c.succeeded("u", "ran Ünïcode")
	w.ran(`{"name":"Ünïcode","arguments":{}}`)
}
