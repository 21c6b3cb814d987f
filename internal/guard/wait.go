package guard

import (
	"context"
	"time"

	"github.com/hydracore/hydrapin/sdk/go/hydrapin"
)

// wait holds a call until the person decided or the wait is over. If the confirmation is still
// pending, the refusal says where to confirm.
func (g *Guard) wait(ctx context.Context, a asked, c hydrapin.Confirmation, by caller) (held hydrapin.Confirmation, _ *refusal) {
	waiting, stop := context.WithDeadline(ctx, a.call.began.Add(g.settings.Wait))
	defer stop()
	if waiting.Err() == nil {
		by.alive(1)
	}
	var said <-chan string
	if a.call.elicits() && c.ConfirmURL != "" {
		id := g.toClient.next()
		params := elicitation(c)
		params["elicitationId"] = id
		said = by.elicit(id, params)
		defer func() { by.elicited(id, held.Status != hydrapin.StatusPending) }()
	}
	type answer struct {
		hydrapin.Confirmation
		err error
	}
	decided := make(chan answer, 1)
	go func() {
		c, err := g.runtime.Wait(waiting, c.ID)
		decided <- answer{c, err}
	}()
	beat := time.NewTicker(g.beat)
	defer beat.Stop()
	for n := 2; ; {
		select {
		case d := <-decided:
			switch {
			case ctx.Err() != nil:
				return c, nil
			case d.err == nil:
				return d.Confirmation, nil
			case waiting.Err() != nil:
				return c, refuse(link(c))
			default:
				return c, g.refuseError("wait", d.err)
			}
		case action, ok := <-said:
			said = nil
			// These are the client's words, not the person's: the question stays.
			if ok && (action == "decline" || action == "cancel") {
				return c, refuse(link(c))
			}
		case <-beat.C:
			by.alive(n)
			n++
		}
	}
}

// progressOf returns the params of the nth sign of life. It stays below 0.001 so that the upstream's
// own progress still rises.
func progressOf(c *toolCall, n int) map[string]any {
	return map[string]any{
		"progressToken": c.token, "progress": 0.001 * float64(n) / float64(n+1), "message": waitingMessage,
	}
}

// elicitation returns the params of elicitation/create.
func elicitation(c hydrapin.Confirmation) map[string]any {
	return map[string]any{"mode": "url", "url": c.ConfirmURL, "message": "Confirm with your PIN: " + c.ActionSummary}
}

// inputRequired sends the client to the page, and makes it call again. There is no request state:
// the call itself finds its confirmation.
func (g *Guard) inputRequired(c hydrapin.Confirmation) *refusal {
	return &refusal{result: encoded(map[string]any{
		"resultType":    resultNeedsInput,
		"inputRequests": map[string]any{g.toClient.next(): map[string]any{"method": methodElicit, "params": elicitation(c)}},
	})}
}

// link says where the person can confirm. It may pass through the model: it is useless without the
// PIN.
func link(c hydrapin.Confirmation) string {
	where := "Ask the user to open " + c.ConfirmURL + " and to enter their PIN there"
	if c.ConfirmURL == "" {
		where = "Ask the user to confirm"
	}
	return "Not run yet: the user must confirm this call with their PIN. " + where + "; then " + saidAgain + "."
}
