package guard

import (
	"encoding/json"

	"github.com/hydracore/hydrapin/sdk/go/hydrapin"
)

// settle reports what became of a forwarded call, by the upstream's response.
func (g *Guard) settle(p *permit, answer message) {
	if p.call == nil || p.digest == "" {
		return // It needed no PIN.
	}
	result := answer.get("result")
	if result == nil {
		g.report(p.confirmation, hydrapin.OutcomeFailed)
		return
	}
	members, err := parseObject(result)
	if err != nil {
		g.report(p.confirmation, hydrapin.OutcomeFailed)
		return
	}
	switch {
	case idText(members.get("resultType")) == resultNeedsInput:
		// The upstream asks for more; what comes next is decided with its state.
		if state := members.get("requestState"); state != nil {
			g.rounds.put(roundKey(p.call, p.person, state, p.digest), p.confirmation)
		}
	case p.call.task():
		// A task goes on; nobody knows yet what becomes of it.
	case isTrue(members.get("isError")):
		g.report(p.confirmation, hydrapin.OutcomeFailed)
	default:
		g.report(p.confirmation, hydrapin.OutcomeExecuted)
	}
}

// lose reports that a forwarded call got no answer.
func (g *Guard) lose(p *permit) {
	if !p.call.task() {
		g.report(p.confirmation, hydrapin.OutcomeUnknown)
	}
}

func isTrue(value json.RawMessage) bool { return string(value) == "true" }
