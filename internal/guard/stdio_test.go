package guard_test

import (
	"testing"

	"github.com/hydracore/hydrapin/sdk/go/hydrapin"
)

const gatewaySecret = "a secret of the gateway, not of a person"

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
