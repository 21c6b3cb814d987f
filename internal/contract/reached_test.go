package contract_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/contract"
	"github.com/hydracore/hydrapin/internal/hydratest"
	"github.com/hydracore/hydrapin/internal/pgtest"
)

// TestEveryAnswerIsReached reaches every documented answer of every operation on
// a running server, and compares each with the contract on its way. The table is
// reported.
func TestEveryAnswerIsReached(t *testing.T) {
	t.Parallel()
	var seen contract.Coverage
	t.Run("reach", func(t *testing.T) {
		for _, e := range hydratest.Engines() {
			for name, reach := range map[string]func(*testing.T, *contract.Coverage, hydratest.Engine){
				"healthy": healthy, "damaged": damaged, "a damaged hash": damagedHash, "busy": busy,
				"limited": limited,
			} {
				t.Run(string(e)+"/"+name, func(t *testing.T) {
					t.Parallel()
					reach(t, &seen, e)
				})
			}
		}
		t.Run("PostgreSQL/stopped", func(t *testing.T) {
			t.Parallel()
			stopped(t, &seen)
		})
	})

	spec, err := contract.Current()
	must(t, err)
	report(t, "answers that were reached, on both stores:\n"+seen.Table(spec))
	for _, empty := range seen.Missing(spec) {
		t.Errorf("documented and not reached: %s", empty)
	}
	documented := problemCodes(t, spec)
	reached := slices.Sorted(maps.Keys(seen.Problems()))
	if !slices.Equal(documented, reached) {
		t.Errorf("problems that were reached:\n%v\nand that the contract has:\n%v", reached, documented)
	}
	manual := readManual(t)
	if got, want := slices.Sorted(maps.Keys(seen.FieldErrors())), slices.Sorted(maps.Keys(manual.invalid)); !slices.Equal(got, want) {
		t.Errorf("types of a 422 that were reached:\n%v\nand that docs/errors.md has:\n%v", got, want)
	}
}

// problemCodes returns the codes of the contract's ProblemType.
func problemCodes(tb testing.TB, s *contract.Spec) []string {
	tb.Helper()
	var codes []string
	for _, v := range s.Document().Components.Schemas["ProblemType"].Value.Enum {
		code, ok := strings.CutPrefix(fmt.Sprint(v), "urn:hydrapin:problem:")
		if !ok {
			tb.Errorf("the problem type %v does not begin as the others", v)
		}
		codes = append(codes, code)
	}
	slices.Sort(codes)
	return codes
}

func healthy(t *testing.T, seen *contract.Coverage, e hydratest.Engine) {
	runStories(t, start(t, seen, e).client)
	frozenStory(start(t, seen, e).client)
	pageStory(start(t, seen, e).client)
	trailStory(start(t, seen, e))
	// Here one incorrect guess deactivates.
	inactiveStory(start(t, seen, e, "HYDRAPIN_HARD_LIMIT=1").client)
}

// decision asks whether the skill of the stories needs a PIN.
var decision = url.Values{"skill": {skill}, "role": {"owner"}}

// frozenStory freezes its instance and its tenant, so it has a node of its own.
func frozenStory(c client) {
	w := customer()
	requireSkill(c)
	setPIN(c, w)
	open, approved := ask(c, w, `,"action":{"summary":"Send 5","params":{}}`), ask(c, w, "")
	approve(c, approved)
	for set, lift := range map[string]string{"setInstanceFreeze": "liftInstanceFreeze", "setTenantFreeze": "liftTenantFreeze"} {
		c.want(200, request{op: set})
		c.want(200, request{op: strings.Replace(set, "set", "get", 1)})
		c.refused(403, "frozen", request{op: "verifyConfirmation", path: open, body: raw(`{"pin":"` + goodPIN + `"}`)})
		c.refused(403, "frozen", request{op: "redeemConfirmation", path: approved, body: raw(`{}`)})
		if a := c.want(200, question(w, "")); a.text(c, "reason") != "frozen" {
			c.Errorf("asked while frozen: %s", a.body)
		}
		c.want(204, request{op: lift})
		c.want(204, request{op: lift})
	}
	if a := c.want(200, request{op: "getPinPolicyDecision", query: decision}); a.field(c, "required") != true {
		c.Errorf("the decision: %s", a.body)
	}
	approve(c, open)
	outcome := request{op: "reportOutcome", path: open, body: raw(`{"outcome":"executed"}`)}
	c.refused(409, "not-redeemed", outcome)
	c.want(200, request{op: "redeemConfirmation", path: open, body: raw(`{"params":{}}`)})
	c.want(200, outcome)
	outcome.body = raw(`{"outcome":"failed"}`)
	c.refused(409, "outcome-already-set", outcome)
	outcome.path = map[string]string{"confirmation_id": uuid.NewString()}
	c.refused(404, "not-found", outcome)
	c.want(422, request{op: "reportOutcome", path: open, body: raw(`{}`)})
	c.want(200, request{op: "listConfirmations"})
	c.want(422, request{op: "listConfirmations", query: url.Values{"limit": {"0"}}})
	c.want(422, request{op: "getPinPolicyDecision"})
	c.want(422, request{op: "setTenantFreeze", body: raw(`{"reason":""}`)})
}

// trailStory reads the audit trail of a tenant whose first event is that of its key.
func trailStory(n *node) {
	c := n.client
	// Another tenant, which has no event.
	stranger := n.stack.Token(c, func(claims *auth.Claims) { claims.Tenant, claims.Admin = uuid.New(), true })
	c.refused(404, "not-found", request{op: "getPinEventCheckpoint", header: http.Header{
		"X-Api-Key": nil, "Authorization": {"Bearer " + stranger},
	}})
	c.refused(404, "not-found", request{op: "getPinEvent", path: map[string]string{"index": "9000000"}})
	c.refused(404, "not-found", request{op: "getPinEventProof", path: map[string]string{"index": "9000000"}})
	c.refused(404, "not-found", request{op: "getPinEventConsistency", query: url.Values{"from": {"9000000"}}})
	c.want(422, request{op: "listPinEvents", query: url.Values{"limit": {"0"}}})
	c.want(422, request{op: "listPinEvents", query: url.Values{"from": {"2026-13-01T00:00:00Z"}}})
	c.want(422, request{op: "listPinEvents", query: url.Values{"after": {"x"}}})
	c.want(422, request{op: "getPinEvent", path: map[string]string{"index": "x"}})
	c.want(422, request{op: "getPinEventProof", path: map[string]string{"index": "0"}, query: url.Values{"size": {"0"}}})
	c.want(422, request{op: "getPinEventConsistency"})
	w := customer()
	setPIN(c, w)
	first := map[string]string{"index": "0"}
	hydratest.Eventually(c, "the first event has its index", func() bool {
		return c.do(request{op: "getPinEvent", path: first}).status == 200
	})
	c.want(200, request{op: "getPinEvent", path: first})
	c.want(200, request{op: "listPinEvents", query: url.Values{"limit": {"1"}, "order": {"desc"}, "from": {"2026-01-01T00:00:00Z"}}})
	c.want(200, request{op: "getPinEventCheckpoint"})
	c.want(200, request{op: "getPinEventProof", path: first})
	c.want(200, request{op: "getPinEventConsistency", query: url.Values{"from": {"1"}}})
}

// pageStory changes what its instance accepts, so it has a node of its own.
func pageStory(c client) {
	w := customer()
	requireSkill(c)
	setPIN(c, w)
	at := ask(c, w, "")
	verify := request{op: "verifyConfirmation", path: at, body: raw(`{"pin":"` + goodPIN + `"}`)}
	c.want(200, request{op: "updatePinPolicy", body: raw(`{"pin_channels":"page"}`)})
	c.refused(403, "page-only", verify)
	c.refused(403, "page-only", request{op: "runtimeSetPin", path: identity().in(), body: raw(`{"pin":"` + goodPIN + `"}`)})
	c.want(200, request{op: "updatePinPolicy", body: raw(`{"pin_channels":"any","pin_must_be_own":true}`)})
	c.refused(403, "pin-not-own", verify)
	if a := c.want(200, question(w, "")); a.text(c, "reason") != "pin_not_own" {
		c.Errorf("asked of a PIN that an admin set: %s", a.body)
	}
	c.want(200, request{op: "updatePinPolicy", body: raw(`{"pin_must_be_own":false}`)})
	c.want(200, verify)
}

func inactiveStory(c client) {
	w := customer()
	requireSkill(c)
	setPIN(c, w)
	at := ask(c, w, "")
	guess(c, at, 1)
	c.refused(423, "pin-inactive", request{op: "verifyConfirmation", path: at, body: raw(`{"pin":"` + goodPIN + `"}`)})
}

// damaged takes the tables away from under a running server: every operation
// answers with a constant 500.
func damaged(t *testing.T, seen *contract.Coverage, e hydratest.Engine) {
	n := start(t, seen, e)
	status, code := 500, "internal"
	if e == hydratest.PostgreSQL {
		// A schema that changed beside the server may be one that is being migrated.
		status, code = 503, "unavailable"
	}
	ofKeys := func(op string) bool { return strings.HasSuffix(op, "ApiKey") || strings.HasSuffix(op, "ApiKeys") }
	n.sql("DROP TABLE webhook_deliveries", "DROP TABLE webhooks", "DROP TABLE confirmations", "DROP TABLE pin_sessions", "DROP TABLE freezes", "DROP TABLE pin_policies", "DROP TABLE pins",
		"DROP TABLE pin_events", "DROP TABLE pin_event_trees")
	everyOperation(n.client, status, code, func(op string) bool { return !ofKeys(op) })
	// Every operation that writes reads its caller's key anew, so this comes after them.
	n.sql("DROP TABLE api_keys")
	everyOperation(n.client, status, code, ofKeys)
}

func every(string) bool { return true }

// damagedHash spoils the stored form of one PIN: no guess is correct.
func damagedHash(t *testing.T, seen *contract.Coverage, e hydratest.Engine) {
	n := start(t, seen, e)
	w := customer()
	requireSkill(n.client)
	setPIN(n.client, w)
	at := ask(n.client, w, "")
	n.sql("UPDATE pins SET hash = 'spoilt'")
	n.refused(500, "internal", request{op: "verifyConfirmation", path: at, body: raw(`{"pin":"` + goodPIN + `"}`)})
	if a := n.want(200, request{op: "getConfirmation", path: at}); a.text(n, "status") != "pending" {
		t.Errorf("after a guess that could not be checked: %s", a.body)
	}
}

// stopped takes the database away: every operation answers 503, and works again
// when it is back.
func stopped(t *testing.T, seen *contract.Coverage) {
	own := pgtest.StartOwn(t)
	n := start(t, seen, hydratest.SQLite, "HYDRAPIN_DATABASE_URL="+own.URL)
	own.Stop()
	everyOperation(n.client, 503, "unavailable", every)
	own.Start()
	w := customer()
	n.want(200, request{op: "getCustomerPinStatus", path: w.in()})
}

// busy has one slow hash hold the only place of the queue.
func busy(t *testing.T, seen *contract.Coverage, e hydratest.Engine) {
	n := start(t, seen, e, "HYDRAPIN_HASH_WORKERS=1", "HYDRAPIN_HASH_QUEUE=1",
		"HYDRAPIN_ARGON2_MEMORY_KIB=16384", "HYDRAPIN_ARGON2_TIME=64")
	ended := make(chan answer, 1)
	slow, quick := customer(), customer()
	go func() {
		ended <- n.do(request{op: "setCustomerPin", path: slow.in(), body: raw(`{"pin":"` + goodPIN + `"}`)})
	}()
	for {
		a := n.send("GET", "/metrics", nil, nil)
		if strings.Contains(string(a.body), "\nhydrapin_hash_places_held 1\n") {
			break
		}
		if len(ended) > 0 {
			t.Fatal("the slow hash was over before it was seen")
		}
	}
	n.refused(503, "busy", request{op: "setCustomerPin", path: quick.in(), body: raw(`{"pin":"` + goodPIN + `"}`)})
	if a := <-ended; a.status != http.StatusOK {
		t.Errorf("the slow one answered %d", a.status)
	}
}

// limited lets one address send two requests, of a second that does not pass: every further one is
// refused before its credential is looked at.
func limited(t *testing.T, seen *contract.Coverage, e hydratest.Engine) {
	now := time.Now()
	n := startWith(t, seen, hydratest.Options{
		Engine: e, Settings: []string{"HYDRAPIN_RATE_PER_ADDRESS=1"}, Now: func() time.Time { return now },
	})
	for range 2 {
		n.want(401, request{op: "getCustomerPinStatus", header: http.Header{"X-Api-Key": nil}})
	}
	everyOperation(n.client, 429, "too-many-requests", every)
	a := n.do(request{op: "getCustomerPinStatus", header: http.Header{"X-Api-Key": nil}})
	if a.status != 429 || a.header.Get("RateLimit") != `"address";r=0;t=1` ||
		a.header.Get("RateLimit-Policy") != `"address";q=2;w=2` || a.header.Get("Retry-After") != "1" {
		t.Errorf("without a credential: %d with %v", a.status, a.header)
	}
}

// everyOperation sends a good request to every operation that is asked for, all at once.
func everyOperation(c client, status int, code string, asked func(op string) bool) {
	c.Helper()
	operations := slices.DeleteFunc(c.spec.Operations(), func(op *contract.Operation) bool { return !asked(op.ID) })
	answers := make([]answer, len(operations))
	var all sync.WaitGroup
	for i, op := range operations {
		r := request{op: op.ID, body: example(c, op)}
		switch op.ID {
		case "endPinSessions":
			r.query = url.Values{"customer_id": {c.customer.String()}}
		case "getPinPolicyDecision":
			r.query = decision
		case "getPinEventConsistency":
			r.query = url.Values{"from": {"1"}}
		}
		all.Go(func() { answers[i] = c.do(r) })
	}
	all.Wait()
	for i, op := range operations {
		if a := answers[i]; a.status != status || contract.ParseProblem(a.body).Code() != code {
			c.Errorf("%s answered %d, want %d %s: %s", op.ID, a.status, status, code, a.body)
		}
	}
}

// example returns the first example of the operation's body, or nil when it has
// none.
func example(tb testing.TB, op *contract.Operation) []byte {
	tb.Helper()
	if op.Spec.RequestBody == nil {
		return nil
	}
	examples := op.Spec.RequestBody.Value.Content["application/json"].Examples
	for _, name := range slices.Sorted(maps.Keys(examples)) {
		return encode(tb, examples[name].Value.Value)
	}
	tb.Fatalf("%s has no example of a body", op.ID)
	return nil
}

func hasFault(a answer, kind string) bool {
	return slices.ContainsFunc(contract.ParseFieldErrors(a.body), func(f contract.FieldError) bool { return f.Type == kind })
}
