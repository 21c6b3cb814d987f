package contract_test

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/contract"
	"github.com/hydracore/hydrapin/internal/hydratest"
	"github.com/hydracore/hydrapin/internal/paging"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/policy"
	"github.com/hydracore/hydrapin/internal/webhook"
	"github.com/hydracore/hydrapin/internal/wire"
)

const (
	// envSeed and envCases make a run another one, or a long one: a number each, or
	// "random" for the seed.
	envSeed  = "HYDRAPIN_TEST_CONTRACT_SEED"
	envCases = "HYDRAPIN_TEST_CONTRACT_CASES"

	defaultSeed  = 20261123
	defaultCases = 150
)

// generatorRules are the rules of docs/errors.md that generated requests know.
var generatorRules = []string{"holder", "weak-pin", "current-pin", "at-most-one", "exactly-one", "expiry", "webhook", "page", "detail", "place", "time", "instance", "params", "nesting", "summary-text", "skill-name", "repeated", "own-instance", "unknown-query"}

// TestGeneratedRequests sends every operation requests that are made out of the
// contract, right ones and wrong ones. Whatever comes, no answer is a 5xx or
// undocumented; what the contract forbids is refused, with the place of the
// mistake; what it allows is refused only by the rules that docs/errors.md lists.
func TestGeneratedRequests(t *testing.T) {
	t.Parallel()
	seed := number(t, envSeed, defaultSeed)
	cases := number(t, envCases, defaultCases)
	report(t, fmt.Sprintf("generated requests: %s=%d %s=%d", envSeed, seed, envCases, cases))
	for _, e := range hydratest.Engines() {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			var seen contract.Coverage
			n := start(t, &seen, e)
			requireSkill(n.client)
			// What freezes a tenant gets one of its own, or nothing else would succeed.
			frozen := start(t, &seen, e)
			t.Cleanup(func() {
				// A generator that makes nothing but mistakes would find the server well.
				for _, op := range n.spec.Operations() {
					if seen.Count(op.ID, 200)+seen.Count(op.ID, 201)+seen.Count(op.ID, 202)+seen.Count(op.ID, 204) == 0 {
						t.Errorf("no generated request for %s was answered with success", op.ID)
					}
				}
				t.Logf("answers to generated requests:\n%s", seen.Table(n.spec))
			})
			there := recordsFor(n.client)
			for _, op := range n.spec.Operations() {
				t.Run(op.ID, func(t *testing.T) {
					t.Parallel()
					h := fnv.New64a()
					_, _ = h.Write([]byte(op.ID))
					c := n.client
					if strings.HasSuffix(op.ID, "TenantFreeze") {
						c = frozen.client
					}
					g := &gen{Rand: rand.New(rand.NewPCG(seed, h.Sum64()))}
					for i := range cases {
						if try(c.as(t), g, op, there[op.ID]); t.Failed() {
							t.Fatalf("case %d of %s=%d", i, envSeed, seed)
						}
					}
				})
			}
		})
	}
}

func number(t *testing.T, name string, preset uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	switch {
	case text == "":
		return preset
	case text == "random" && name == envSeed:
		return rand.Uint64()
	}
	n, err := strconv.ParseUint(text, 10, 64)
	must(t, err)
	return n
}

// wanted is what an answer to a generated request must be like.
type wanted struct {
	// statuses that may come; nil means any that is documented and does not blame
	// the request.
	statuses []int
	// loc is where a 422 must have an error; nil means anywhere.
	loc []any
	why string
}

// try sends one request and judges its answer. Some are for the records that are there.
func try(c client, g *gen, op *contract.Operation, there map[string]string) {
	c.Helper()
	g.rule = ""
	r := request{op: op.ID, path: map[string]string{}, query: url.Values{}, header: http.Header{}}
	at := recordAt(c, g, op, there)
	for _, p := range op.Spec.Parameters {
		switch v := p.Value; v.In {
		case "path":
			r.path[v.Name] = allowedPath(c, g, op, v.Name, at)
		case "query":
			if v.Required || g.chance(2) {
				r.query.Set(v.Name, g.allowedText(v.Schema.Value))
			}
		case "header":
			if g.chance(3) {
				r.header.Set(v.Name, g.allowedText(v.Schema.Value))
			}
		}
	}
	if body := op.Spec.RequestBody; body != nil && (body.Value.Required || !g.chance(6)) {
		r.body = raw(allowedBody(c, g, op, at))
	}
	want := wanted{why: "allowed"}
	if g.chance(2) {
		want = spoil(g, op, &r)
	} else {
		if g.chance(10) {
			r.query.Set("unknown", "x")
		}
		if r.body != nil && g.chance(10) {
			r.header.Set("Content-Type", pick(g, "application/json; charset=utf-8", "APPLICATION/JSON", "application/json;"))
		}
		tame(g, op, &r)
		if rule := brokenRule(g, op, r); rule != "" {
			want = wanted{statuses: []int{422}, why: "rule " + rule}
		}
	}
	judge(c, op, r, c.do(r), want)
}

func allowedPath(c client, g *gen, op *contract.Operation, name string, at map[string]string) string {
	switch {
	case name == "instance_id" && agentOpens(op.Path):
		return pick(g, c.instance.String(), strings.ToUpper(c.instance.String()))
	case at[name] != "":
		return at[name]
	case name != "confirmation_id" && name != "index" && g.chance(3):
		// One that is met again.
		return c.customer.String()
	case name == "index":
		return pick(g, "0", "1", strconv.Itoa(g.IntN(50)), g.allowedText(op.Spec.Parameters.GetByInAndName("path", name).Schema.Value))
	default:
		return g.uuid().String()
	}
}

// allowedBody is what the schema allows; where a confirmation is there, one that
// may be right for it.
func allowedBody(c client, g *gen, op *contract.Operation, at map[string]string) string {
	if at != nil && op.ID == "redeemConfirmation" && g.chance(2) {
		return `{"skill":"` + skill + `"}`
	}
	if op.ID == "setMyPin" && g.chance(2) {
		setPIN(c, who{"customer_id", c.customer.String()})
		return `{"pin":"` + otherPIN + `","current_pin":"` + goodPIN + `"}`
	}
	if op.ID == "createWebhook" && g.chance(2) {
		return `{"url":"https://hooks.example.com/a?token=b","events":["webhook.*","pin.set"]}`
	}
	text := g.allowed(op.Spec.RequestBody.Value.Content["application/json"].Schema.Value)
	if op.ID == "askConfirmation" {
		// A policy that asks for something, or every answer would be "not required".
		if g.chance(2) {
			text = regexp.MustCompile(`"skill":"(?:[^"\\]|\\.)*"`).ReplaceAllLiteralString(text, `"skill":"`+skill+`"`)
		}
	}
	return text
}

// tame keeps a request from waiting half a minute, and mostly within the rule
// about the holder, which chance alone would rarely meet.
func tame(g *gen, op *contract.Operation, r *request) {
	if r.query.Get("wait_seconds") > "0" {
		r.path["confirmation_id"] = uuid.NewString()
	}
	if g.chance(4) {
		return
	}
	drop := pick(g, "customer_id", "identity_id")
	keep := map[string]string{"customer_id": "identity_id", "identity_id": "customer_id"}[drop]
	switch op.ID {
	case "endPinSessions":
		r.query.Del(drop)
		r.query.Set(keep, g.uuid().String())
	case "askConfirmation":
		var members map[string]json.RawMessage
		if json.Unmarshal(r.body, &members) != nil {
			return
		}
		delete(members, drop)
		members[keep] = json.RawMessage(quote(g.uuid().String()))
		var text []member
		for _, name := range sortedKeys(members) {
			text = append(text, member{name, string(members[name])})
		}
		r.body = raw(object(text))
	}
}

// brokenRule names the rule of docs/errors.md that an allowed request breaks.
func brokenRule(g *gen, op *contract.Operation, r request) string {
	var body map[string]json.RawMessage
	_ = json.Unmarshal(r.body, &body)
	if rule := brokenTextRule(r.body); rule != "" {
		return rule
	}
	if bothGiven(op, r, body) {
		return "at-most-one"
	}
	switch op.ID {
	case "endPinSessions":
		if r.query.Has("customer_id") == r.query.Has("identity_id") {
			return "holder"
		}
	case "askConfirmation":
		if given(body["customer_id"]) == given(body["identity_id"]) {
			return "holder"
		}
	case "getPinPolicyDecision":
		if policy.CheckSkill(r.query.Get("skill")).Kind != "" {
			return "skill-name"
		}
	case "createApiKey":
		return brokenKeyRule(body, g.rule)
	case "createWebhook", "updateWebhook":
		return brokenWebhookRule(body, g.rule)
	case "listPins", "listApiKeys", "listWebhooks", "listWebhookDeliveries":
		page, _ := strconv.Atoi(r.query.Get("page"))
		size, err := strconv.Atoi(r.query.Get("per_page"))
		if err != nil {
			size = paging.DefaultSize
		}
		if page > paging.Last(size) {
			return "page"
		}
	case "getInstanceFreeze", "setInstanceFreeze", "liftInstanceFreeze":
		if r.path["instance_id"] == uuid.Nil.String() {
			return "instance"
		}
	case "listPinEvents":
		return brokenTrailRule(r.query, g.rule)
	case "listConfirmations":
		if _, err := confirmation.ParsePlace(r.query.Get("after")); r.query.Has("after") && err != nil {
			return "place"
		}
	case "setCustomerPin", "runtimeSetPin", "setMyPin":
		var text string
		_ = json.Unmarshal(body["pin"], &text)
		if _, fault := pin.ParseNew(text, pin.DefaultRules()); fault.Kind != pin.NoFault {
			return "weak-pin"
		}
	}
	return g.rule
}

// brokenKeyRule names the rule that a key to be created breaks, or the other one.
func brokenKeyRule(body map[string]json.RawMessage, other string) string {
	var key struct {
		Name     string     `json:"name"`
		Instance *uuid.UUID `json:"instance_id"`
		Expires  *wire.Time `json:"expires_at"` // unlike time.Time it reads escaped characters
	}
	text, err := json.Marshal(body)
	if err != nil || json.Unmarshal(text, &key) != nil {
		return other
	}
	switch {
	case auth.CheckKeyName(key.Name).Kind != "":
		return "detail"
	case given(body["scopes"]) == given(body["instance_id"]), key.Instance != nil && *key.Instance == uuid.Nil:
		return "exactly-one"
	case key.Expires != nil && time.Time(*key.Expires).Before(time.Now()):
		return "expiry"
	}
	return other
}

// brokenWebhookRule says whether a webhook breaks a rule, or the other one.
func brokenWebhookRule(body map[string]json.RawMessage, other string) string {
	var hook struct {
		URL         *string  `json:"url"`
		Events      []string `json:"events"`
		Description string   `json:"description"`
	}
	text, err := json.Marshal(body)
	if err != nil || json.Unmarshal(text, &hook) != nil {
		return other
	}
	switch {
	case hook.URL != nil && webhook.CheckURL(*hook.URL) != "",
		slices.ContainsFunc(hook.Events, func(p string) bool { return !webhook.KnowsPattern(p) }):
		return "webhook"
	case webhook.CheckDescription(hook.Description).Kind != "":
		return "detail"
	}
	return other
}

// bothGiven reports whether a request has more of some fields or parameters than the one that the
// contract allows.
func bothGiven(op *contract.Operation, r request, body map[string]json.RawMessage) bool {
	count := func(extensions map[string]any, given func(name string) bool) int {
		n := 0
		names, _ := extensions["x-at-most-one"].([]any)
		for _, name := range names {
			if given(fmt.Sprint(name)) {
				n++
			}
		}
		return n
	}
	inBody := 0
	if op.Spec.RequestBody != nil {
		schema := op.Spec.RequestBody.Value.Content["application/json"].Schema.Value
		inBody = count(schema.Extensions, func(name string) bool { return given(body[name]) })
	}
	return inBody > 1 || count(op.Spec.Extensions, r.query.Has) > 1
}

// given reports whether an optional field is there and not null.
func given(field json.RawMessage) bool { return field != nil && string(field) != "null" }

// brokenTextRule names the rule that a name or a summary in the body breaks.
func brokenTextRule(raw []byte) string {
	var body struct {
		Skill  *string  `json:"skill"`
		Skills []string `json:"pin_required_skills"`
		Detail *string  `json:"detail"`
		Reason *string  `json:"reason"`
		Action *struct {
			Summary string `json:"summary"`
		} `json:"action"`
	}
	_ = json.Unmarshal(raw, &body)
	badEntry := func(s string) bool { return policy.CheckEntry(s).Kind != "" }
	badDetail := func(s *string) bool { return s != nil && confirmation.CheckDetail(*s).Kind != "" }
	switch {
	case badDetail(body.Detail), badDetail(body.Reason):
		return "detail"
	case body.Skill != nil && policy.CheckSkill(*body.Skill).Kind != "",
		slices.ContainsFunc(body.Skills, badEntry), policy.CheckSize(body.Skills).Kind != "":
		return "skill-name"
	case body.Action != nil && confirmation.CheckSummary(body.Action.Summary).Kind != "":
		return "summary-text"
	}
	return ""
}

// spoil makes one part of the request something that the contract forbids.
func spoil(g *gen, op *contract.Operation, r *request) wanted {
	parts := []string{}
	for _, p := range op.Spec.Parameters {
		parts = append(parts, p.Value.In+" "+p.Value.Name)
	}
	if r.body != nil {
		parts = append(parts, "field", "field", "field", "field", "json", "media", "size")
		if op.Spec.RequestBody.Value.Required {
			parts = append(parts, "none")
		}
	}
	if len(parts) == 0 {
		return wanted{why: "nothing can be wrong"}
	}
	part := pick(g, parts...)
	invalid := func(m mistake) wanted { return wanted{[]int{422}, m.loc, m.why} }
	switch part {
	case "field":
		g.rule = ""
		m := g.forbidden(op.Spec.RequestBody.Value.Content["application/json"].Schema.Value, []any{"body"})
		if r.body = raw(m.text); g.rule == "nesting" {
			m.loc = nil // that hides every other error
		}
		if len(r.body) > 64<<10 {
			return wanted{[]int{413}, nil, "too large"}
		}
		return invalid(m)
	case "json":
		m := g.spoilt(string(r.body))
		if m.text == "" && !op.Spec.RequestBody.Value.Required {
			r.body = nil
			return wanted{why: "no body"}
		}
		if r.body = raw(m.text); len(r.body) > 64<<10 {
			return wanted{[]int{413}, nil, "too large"}
		}
		return invalid(m)
	case "media":
		r.header.Set("Content-Type", pick(g, "text/plain", "application/xml", "application/json, text/plain",
			"application/problem+json", "json", "multipart/form-data", ""))
		if g.chance(4) {
			r.header.Set("Content-Type", "application/json")
			r.header.Set("Content-Encoding", pick(g, "gzip", "br", "x"))
		}
		return wanted{[]int{415}, nil, "no JSON by its header"}
	case "size":
		r.body = append(r.body, strings.Repeat(" ", 64<<10)...)
		return wanted{[]int{413}, nil, "too large"}
	case "none":
		r.body = nil
		return wanted{[]int{422}, []any{"body"}, "no body"}
	}
	in, name, _ := strings.Cut(part, " ")
	schema := op.Spec.Parameters.GetByInAndName(in, name).Schema.Value
	text, why := g.forbiddenText(schema)
	want := wanted{[]int{422}, []any{in, name}, why}
	switch in {
	case "path":
		r.path[name] = text
		if name == "instance_id" && agentOpens(op.Path) {
			// What is not the runtime key's own instance is refused before it is validated.
			want = wanted{[]int{403}, nil, why}
		}
		if text == "" && strings.HasSuffix(op.Path, "{"+name+"}") {
			want = wanted{[]int{404}, nil, "no route"}
		}
		if len(text) > 4000 {
			r.path[name] = text[:4000]
		}
	case "query":
		if g.chance(5) {
			r.query[name] = []string{g.allowedText(schema), g.allowedText(schema)}
			return want
		}
		r.query.Set(name, text)
	case "header":
		for !headerSafe(text) || regexp.MustCompile(schema.Pattern).MatchString(strings.TrimSpace(text)) && len(strings.TrimSpace(text)) <= int(*schema.MaxLength) {
			text, _ = g.forbiddenText(schema)
		}
		r.header[http.CanonicalHeaderKey(name)] = pick(g, []string{text}, []string{text}, []string{`"1"`, "*"})
	}
	return want
}

// headerSafe says whether a client can send the text as a header.
func headerSafe(text string) bool {
	return len(text) < 8000 && !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f })
}
