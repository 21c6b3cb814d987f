package guard

import (
	"context"
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/sdk/go/hydrapin"
	"github.com/hydracore/hydrapin/sdk/go/hydrapin/canonical"
)

// permit is what lets a tools/call reach the upstream, and the only thing that does: both transports
// forward a permit, never a call. [Guard.decide] alone makes one: because the policy needs no PIN, or
// after a 200 of redeem.
type permit struct {
	call *toolCall
	// params are what is forwarded.
	params json.RawMessage
	// confirmation is what was redeemed, or uuid.Nil.
	confirmation uuid.UUID
	person       person
	digest       string
}

// message is the call as it is forwarded.
func (p *permit) message() []byte {
	return object{
		{"jsonrpc", json.RawMessage(jsonRPCVersion)}, {"id", p.call.id}, {"method", quoted(methodCall)}, {"params", p.params},
	}.text()
}

// person is who is asked.
type person struct {
	holder hydrapin.Holder
	// authorization is the header of that name, over HTTP with a fixed holder: whoever sends another
	// one does not get the confirmation of this one.
	authorization string
}

// caller is the client of one call, and the upstream behind it.
type caller interface {
	// tools returns the upstream's list of tools, fetched again if it must be fresh.
	tools(ctx context.Context, fresh bool) (toolList, error)
	// alive shows that a held call is alive. It is called at once and in regular intervals, with 1, 2,
	// 3 …
	alive(n int)
	// elicit sends elicitation/create and returns what will have the client's action.
	elicit(id string, params any) <-chan string
	// elicited ends it, and tells the client if the person is done.
	elicited(id string, done bool)
}

// refusal is the answer to a call that is not forwarded. A nil refusal without a permit means that
// the caller is gone and there is nobody to answer.
type refusal struct {
	text string
	// code is the code of a JSON-RPC error, or 0 for a tool error.
	code int
	// result is the answer if it is no refusal yet: input_required.
	result json.RawMessage
}

func refuse(text string) *refusal { return &refusal{text: text} }

// response is the refusal as the answer to a call.
func (r *refusal) response(c *toolCall) []byte {
	switch {
	case r.result != nil:
		return response(c.id, "result", r.result)
	case r.code != 0:
		return errorResponse(c.id, r.code, r.text)
	case c.task():
		// The result would have to be a task.
		return errorResponse(c.id, codeRefused, r.text)
	}
	result := map[string]any{"content": []any{map[string]any{"type": "text", "text": r.text}}, "isError": true}
	if c.isModern() {
		result["resultType"] = resultComplete
	}
	return response(c.id, "result", encoded(result))
}

// find checks that the upstream lists a tool of exactly that name: another spelling would be another
// skill for the policy, and may be the same tool for the upstream.
func (g *Guard) find(ctx context.Context, name string, by caller) (tool, *refusal) {
	// Also for a caller that is gone after it sent the call: see decide.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), findTime)
	defer cancel()
	for _, fresh := range []bool{false, true} {
		list, err := by.tools(ctx, fresh)
		if err != nil {
			g.log.Warn("the upstream's tools cannot be listed", "error", err)
			return tool{}, refuse(saidNoList)
		}
		if t, ok := list[name]; ok {
			return t, nil
		}
	}
	return tool{}, &refusal{code: codeInvalidParams, text: "The MCP server lists no tool of this name."}
}

// decide is the one rule. It returns a permit only if no PIN is required or after a 200 of redeem.
func (g *Guard) decide(ctx context.Context, c *toolCall, p person, by caller) (*permit, *refusal) {
	rule, ruled := g.settings.Tools[c.tool]
	skill := g.settings.skillOf(c.tool)
	// A client that writes a call and closes its stream still gets the answer to a call that needs no
	// PIN, as it would without guard.
	look, cancel := context.WithTimeout(context.WithoutCancel(ctx), stepTime)
	defer cancel()
	d, err := g.runtime.Decision(look, skill, g.settings.Role)
	if err != nil {
		return nil, g.refuseError("look up the policy", err)
	}
	switch {
	case d.Reason == hydrapin.ReasonFrozen:
		return nil, refuse(saidFrozen)
	case d.Required:
	case d.Reason != hydrapin.ReasonRoleExcluded && d.Reason != hydrapin.ReasonSkillNotListed:
		return nil, refuse(saidUnknown)
	case ruled:
		return nil, refuse(saidMustAsk)
	default:
		return &permit{call: c, params: c.params.text()}, nil
	}
	if ctx.Err() != nil {
		return nil, nil
	}
	q, refused := g.question(c, p, skill, rule)
	if refused != nil {
		return nil, refused
	}
	if state := c.params.get("requestState"); state != nil {
		return g.continued(c, q, state)
	}
	if c.params.get("inputResponses") != nil {
		return nil, refuse(saidState)
	}
	return g.confirm(ctx, q, by)
}

// asked is a call with the question about it.
type asked struct {
	call   *toolCall
	person person
	hydrapin.Question
	params json.RawMessage // canonical
	digest string
}

// question returns what the person is asked.
func (g *Guard) question(c *toolCall, p person, skill string, rule Tool) (asked, *refusal) {
	a := asked{call: c, person: p}
	for _, m := range c.params {
		switch m.name {
		case "name", "arguments", "_meta", "task", "requestState", "inputResponses":
		default:
			return a, refuse(saidMember)
		}
	}
	arguments := c.params.get("arguments")
	if arguments == nil || string(arguments) == "null" {
		arguments = json.RawMessage("{}")
	}
	var err error
	if a.params, err = hydrapin.CanonicalParams(arguments); err != nil {
		return a, refuse(sentenceOf(err))
	}
	a.digest = canonical.Digest(a.params)
	var summary string
	if rule.template != nil {
		summary, err = rule.template.fill(a.params)
	} else {
		summary, err = defaultSummary(c.tool, a.params)
	}
	if err != nil {
		g.log.Warn("a summary cannot be made", "tool", c.tool, "error", err)
		return a, refuse(saidNoTemplate)
	}
	key, err := callKey(g.settings.upstreamName(), c.tool, string(p.holder.Type), p.holder.ID.String(), string(g.settings.Role),
		skill, summary, a.digest, int(g.settings.ExpiresIn/time.Second), p.authorization)
	if err != nil {
		return a, refuse(saidInvalid)
	}
	a.Question = hydrapin.Question{
		Holder: p.holder, Role: g.settings.Role, Skill: skill, Action: &hydrapin.Action{Summary: summary, Params: a.params},
		ExpiresIn: g.settings.ExpiresIn, CallKey: key,
	}
	return a, nil
}

// permit is made of exactly what was confirmed.
func (g *Guard) permit(a asked, confirmation uuid.UUID) *permit {
	c := a.call
	params := object{{"name", quoted(c.tool)}, {"arguments", a.params}}
	if meta := c.keptMeta(g.settings.PassMeta); len(meta) > 0 {
		params = append(params, member{"_meta", meta.text()})
	}
	for _, name := range []string{"task", "requestState", "inputResponses"} {
		if value := c.params.get(name); value != nil {
			params = append(params, member{name, value})
		}
	}
	return &permit{call: c, params: params.text(), confirmation: confirmation, person: a.person, digest: a.digest}
}

// continued lets the next round of a confirmed call pass: the upstream asked for more, and the
// client answers with the state that the upstream returned.
func (g *Guard) continued(c *toolCall, a asked, state json.RawMessage) (*permit, *refusal) {
	confirmation, ok := g.rounds.take(roundKey(c, a.person, state, a.digest))
	if !ok {
		return nil, refuse(saidState)
	}
	return g.permit(a, confirmation), nil
}

// confirm asks, waits and redeems.
func (g *Guard) confirm(ctx context.Context, a asked, by caller) (*permit, *refusal) {
	ask, cancel := context.WithTimeout(ctx, stepTime)
	conf, err := g.runtime.Ask(ask, a.Question)
	cancel()
	switch {
	case ctx.Err() != nil:
		return nil, nil
	case err != nil:
		return nil, g.refuseError("ask", err)
	case !a.answeredBy(conf):
		return nil, refuse(saidUnknown)
	case conf.Status == hydrapin.StatusNotRequired:
		// The policy changed between the look-up and the question: the next call looks it up anew.
		return nil, refuse(saidPolicy)
	case conf.Status == hydrapin.StatusPending:
		if a.call.isModern() && a.call.urls && !a.call.answered && conf.ConfirmURL != "" {
			return nil, g.inputRequired(conf)
		}
		var refused *refusal
		if conf, refused = g.wait(ctx, a, conf, by); conf.Status == hydrapin.StatusPending || ctx.Err() != nil {
			return nil, refused
		}
	}
	if conf.Status != hydrapin.StatusApproved {
		return nil, refuse(sentenceFor(conf))
	}
	// No session covers an action.
	if conf.Reason != hydrapin.ReasonPIN || !a.answeredBy(conf) {
		return nil, refuse(saidUnknown)
	}
	redeem, cancel := context.WithTimeout(ctx, stepTime)
	defer cancel()
	redeemed, err := g.runtime.Redeem(redeem, conf.ID, a.Skill, a.params)
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, nil
	case err != nil:
		return nil, g.refuseError("redeem", err)
	case !a.answeredBy(redeemed):
		return nil, refuse(saidUnknown)
	}
	return g.permit(a, redeemed.ID), nil
}

// answeredBy reports whether a confirmation is about this very call.
func (a asked) answeredBy(c hydrapin.Confirmation) bool {
	return c.Skill == a.Skill && c.Role == a.Role && c.Holder == a.Holder && (c.ID == uuid.Nil || c.ActionDigest == a.digest)
}

// sentenceFor returns why a confirmation does not let the call run.
func sentenceFor(c hydrapin.Confirmation) string {
	switch c.Status {
	case hydrapin.StatusBlocked:
		return oneOf(blocked, c.Reason, saidBlocked)
	case hydrapin.StatusDeclined:
		return oneOf(declined, c.Reason, saidDeclined)
	case hydrapin.StatusExpired:
		return saidExpired
	case hydrapin.StatusRedeemed:
		return saidUsed
	default:
		return saidUnknown
	}
}

func (g *Guard) refuseError(step string, err error) *refusal {
	g.log.Warn("a call was refused", "step", step, "error", err)
	return refuse(sentenceOf(err))
}
