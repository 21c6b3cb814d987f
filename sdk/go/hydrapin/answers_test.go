package hydrapin_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/sdk/go/hydrapin"
	"github.com/hydracore/hydrapin/sdk/go/hydrapin/internal/client"
)

func TestRequestsAreThoseOfTheContract(t *testing.T) {
	t.Parallel()
	names := strings.NewReplacer("{customer}", customer.String(), "{instance}", instance.String(),
		"{identity}", identity.String(), "{confirmation}", asked.String())
	called := map[string]bool{}
	for _, op := range operations() {
		called[op.id] = true
		var got *http.Request
		c := over(t, network(func(r *http.Request) (*http.Response, error) {
			got = r
			return nil, errLost
		}), hydrapin.WithRetries(0), hydrapin.WithUserAgent("dashboard/2"))
		if err := op.call(t.Context(), c); !errors.Is(err, errLost) {
			t.Fatalf("%s: %v", op.id, err)
		}
		if want := "https://pin.example.com/prefix" + names.Replace(op.path); got.Method != op.method || got.URL.String() != want {
			t.Errorf("%s: %s %s, want %s", op.id, got.Method, got.URL, want)
		}
		key := "hc_live_test_secret"
		if strings.HasPrefix(op.path, "/internal") {
			key = "hc_agent_test_secret"
		}
		if h := got.Header; h.Get("X-Api-Key") != key || h.Get("Authorization") != "" || h.Get("User-Agent") != "dashboard/2 hydrapin-go/"+hydrapin.Version {
			t.Errorf("%s: headers %v", op.id, h)
		}
		if (got.Body != nil) != (got.Header.Get("Content-Type") == "application/json") {
			t.Errorf("%s: body without its type, or type without a body", op.id)
		}
	}
	for _, op := range client.Operations {
		if !called[op.ID] {
			t.Errorf("%s %s (%s) is not in the SDK, or not in operations()", op.Method, op.Path, op.ID)
		}
		delete(called, op.ID)
	}
	if len(called) > 0 {
		t.Errorf("not in the contract: %v", called)
	}
}

func TestAnswersThatAreNotKnownAreErrors(t *testing.T) {
	t.Parallel()
	const status = `{"has_pin":true,"is_active":true,"is_locked":false,"locked_until":null,"created_at":null,"set_by":null}`
	good := confirmationJSON(asked, "approved", "pin")
	for name, a := range map[string]struct {
		status int
		body   string
	}{
		"an unknown success":         {299, good},
		"nothing":                    {200, ""},
		"null":                       {200, "null"},
		"no fields":                  {200, "{}"},
		"a list":                     {200, "[]"},
		"a page":                     {200, "<html>sign in to the airport's network</html>"},
		"half":                       {200, good[:len(good)/2]},
		"two":                        {200, good + good},
		"a redirect":                 {307, ""},
		"not modified":               {304, ""},
		"huge":                       {200, good + strings.Repeat(" ", 1<<20)},
		"a name in another case":     {200, strings.Replace(good, `"status"`, `"Status"`, 1)},
		"a name twice":               {200, strings.Replace(good, `"status"`, `"status":"approved","status"`, 1)},
		"an id in capitals":          {200, strings.Replace(good, asked.String(), strings.ToUpper(asked.String()), 1)},
		"an unknown status":          {200, confirmationJSON(asked, "confirmed", "")},
		"no status":                  {200, strings.Replace(good, `"status":"approved",`, "", 1)},
		"status null":                {200, strings.Replace(good, `"approved"`, "null", 1)},
		"not required, stored":       {200, confirmationJSON(asked, "not_required", "role_excluded")},
		"no id":                      {200, confirmationJSON(nil, "approved", "pin")},
		"an id that is none":         {200, confirmationJSON("7", "approved", "pin")},
		"no holder":                  {200, strings.Replace(good, `"`+customer.String()+`"`, "null", 1)},
		"two holders":                {200, strings.Replace(good, `"identity_id":null`, `"identity_id":"`+identity.String()+`"`, 1)},
		"an unknown role":            {200, strings.Replace(good, `"owner"`, `"admin"`, 1)},
		"status of a PIN, in part":   {200, strings.Replace(status, `"is_locked":false,`, "", 1)},
		"status of a PIN, with null": {200, strings.Replace(status, `"is_locked":false`, `"is_locked":null`, 1)},
	} {
		c := over(t, network(func(r *http.Request) (*http.Response, error) {
			return say(r, a.status, http.Header{"Location": {"https://elsewhere.example.com/"}, "Etag": {`"1"`}}, a.body), nil
		}))
		for _, op := range operations() {
			if err := op.call(t.Context(), c); !errors.Is(err, hydrapin.ErrUnexpectedAnswer) {
				t.Errorf("%s: %s: %v", name, op.id, err)
			} else if strings.Contains(err.Error(), "airport") {
				t.Errorf("%s: the error repeats what it does not know: %v", name, err)
			}
		}
	}
}

func TestAnswersThatBelongToSomethingElseAreErrors(t *testing.T) {
	t.Parallel()
	good := confirmationJSON(asked, "pending", "")
	action := question("")
	action.Action = &hydrapin.Action{Summary: "s", Params: map[string]string{}}
	for name, test := range map[string]struct {
		body string
		call func(context.Context, clients) error
	}{
		"another skill": {strings.Replace(good, skill, "mail.send", 1), func(ctx context.Context, c clients) error {
			_, err := c.runtime.Ask(ctx, question(""))
			return err
		}},
		"the skill in another case": {strings.Replace(good, skill, "Payments.Transfer", 1), func(ctx context.Context, c clients) error {
			_, err := c.runtime.Ask(ctx, question(""))
			return err
		}},
		"another role": {strings.Replace(good, `"owner"`, `"customer"`, 1), func(ctx context.Context, c clients) error {
			_, err := c.runtime.Ask(ctx, question(""))
			return err
		}},
		"another holder": {strings.Replace(good, customer.String(), identity.String(), 1), func(ctx context.Context, c clients) error {
			_, err := c.runtime.Ask(ctx, question(""))
			return err
		}},
		"a session for an action": {confirmationJSON(asked, "approved", "session"), func(ctx context.Context, c clients) error {
			_, err := c.runtime.Ask(ctx, action)
			return err
		}},
		"another confirmation": {confirmationJSON(uuid.New(), "approved", "pin"), func(ctx context.Context, c clients) error {
			_, err := c.runtime.Confirmation(ctx, asked, 0)
			return err
		}},
		"verified, yet pending": {good, func(ctx context.Context, c clients) error {
			_, err := c.runtime.Verify(ctx, asked, goodPIN)
			return err
		}},
		"verified, another": {confirmationJSON(uuid.New(), "approved", "pin"), func(ctx context.Context, c clients) error {
			_, err := c.runtime.Verify(ctx, asked, goodPIN)
			return err
		}},
		"redeemed, yet approved": {confirmationJSON(asked, "approved", "pin"), func(ctx context.Context, c clients) error {
			_, err := c.runtime.Redeem(ctx, asked, skill, nil)
			return err
		}},
		"redeemed, another": {confirmationJSON(uuid.New(), "redeemed", ""), func(ctx context.Context, c clients) error {
			_, err := c.runtime.Redeem(ctx, asked, skill, nil)
			return err
		}},
		"redeemed, another skill": {confirmationJSON(asked, "redeemed", ""), func(ctx context.Context, c clients) error {
			_, err := c.runtime.Redeem(ctx, asked, "mail.send", nil)
			return err
		}},
		"another instance's policy": {`{"instance_id":"` + identity.String() + `","pin_applies_to":"all","pin_required_skills":[],"pin_session_ttl_minutes":30,"pin_must_be_own":false,"pin_channels":"any"}`, func(ctx context.Context, c clients) error {
			_, err := c.admin.Policy(ctx, instance)
			return err
		}},
		"a policy for an unknown role": {`{"instance_id":"` + instance.String() + `","pin_applies_to":"guest","pin_required_skills":[],"pin_session_ttl_minutes":30,"pin_must_be_own":false,"pin_channels":"any"}`, func(ctx context.Context, c clients) error {
			_, err := c.admin.Policy(ctx, instance)
			return err
		}},
		"a policy with unknown channels": {`{"instance_id":"` + instance.String() + `","pin_applies_to":"all","pin_required_skills":[],"pin_session_ttl_minutes":30,"pin_must_be_own":false,"pin_channels":"sms"}`, func(ctx context.Context, c clients) error {
			_, err := c.admin.Policy(ctx, instance)
			return err
		}},
		"a policy without a version": {`{"instance_id":"` + instance.String() + `","pin_applies_to":"all","pin_required_skills":[],"pin_session_ttl_minutes":30,"pin_must_be_own":false,"pin_channels":"any"}`, func(ctx context.Context, c clients) error {
			_, err := c.admin.Policy(ctx, instance)
			return err
		}},
	} {
		c := over(t, network(func(r *http.Request) (*http.Response, error) {
			var h http.Header
			if name != "a policy without a version" {
				h = http.Header{"Etag": {`"1"`}}
			}
			return say(r, 200, h, test.body), nil
		}))
		if err := test.call(t.Context(), c); !errors.Is(err, hydrapin.ErrUnexpectedAnswer) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestErrorsOfAServerThatIsNewer(t *testing.T) {
	t.Parallel()
	c := over(t, network(func(r *http.Request) (*http.Response, error) { return problem(r, 418, "teapot", nil), nil }))
	_, err := c.runtime.Redeem(t.Context(), asked, skill, nil)
	var e *hydrapin.APIError
	if !errors.As(err, &e) || e.Status != 418 || e.Code != "teapot" || e.RequestID != "r1" || e.Operation != "redeemConfirmation" {
		t.Errorf("%v", err)
	}
	if want := "hydrapin: redeemConfirmation: 418 teapot: d (request r1)"; err.Error() != want {
		t.Errorf("%q, want %q", err, want)
	}
}

// A redirect carries no credential anywhere, whatever the given client would do.
func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	var reached atomic.Int64
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
	t.Cleanup(elsewhere.Close)
	server := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect))
	t.Cleanup(server.Close)
	h := server.Client()
	h.CheckRedirect = func(*http.Request, []*http.Request) error { return nil }
	h.Timeout = time.Nanosecond
	admin, err := hydrapin.NewAdmin(server.URL, liveKey, hydrapin.WithHTTPClient(h))
	must(t, err)
	for range 3 {
		if _, err := admin.CustomerPIN(t.Context(), customer); !errors.Is(err, hydrapin.ErrUnexpectedAnswer) {
			t.Errorf("%v", err)
		}
	}
	if reached.Load() != 0 {
		t.Error("the redirect was followed")
	}
	if h.CheckRedirect == nil || h.Timeout != time.Nanosecond {
		t.Error("the given client was changed")
	}
}

// net/http repeats some requests by itself when a kept connection turns out to be dead; what spends must not be among
// them.
func TestADeadConnectionDoesNotRepeatWhatSpends(t *testing.T) {
	t.Parallel()
	var posts atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			_, _ = io.WriteString(w, confirmationJSON(asked, "pending", ""))
			return
		}
		posts.Add(1)
		panic(http.ErrAbortHandler)
	}))
	t.Cleanup(server.Close)
	runtime, err := hydrapin.NewRuntime(server.URL, agentKey, instance, hydrapin.WithHTTPClient(server.Client()))
	must(t, err)
	for n := range int64(3) {
		_, err = runtime.Confirmation(t.Context(), asked, 0)
		must(t, err)
		if _, err := runtime.Verify(t.Context(), asked, goodPIN); !errors.Is(err, hydrapin.ErrNoAnswer) {
			t.Errorf("verify: %v", err)
		}
		if _, err := runtime.Redeem(t.Context(), asked, skill, nil); !errors.Is(err, hydrapin.ErrNoAnswer) {
			t.Errorf("redeem: %v", err)
		}
		if got := posts.Load(); got != 2*(n+1) {
			t.Fatalf("%d requests arrived, want %d", got, 2*(n+1))
		}
	}
}

func TestTokenSource(t *testing.T) {
	t.Parallel()
	type key struct{}
	var authorization []string
	n := network(func(r *http.Request) (*http.Response, error) {
		authorization = append(authorization, r.Header.Get("Authorization"))
		if len(authorization) < 3 {
			return problem(r, 503, "unavailable", nil), nil
		}
		return say(r, 200, nil, `{"has_pin":false,"is_active":false,"is_locked":false,"locked_until":null,"created_at":null,"set_by":null}`), nil
	})
	calls := 0
	source := hydrapin.TokenSource(func(ctx context.Context) (string, error) {
		if ctx.Value(key{}) != "here" {
			t.Error("called with another context")
		}
		calls++
		return fmt.Sprintf("token-%d", calls), nil
	})
	admin, err := hydrapin.NewAdmin("https://pin.example.com", source, hydrapin.WithHTTPClient(&http.Client{Transport: n}))
	must(t, err)
	if _, err := admin.MyPIN(context.WithValue(t.Context(), key{}, "here")); err != nil {
		t.Error(err)
	}
	if want := []string{"Bearer token-1", "Bearer token-2", "Bearer token-3"}; !reflect.DeepEqual(authorization, want) {
		t.Errorf("%v", authorization)
	}
}

func TestWithoutACredentialNothingIsSent(t *testing.T) {
	t.Parallel()
	unreachable := hydrapin.WithHTTPClient(&http.Client{Transport: network(func(*http.Request) (*http.Response, error) {
		t.Error("sent")
		return nil, errLost
	})})
	for name, source := range map[string]hydrapin.TokenSource{
		"an error":     func(context.Context) (string, error) { return "", errLost },
		"none":         hydrapin.Token(""),
		"a line break": hydrapin.Token("abc\n"),
		"two words":    hydrapin.Token("abc def"),
	} {
		admin, err := hydrapin.NewAdmin("https://pin.example.com", source, unreachable)
		must(t, err)
		if _, err := admin.MyPIN(t.Context()); !errors.Is(err, hydrapin.ErrCredential) || errors.Is(err, errLost) != (name == "an error") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestConfigurationFaults(t *testing.T) {
	t.Parallel()
	const good = "https://pin.example.com"
	for _, base := range []string{
		"", "pin.example.com", "http://pin.example.com", "/prefix", "ftp://pin.example.com", "https://", "https://user:secret@pin.example.com",
		good + "?a=b", good + "#there", "https://pin example", ":",
	} {
		_, err := hydrapin.NewAdmin(base, liveKey)
		if !errors.Is(err, hydrapin.ErrConfig) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", base, err)
		}
	}
	for name, credential := range map[string]hydrapin.Credential{
		"none": nil, "the zero key": hydrapin.Key{}, "a key from a file": hydrapin.NewKey("hc_live_a_secret\n"),
		"no source": hydrapin.TokenSource(nil),
	} {
		_, err := hydrapin.NewAdmin(good, credential)
		if !errors.Is(err, hydrapin.ErrConfig) || !errors.Is(err, hydrapin.ErrCredential) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, o := range map[string]hydrapin.Option{"timeout": hydrapin.WithTimeout(0), "retries": hydrapin.WithRetries(-1)} {
		if _, err := hydrapin.NewAdmin(good, liveKey, o); !errors.Is(err, hydrapin.ErrConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := hydrapin.NewRuntime(good, agentKey, uuid.Nil); !errors.Is(err, hydrapin.ErrConfig) {
		t.Errorf("no instance: %v", err)
	}
	if _, err := hydrapin.NewRuntime(good, agentKey, instance, hydrapin.WithHTTPClient(nil)); err != nil {
		t.Error(err)
	}
}

func TestArgumentsThatCannotBeSent(t *testing.T) {
	t.Parallel()
	c := over(t, network(func(*http.Request) (*http.Response, error) {
		t.Error("sent")
		return nil, errLost
	}))
	for name, edit := range map[string]func(*hydrapin.Question){
		"no holder":         func(q *hydrapin.Question) { q.Holder = hydrapin.Holder{} },
		"half a second":     func(q *hydrapin.Question) { q.ExpiresIn = 500 * time.Millisecond },
		"params of no JSON": func(q *hydrapin.Question) { q.Action = &hydrapin.Action{Summary: "s", Params: func() {}} },
		"params that end the object": func(q *hydrapin.Question) {
			q.Action = &hydrapin.Action{Summary: "s", Params: rawJSON(`{}},"skill":"harmless","x":{"y":{}`)}
		},
	} {
		q := question("once")
		edit(&q)
		if _, err := c.runtime.Ask(t.Context(), q); err == nil {
			t.Errorf("%s: asked", name)
		}
	}
	for _, wait := range []time.Duration{-time.Second, 31 * time.Second, time.Millisecond} {
		if _, err := c.runtime.Confirmation(t.Context(), asked, wait); err == nil {
			t.Errorf("waits %s", wait)
		}
	}
	if _, err := c.runtime.Redeem(t.Context(), asked, skill, make(chan int)); err == nil {
		t.Error("redeems a channel")
	}
	if err := c.runtime.EndSessions(t.Context(), hydrapin.Holder{}); err == nil {
		t.Error("ends nobody's sessions")
	}
	if _, err := c.runtime.CreatePINLink(t.Context(), identity, time.Millisecond); !errors.Is(err, hydrapin.ErrArgument) {
		t.Errorf("a link for a millisecond: %v", err)
	}
	odd := 90 * time.Second
	if _, err := c.admin.UpdatePolicy(t.Context(), instance, hydrapin.PolicyUpdate{SessionTTL: &odd}); err == nil {
		t.Error("one and a half minutes")
	}
}
