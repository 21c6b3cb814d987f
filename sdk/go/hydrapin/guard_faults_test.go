package hydrapin_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/sdk/go/hydrapin"
	"github.com/hydracore/hydrapin/sdk/go/hydrapin/canonical"
)

// step is one answer that Guard gets, and what it must have asked: the method and the end of the path.
type step struct {
	method, suffix string
	answer         network
}

func confirmed(status, reason string) network {
	id := any(asked)
	if status == "not_required" || status == "blocked" {
		id = nil
	}
	return func(r *http.Request) (*http.Response, error) {
		return say(r, http.StatusOK, nil, confirmationJSON(id, status, reason)), nil
	}
}

func refused(status int, code string) network {
	return func(r *http.Request) (*http.Response, error) { return problem(r, status, code, nil), nil }
}

func lost(*http.Request) (*http.Response, error) { return nil, errLost }

func done(r *http.Request) (*http.Response, error) { return say(r, http.StatusNoContent, nil, ""), nil }

const (
	asks    = "/confirmations"
	redeems = "/redeem"
)

var (
	askPending  = step{"POST", asks, confirmed("pending", "")}
	askApproved = step{"POST", asks, confirmed("approved", "session")}
	getApproved = step{"GET", "?wait_seconds=25", confirmed("approved", "pin")}
	redeemed    = step{"POST", redeems, confirmed("redeemed", "")}
	reports     = step{"POST", "/outcome", confirmed("redeemed", "")}
	declines    = step{"DELETE", asked.String(), done}
)

// guarded runs Guard against answers in order, and says whether the skill ran.
func guarded(t *testing.T, steps ...step) (r ran, err error) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := over(t, network(func(req *http.Request) (*http.Response, error) {
			if len(steps) == 0 {
				t.Errorf("unexpected %s %s", req.Method, req.URL)
				return nil, errLost
			}
			s := steps[0]
			steps = steps[1:]
			if req.Method != s.method || !strings.HasSuffix(req.URL.String(), s.suffix) {
				t.Errorf("%s %s, want %s …%s", req.Method, req.URL, s.method, s.suffix)
			}
			return s.answer(req)
		}))
		err = c.runtime.For(hydrapin.Customer(customer), hydrapin.RoleOwner).Guard(t.Context(), skill, nil, r.fn)
	})
	if len(steps) > 0 {
		t.Errorf("%d answers were not asked for", len(steps))
	}
	return r, err
}

func TestGuardRunsOnlyAfterAWholeYes(t *testing.T) {
	t.Parallel()
	for name, steps := range map[string][]step{
		"approved by PIN":     {askPending, getApproved, redeemed, reports},
		"approved by session": {askApproved, redeemed, reports},
		"pending for long":    {askPending, {"GET", "=25", confirmed("pending", "")}, getApproved, redeemed, reports},
		"the question lost":   {{"POST", asks, lost}, {"POST", asks, refused(503, "busy")}, askPending, getApproved, redeemed, reports},
		"the poll lost":       {askPending, {"GET", "=25", lost}, {"GET", "=25", refused(502, "")}, getApproved, redeemed, reports},
	} {
		if r, err := guarded(t, steps...); err != nil || r.count != 1 {
			t.Errorf("%s: ran %d times: %v", name, r.count, err)
		}
	}
}

func TestGuardRunsOnNothingElse(t *testing.T) {
	t.Parallel()
	unknown := func(r *http.Request) (*http.Response, error) {
		return say(r, http.StatusOK, nil, confirmationJSON(asked, "confirmed", "")), nil
	}
	page := func(r *http.Request) (*http.Response, error) {
		return say(r, http.StatusOK, nil, "<html>OK</html>"), nil
	}
	empty := func(r *http.Request) (*http.Response, error) { return say(r, http.StatusNoContent, nil, ""), nil }
	accepted := func(r *http.Request) (*http.Response, error) {
		return say(r, http.StatusAccepted, nil, confirmationJSON(asked, "redeemed", "")), nil
	}
	other := func(r *http.Request) (*http.Response, error) {
		return say(r, http.StatusOK, nil, confirmationJSON(uuid.New(), "redeemed", "")), nil
	}
	tests := map[string][]step{
		"not required":                   {{"POST", asks, confirmed("not_required", "skill_not_listed")}},
		"the question is not understood": {{"POST", asks, unknown}},
		"a page for an answer":           {{"POST", asks, page}},
		"nothing for an answer":          {{"POST", asks, empty}},
		"forbidden":                      {{"POST", asks, refused(403, "forbidden")}},
		"too many":                       {{"POST", asks, refused(422, "")}},
		"not required for no reason":     {{"POST", asks, confirmed("not_required", "")}},
		"not required, unknown reason":   {{"POST", asks, confirmed("not_required", "trusted")}},
		"approved, unknown reason":       {{"POST", asks, confirmed("approved", "trusted")}, declines},
		"redeemed at once":               {{"POST", asks, confirmed("redeemed", "")}},
		"declined at once":               {{"POST", asks, confirmed("declined", "holder")}},
		"blocked":                        {{"POST", asks, confirmed("blocked", "pin_locked")}},
		"blocked, unknown reason":        {{"POST", asks, confirmed("blocked", "out_of_hours")}},
		"the outcome is not understood":  {askPending, {"GET", "=25", unknown}, declines},
		"the outcome is redeemed":        {askPending, {"GET", "=25", confirmed("redeemed", "")}},
		"the outcome is not required":    {askPending, {"GET", "=25", confirmed("not_required", "skill_not_listed")}, declines},
		"it is gone":                     {askPending, {"GET", "=25", refused(404, "not-found")}, declines},
		"declined by the holder":         {askPending, {"GET", "=25", confirmed("declined", "holder")}},
		"the outcome stays lost": {
			askPending,
			{"GET", "=25", lost},
			{"GET", "=25", lost},
			{"GET", "=25", lost},
			{"GET", "=25", lost},
			{"GET", "=25", lost},
			declines,
		},
	}
	for name, answer := range map[string]network{
		"lost": lost, "a page": page, "nothing": empty, "accepted": accepted, "another's": other, "unknown": unknown,
		"still approved": confirmed("approved", "pin"), "gateway": refused(504, ""),
		"changed": refused(403, "changed-since-approval"), "redeemed": refused(409, "already-redeemed"),
		"mismatch": refused(409, "params-mismatch"), "expired": refused(410, "expired"), "internal": refused(500, "internal"),
	} {
		tests["redeem: "+name] = []step{askPending, getApproved, {"POST", redeems, answer}, declines}
		tests["redeem by session: "+name] = []step{askApproved, {"POST", redeems, answer}, declines}
	}
	for name, steps := range tests {
		r, err := guarded(t, steps...)
		if r.count != 0 || !errors.Is(err, hydrapin.ErrNotConfirmed) {
			t.Errorf("%s: ran %d times: %v", name, r.count, err)
		}
	}
}

// What is redeemed is what was asked, byte for byte, whatever happens to the value in between.
func TestGuardSendsTheSameParamsTwice(t *testing.T) {
	t.Parallel()
	params := rawJSON(`{"memo":"<&>","amount":"250.00"}`)
	const canonicalParams = `{"amount":"250.00","memo":"<&>"}`
	digest := canonical.Digest([]byte(canonicalParams))
	var bodies []string
	c := over(t, network(func(r *http.Request) (*http.Response, error) {
		status, reason := "approved", "pin"
		if r.Method == http.MethodPost {
			body, err := io.ReadAll(r.Body)
			must(t, err)
			if strings.HasSuffix(r.URL.Path, "/outcome") {
				return say(r, 200, nil, confirmationJSON(asked, "redeemed", "")), nil
			}
			bodies = append(bodies, string(body))
			if status, reason = "pending", ""; strings.HasSuffix(r.URL.Path, redeems) {
				status = "redeemed"
			}
		}
		answer := confirmationJSON(asked, status, reason)
		return say(r, 200, nil, strings.Replace(answer, `"action_digest":null`, `"action_digest":"`+digest+`"`, 1)), nil
	}))
	person := c.runtime.For(hydrapin.Customer(customer), hydrapin.RoleOwner)
	person.OnPending = func(context.Context, hydrapin.Confirmation) error {
		copy(params, `{"memo":"999.00"`)
		return nil
	}
	var r ran
	must(t, person.Guard(t.Context(), skill, &hydrapin.Action{Summary: "s", Params: params}, r.fn))
	want := `"params":` + canonicalParams
	if len(bodies) != 2 || !strings.Contains(bodies[0], want) || !strings.Contains(bodies[1], want) || string(r.approval.Params) != canonicalParams {
		t.Errorf("%s\n%s", strings.Join(bodies, "\n"), r.approval.Params)
	}
}

// Each question has a key of its own, unless the caller has one.
func TestGuardsKeys(t *testing.T) {
	t.Parallel()
	var keys []string
	c := over(t, network(func(r *http.Request) (*http.Response, error) {
		var body struct {
			Key string `json:"idempotency_key"`
		}
		must(t, json.NewDecoder(r.Body).Decode(&body))
		keys = append(keys, body.Key)
		return confirmed("blocked", "pin_not_set")(r)
	}))
	var r ran
	person := c.runtime.For(hydrapin.Customer(customer), hydrapin.RoleOwner)
	for _, p := range []hydrapin.Person{person, person, person.WithKey("call-1"), person} {
		no := r.wantNo(t, p.Guard(t.Context(), skill, nil, r.fn))
		if no.IdempotencyKey != keys[len(keys)-1] || no.Reason != hydrapin.BecauseBlocked || no.Detail != hydrapin.ReasonPINNotSet {
			t.Errorf("%+v", no)
		}
	}
	if keys[0] == "" || keys[0] == keys[1] || keys[2] != "call-1" || keys[3] == keys[2] {
		t.Errorf("%v", keys)
	}
}

// Withdrawing is worth two seconds, not more, and not the context that has ended.
func TestGuardDoesNotHangOnAServerThatIsGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		declined := 0
		c := over(t, network(func(r *http.Request) (*http.Response, error) {
			if r.Method == http.MethodPost {
				return askPending.answer(r)
			}
			if r.Method == http.MethodDelete {
				declined++
			}
			<-r.Context().Done()
			return nil, r.Context().Err()
		}))
		ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
		defer cancel()
		began := time.Now()
		var r ran
		err := c.runtime.For(hydrapin.Customer(customer), hydrapin.RoleOwner).Guard(ctx, skill, nil, r.fn)
		if took := time.Since(began); took != testTimeout+2*time.Second || declined != 1 {
			t.Errorf("took %s, declined %d times", took, declined)
		}
		if no := r.wantNo(t, err); !errors.Is(no, context.DeadlineExceeded) {
			t.Errorf("%v", no)
		}
	})
}

// A panic of the hook is the runtime's own; the question does not outlive it.
func TestGuardWithdrawsWhenTheHookPanics(t *testing.T) {
	t.Parallel()
	declined := false
	c := over(t, network(func(r *http.Request) (*http.Response, error) {
		if r.Method == http.MethodDelete {
			declined = true
			return done(r)
		}
		return askPending.answer(r)
	}))
	person := c.runtime.For(hydrapin.Customer(customer), hydrapin.RoleOwner)
	person.OnPending = func(context.Context, hydrapin.Confirmation) error { panic("at the disco") }
	var r ran
	func() {
		defer func() {
			if p := recover(); fmt.Sprint(p) != "at the disco" {
				t.Errorf("recovered %v", p)
			}
		}()
		_ = person.Guard(t.Context(), skill, nil, r.fn)
	}()
	if r.count != 0 || !declined {
		t.Errorf("ran %d times, declined: %t", r.count, declined)
	}
}

// The redeem was answered, and the context ended with it: whoever waited has gone.
func TestGuardDoesNotRunForNobody(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	c := over(t, network(func(r *http.Request) (*http.Response, error) {
		if strings.HasSuffix(r.URL.Path, redeems) {
			defer cancel(errLost)
			return redeemed.answer(r)
		}
		return askApproved.answer(r)
	}))
	var r ran
	no := r.wantNo(t, c.runtime.For(hydrapin.Customer(customer), hydrapin.RoleOwner).Guard(ctx, skill, nil, r.fn))
	if !errors.Is(no, errLost) && !errors.Is(no, context.Canceled) {
		t.Errorf("%v", no)
	}
}
