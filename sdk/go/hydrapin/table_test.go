package hydrapin_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/sdk/go/hydrapin"
	"github.com/hydracore/hydrapin/sdk/go/hydrapin/canonical"
	"github.com/hydracore/hydrapin/sdk/go/hydrapin/receipt"
)

// cases is the table that the SDKs share: see ../../testdata/README.md.
type cases struct {
	Base struct {
		InstanceID     uuid.UUID `json:"instance_id"`
		ConfirmationID string    `json:"confirmation_id"`
		APIKey         string    `json:"api_key"`
		Skill          string
		Role           hydrapin.Role
		CustomerID     string `json:"customer_id"`
		Confirmation   map[string]any
	}
	Guard     []guardCase
	Canonical []struct {
		Name    string
		Call    struct{ Params string }
		Outcome struct {
			Text, Digest, Member string
			Error                bool
		}
	}
	Summary []struct {
		Name    string
		Call    struct{ Template, Params string }
		Outcome struct {
			Text  string
			Error bool
		}
	}
	URL []struct {
		Name string
		Call struct {
			BaseURL string `json:"base_url"`
			Allow   bool   `json:"allow_insecure_transport"`
		}
		Outcome struct{ Accepted bool }
	}
	Receipt struct {
		Issuer string
		JWKS   json.RawMessage
		Cases  []struct {
			Name string
			Call struct {
				Receipt  string
				Twice    bool
				Expected struct {
					TenantID   uuid.UUID          `json:"tenant_id"`
					InstanceID uuid.UUID          `json:"instance_id"`
					HolderType receipt.HolderType `json:"holder_type"`
					HolderID   uuid.UUID          `json:"holder_id"`
					Skill      string
					Params     *string
				}
			}
			Outcome struct {
				Accepted bool
				Fault    string
			}
		}
	}
	Webhook []struct {
		Name string
		Call struct {
			Secrets []string
			Headers map[string]string
			Payload string
			Now     int64
		}
		Outcome struct{ Accepted bool }
	}
}

type guardCase struct {
	Name string
	Call struct {
		Skill          *string
		Role           *hydrapin.Role
		CustomerID     json.RawMessage `json:"customer_id"`
		IdentityID     string          `json:"identity_id"`
		IdempotencyKey string          `json:"idempotency_key"`
		Summary        string
		Params         *string
		Retries        int
		Wait           *float64
		Allow          bool   `json:"allow_not_required"`
		OnPending      string `json:"on_pending"`
		Function       string
	}
	Exchanges []*exchange
	Outcome   struct {
		Ran, Failed bool
		Reason      hydrapin.NotConfirmedReason
		Detail      hydrapin.Reason
		Params      *string
		Shown       *string
	}
}

type exchange struct {
	Expect struct {
		Method, Path string
		Body         map[string]any
	}
	Reply *struct {
		Status       int
		Headers      map[string]string
		Confirmation map[string]any
		Remove       []string
		JSON         json.RawMessage
		Text         *string
	}
	Drop     string
	Optional bool
	After    *int
	Hold     bool

	answered chan struct{}
	used     bool
}

func loadCases(tb testing.TB) *cases {
	tb.Helper()
	var c cases
	readTable(tb, "cases.json", &c)
	return &c
}

func TestTableGuard(t *testing.T) {
	t.Parallel()
	table := loadCases(t)
	if len(table.Guard) < 100 {
		t.Fatalf("only %d cases", len(table.Guard))
	}
	for i := range table.Guard {
		c := &table.Guard[i]
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			table.guard(t, c)
		})
	}
}

// scripted is a server that answers as the exchanges of a case say.
type scripted struct {
	table     *cases
	exchanges []*exchange
	returned  chan struct{} // closed when guard has returned

	mu       sync.Mutex
	problems []string
}

func (table *cases) script(c *guardCase) *scripted {
	s := &scripted{table: table, returned: make(chan struct{}), exchanges: c.Exchanges}
	for _, e := range c.Exchanges {
		e.answered = make(chan struct{})
	}
	return s
}

func (s *scripted) problem(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.problems = append(s.problems, fmt.Sprintf(format, args...))
}

// find uses the first exchange that fits.
func (s *scripted) find(method, path string) *exchange {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.exchanges {
		if !e.used && e.Expect.Method == method && strings.ReplaceAll(e.Expect.Path, "{id}", s.table.Base.ConfirmationID) == path {
			e.used = true
			return e
		}
	}
	return nil
}

func (s *scripted) handle(t *testing.T) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		path, ok := strings.CutPrefix(r.URL.Path, "/internal/v1/instances/"+s.table.Base.InstanceID.String())
		e := s.find(r.Method, path)
		if !ok || e == nil {
			s.problem("unexpected %s %s", r.Method, r.URL)
			reply{dropped: true}.send(t, w)
			return
		}
		if r.Header.Get("X-Api-Key") != s.table.Base.APIKey {
			s.problem("%s %s without the key", r.Method, path)
		}
		body, _ := io.ReadAll(r.Body)
		var got map[string]any
		if e.Expect.Body != nil && (json.Unmarshal(body, &got) != nil || !contains(got, e.Expect.Body)) {
			s.problem("%s %s: body %s, want %v", r.Method, path, body, e.Expect.Body)
		}
		if e.After != nil {
			select {
			case <-s.exchanges[*e.After].answered:
			case <-time.After(10 * time.Second):
			}
		}
		if e.Hold {
			<-s.returned
		}
		s.table.reply(e).send(t, w)
		close(e.answered)
	}
}

// contains reports whether a body has the expected members; of an action, too.
func contains(got, want map[string]any) bool {
	for name, value := range want {
		if members, ok := value.(map[string]any); ok && name == "action" {
			action, _ := got[name].(map[string]any)
			if !contains(action, members) {
				return false
			}
		} else if !reflect.DeepEqual(got[name], value) {
			return false
		}
	}
	return true
}

func (table *cases) reply(e *exchange) reply {
	switch e.Drop {
	case "all":
		return reply{dropped: true}
	case "half":
		return reply{status: 200, body: []byte(`{"id":"7c0e`), cut: 11}
	}
	a := reply{status: e.Reply.Status, headers: e.Reply.Headers}
	switch {
	case e.Reply.Confirmation != nil:
		members := maps.Clone(table.Base.Confirmation)
		maps.Copy(members, e.Reply.Confirmation)
		delete(members, "remove")
		removed, _ := e.Reply.Confirmation["remove"].([]any)
		for _, name := range removed {
			delete(members, fmt.Sprint(name))
		}
		for _, name := range e.Reply.Remove {
			delete(members, name)
		}
		a.body, _ = json.Marshal(members)
	case e.Reply.JSON != nil:
		a.body = e.Reply.JSON
	case e.Reply.Text != nil:
		a.body = []byte(*e.Reply.Text)
	}
	return a
}

var errOfTheTest = errors.New("an error of the test's own")

// holder is who a case asks. Go has no holder that is two, or whose id is no UUID.
func (table *cases) holder(c *guardCase) hydrapin.Holder {
	customer := table.Base.CustomerID
	if c.Call.CustomerID != nil {
		customer = ""
		_ = json.Unmarshal(c.Call.CustomerID, &customer)
	}
	if (customer == "") == (c.Call.IdentityID == "") {
		return hydrapin.Holder{}
	}
	id, err := uuid.Parse(customer + c.Call.IdentityID)
	switch {
	case err != nil:
		return hydrapin.Holder{}
	case customer != "":
		return hydrapin.Customer(id)
	default:
		return hydrapin.Identity(id)
	}
}

func (table *cases) guard(t *testing.T, c *guardCase) {
	s := table.script(c)
	server := serve(t, s.handle(t))
	runtime, err := hydrapin.NewRuntime(server.URL, hydrapin.NewKey(table.Base.APIKey), table.Base.InstanceID, hydrapin.WithRetries(c.Call.Retries))
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	skill, role := table.Base.Skill, table.Base.Role
	if c.Call.Skill != nil {
		skill = *c.Call.Skill
	}
	if c.Call.Role != nil {
		role = *c.Call.Role
	}
	person := runtime.For(table.holder(c), role).WithKey(c.Call.IdempotencyKey)
	person.AllowNotRequired = c.Call.Allow
	if c.Call.Wait != nil {
		person.Wait = time.Duration(*c.Call.Wait * float64(time.Second))
		if person.Wait == 0 {
			person.Wait = hydrapin.NoWait
		}
	}
	var shown []string
	person.OnPending = map[string]func(context.Context, hydrapin.Confirmation) error{
		"show": func(_ context.Context, c hydrapin.Confirmation) error {
			shown = append(shown, c.ConfirmURL)
			return nil
		},
		"verify": func(ctx context.Context, c hydrapin.Confirmation) error {
			_, err := runtime.Verify(ctx, c.ID, goodPIN)
			return err
		},
		"fail": func(context.Context, hydrapin.Confirmation) error { return errOfTheTest },
		"cancel": func(context.Context, hydrapin.Confirmation) error {
			cancel()
			return nil
		},
	}[c.Call.OnPending]
	var action *hydrapin.Action
	if c.Call.Params != nil {
		action = &hydrapin.Action{Summary: c.Call.Summary, Params: rawJSON(*c.Call.Params)}
	}
	var r ran
	err = person.Guard(ctx, skill, action, func(ctx context.Context, a hydrapin.Approval) error {
		if c.Call.Function == "fail" {
			return errors.Join(r.fn(ctx, a), errOfTheTest)
		}
		return r.fn(ctx, a)
	})
	close(s.returned)
	c.check(t, r, err)
	if want := c.Outcome.Shown; want != nil && (len(shown) != 1 || shown[0] != *want) {
		t.Errorf("shown %v, want %s", shown, *want)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.exchanges {
		if !e.used && !e.Optional {
			s.problems = append(s.problems, fmt.Sprintf("no %s %s", e.Expect.Method, e.Expect.Path))
		}
	}
	if len(s.problems) > 0 {
		t.Errorf("%s (the error: %v)", strings.Join(s.problems, "; "), err)
	}
}

func (c *guardCase) check(t *testing.T, r ran, err error) {
	t.Helper()
	if !c.Outcome.Ran {
		no := r.wantNo(t, err)
		if no.Reason != c.Outcome.Reason || no.Detail != c.Outcome.Detail {
			t.Errorf("%s (%s), want %s (%s): %v", no.Reason, no.Detail, c.Outcome.Reason, c.Outcome.Detail, err)
		}
		return
	}
	if r.count != 1 || c.Outcome.Failed != errors.Is(err, errOfTheTest) || !c.Outcome.Failed && err != nil {
		t.Fatalf("ran %d times: %v", r.count, err)
	}
	if want := c.Outcome.Params; (want == nil) != (r.approval.Params == nil) || want != nil && *want != string(r.approval.Params) {
		t.Errorf("ran with %s", r.approval.Params)
	}
}

func TestTableCanonical(t *testing.T) {
	t.Parallel()
	for _, c := range loadCases(t).Canonical {
		got, err := hydrapin.CanonicalParams(rawJSON(c.Call.Params))
		if c.Outcome.Error {
			var refused *hydrapin.ParamsError
			if !errors.As(err, &refused) || !strings.HasPrefix(err.Error(), c.Outcome.Member) {
				t.Errorf("%s: %s, %v", c.Name, got, err)
			}
			continue
		}
		if err != nil || string(got) != c.Outcome.Text || canonical.Digest(got) != c.Outcome.Digest {
			t.Errorf("%s: %s, %v", c.Name, got, err)
		}
	}
}

func TestTableSummary(t *testing.T) {
	t.Parallel()
	for _, c := range loadCases(t).Summary {
		got, err := hydrapin.Summary(c.Call.Template, rawJSON(c.Call.Params))
		if got != c.Outcome.Text || c.Outcome.Error != errors.Is(err, hydrapin.ErrSummary) || !c.Outcome.Error && err != nil {
			t.Errorf("%s: %q, %v; want %q", c.Name, got, err, c.Outcome.Text)
		}
	}
}

func TestTableURL(t *testing.T) {
	t.Parallel()
	for _, c := range loadCases(t).URL {
		var options []hydrapin.Option
		if c.Call.Allow {
			options = append(options, hydrapin.AllowInsecureTransport())
		}
		_, err := hydrapin.NewAdmin(c.Call.BaseURL, liveKey, options...)
		if c.Outcome.Accepted != (err == nil) || err != nil && !errors.Is(err, hydrapin.ErrConfig) {
			t.Errorf("%s: %v", c.Name, err)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the error repeats the address: %v", c.Name, err)
		}
	}
}

var faults = map[string]error{
	"mismatch": receipt.ErrMismatch, "expired": receipt.ErrExpired, "not_yet_valid": receipt.ErrNotYetValid,
	"bad_signature": receipt.ErrSignature, "unknown_key": receipt.ErrUnknownKey, "malformed": receipt.ErrMalformed,
	"replayed": receipt.ErrReplayed, "incomplete": receipt.ErrExpectationIncomplete,
}

func TestTableReceipt(t *testing.T) {
	t.Parallel()
	table := loadCases(t).Receipt
	keys, err := receipt.KeysFromJWKS(table.JWKS)
	must(t, err)
	for _, c := range table.Cases {
		v, err := receipt.NewVerifier(table.Issuer, keys, receipt.NewMemorySeen())
		must(t, err)
		e := c.Call.Expected
		want := receipt.Expected{
			TenantID: e.TenantID, InstanceID: e.InstanceID, HolderType: e.HolderType, HolderID: e.HolderID,
			Skill: e.Skill, Action: receipt.NoAction(),
		}
		if e.Params != nil {
			want.Action = receipt.Params([]byte(*e.Params))
		}
		if c.Call.Twice {
			_, err := v.Verify(t.Context(), c.Call.Receipt, want)
			must(t, err)
		}
		_, err = v.Verify(t.Context(), c.Call.Receipt, want)
		fault, known := faults[c.Outcome.Fault]
		if c.Outcome.Accepted != (err == nil) || err != nil && (!known || !errors.Is(err, fault)) {
			t.Errorf("%s: %v, want %q", c.Name, err, c.Outcome.Fault)
		}
	}
}

func TestTableWebhook(t *testing.T) {
	t.Parallel()
	for _, c := range loadCases(t).Webhook {
		header := http.Header{}
		for name, value := range c.Call.Headers {
			header.Set(name, value)
		}
		secrets := make([]hydrapin.WebhookSecret, len(c.Call.Secrets))
		for i, s := range c.Call.Secrets {
			secrets[i] = hydrapin.NewWebhookSecret(s)
		}
		got, err := hydrapin.VerifyWebhook(header, []byte(c.Call.Payload), time.Unix(c.Call.Now, 0), secrets...)
		if c.Outcome.Accepted != (err == nil) || err != nil && !errors.Is(err, hydrapin.ErrWebhook) || err == nil && string(got) != c.Call.Payload {
			t.Errorf("%s: %s, %v", c.Name, got, err)
		}
	}
}

// Names and sections of the table are read, and not a table without cases.
func TestTableIsWhole(t *testing.T) {
	t.Parallel()
	table := loadCases(t)
	for section, n := range map[string]int{
		"canonical": len(table.Canonical), "summary": len(table.Summary), "url": len(table.URL),
		"receipt": len(table.Receipt.Cases), "webhook": len(table.Webhook),
	} {
		if n < 20 {
			t.Errorf("%s has %d cases", section, n)
		}
	}
}
