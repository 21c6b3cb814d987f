package hydrapintest_test

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/sdk/go/hydrapin"
)

// ran records whether a guarded skill ran, and with what.
type ran struct {
	count    int
	approval hydrapin.Approval
}

func (r *ran) fn(_ context.Context, a hydrapin.Approval) error {
	r.count++
	r.approval = a
	return nil
}

// wantNo checks that nothing ran, and returns the reason.
func (r *ran) wantNo(tb testing.TB, err error) *hydrapin.NotConfirmedError {
	tb.Helper()
	if r.count != 0 || !errors.Is(err, hydrapin.ErrNotConfirmed) {
		tb.Fatalf("ran %d times: %v", r.count, err)
	}
	var no *hydrapin.NotConfirmedError
	if !errors.As(err, &no) {
		tb.Fatalf("%T: %v", err, err)
	}
	return no
}

// wantStatus checks as what a confirmation was left.
func (s *stack) wantStatus(tb testing.TB, id uuid.UUID, want hydrapin.Status, why hydrapin.Reason) {
	tb.Helper()
	got, err := s.runtime.Confirmation(context.WithoutCancel(tb.Context()), id, 0)
	if err != nil || got.Status != want || got.Reason != why {
		tb.Errorf("left as %s (%s), %v; want %s (%s)", got.Status, got.Reason, err, want, why)
	}
}

func (s *stack) person() hydrapin.Person {
	return s.runtime.For(hydrapin.Customer(s.customer), hydrapin.RoleOwner)
}

var transfer = &hydrapin.Action{
	Summary: "Send 250.00 EUR to DE89 3704 0044 0532 0130 00",
	Params:  map[string]string{"amount": "250.00", "to": "DE89370400440532013000"},
}

func TestGuardRunsAfterThePIN(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.require(t)
	var r ran
	var shown hydrapin.Confirmation
	entered := make(chan error, 1)
	person := s.person()
	person.ExpiresIn = time.Hour
	person.OnPending = func(ctx context.Context, c hydrapin.Confirmation) error {
		shown = c
		// The PIN comes from elsewhere, while Guard waits and after that.
		go func() {
			_, err := s.runtime.Verify(context.WithoutCancel(ctx), c.ID, goodPIN)
			entered <- err
		}()
		return nil
	}
	must(t, person.Guard(t.Context(), skill, transfer, r.fn))
	must(t, <-entered)
	if r.count != 1 || r.approval.Confirmation.Status != hydrapin.StatusRedeemed || r.approval.Confirmation.ID != shown.ID ||
		r.approval.Receipt.Reveal() == "" || string(r.approval.Params) != `{"amount":"250.00","to":"DE89370400440532013000"}` {
		t.Errorf("ran %d times with %+v", r.count, r.approval)
	}
	if shown.ActionSummary != transfer.Summary || shown.ExpiresAt.Sub(shown.CreatedAt) != time.Hour {
		t.Errorf("shown: %+v", shown)
	}
	s.wantStatus(t, shown.ID, hydrapin.StatusRedeemed, "")
}

func TestGuardBySession(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.require(t)
	asked := 0
	person := s.person()
	person.OnPending = func(ctx context.Context, c hydrapin.Confirmation) error {
		asked++
		_, err := s.runtime.Verify(ctx, c.ID, goodPIN)
		return err
	}
	var r ran
	for range 3 {
		must(t, person.Guard(t.Context(), skill, nil, r.fn))
	}
	if r.count != 3 || asked != 1 || r.approval.Params != nil || r.approval.Receipt.Reveal() == "" {
		t.Errorf("ran %d times, asked %d times: %+v", r.count, asked, r.approval)
	}
	// An action is confirmed for itself, each time.
	for range 2 {
		must(t, person.Guard(t.Context(), skill, transfer, r.fn))
	}
	if r.count != 5 || asked != 3 {
		t.Errorf("ran %d times, asked %d times", r.count, asked)
	}
}

func TestGuardWithoutAPolicy(t *testing.T) {
	t.Parallel()
	s := start(t)
	var r ran
	person := s.person()
	if no := r.wantNo(t, person.Guard(t.Context(), skill, transfer, r.fn)); no.Reason != hydrapin.BecauseNotRequired || !strings.Contains(no.Error(), s.instance.String()) {
		t.Errorf("%v", no)
	}
	person.AllowNotRequired = true
	must(t, person.Guard(t.Context(), skill, transfer, r.fn))
	if r.count != 1 || r.approval.Confirmation.Reason != hydrapin.ReasonSkillNotListed || r.approval.Receipt.Reveal() != "" || r.approval.Params == nil {
		t.Errorf("ran %d times with %+v", r.count, r.approval)
	}
}

func TestGuardHandsOnWhatTheSkillReturns(t *testing.T) {
	t.Parallel()
	s := start(t)
	want := errors.New("the bank is closed")
	person := s.person()
	person.AllowNotRequired = true
	err := person.Guard(t.Context(), skill, nil, func(context.Context, hydrapin.Approval) error { return want })
	if err != want { //nolint:errorlint // as it is, not wrapped
		t.Errorf("%v", err)
	}
	if err := s.person().Guard(t.Context(), skill, nil, nil); !errors.Is(err, hydrapin.ErrNotConfirmed) {
		t.Errorf("nothing to run: %v", err)
	}
}

func TestGuardBlocked(t *testing.T) {
	t.Parallel()
	s := start(t)
	_, err := s.admin.UpdatePolicy(t.Context(), s.instance, hydrapin.PolicyUpdate{RequiredSkills: []string{"*"}})
	must(t, err)
	var r ran
	err = s.person().Guard(t.Context(), skill, nil, r.fn)
	if no := r.wantNo(t, err); no.Reason != hydrapin.BecauseBlocked || no.Detail != hydrapin.ReasonPINNotSet {
		t.Errorf("%v", no)
	}
	if want := "hydrapin: not confirmed: blocked (pin_not_set)"; err.Error() != want {
		t.Errorf("%q", err)
	}
}

// What happens before one of Guard's own requests, as its path ends. Requests of the test go past it.
type meanwhile struct {
	before string
	do     func(context.Context, *stack, uuid.UUID) error
}

// through is a runtime of its own whose requests m comes before, once.
func (s *stack) through(tb testing.TB, m meanwhile, id *uuid.UUID) hydrapin.Person {
	tb.Helper()
	done := false
	runtime, err := hydrapin.NewRuntime(s.url, s.agentKey, s.instance, hydrapin.WithHTTPClient(&http.Client{
		Transport: network(func(r *http.Request) (*http.Response, error) {
			if !done && strings.HasSuffix(r.URL.Path, m.before) && !strings.HasSuffix(r.URL.Path, "/confirmations") {
				done = true
				_, rest, _ := strings.Cut(r.URL.Path, "/confirmations/")
				asked, err := uuid.Parse(strings.TrimSuffix(rest, "/redeem"))
				must(tb, err)
				*id = asked
				must(tb, m.do(r.Context(), s, asked))
			}
			return s.transport.RoundTrip(r)
		}),
	}))
	must(tb, err)
	return runtime.For(hydrapin.Customer(s.customer), hydrapin.RoleOwner)
}

func TestGuardWhenItIsDecided(t *testing.T) {
	t.Parallel()
	verify := func(ctx context.Context, s *stack, id uuid.UUID) error {
		return second(s.runtime.Verify(ctx, id, goodPIN))
	}
	replace := func(ctx context.Context, s *stack, _ uuid.UUID) error {
		return second(s.admin.SetCustomerPIN(ctx, s.customer, hydrapin.NewPIN("492750")))
	}
	for name, test := range map[string]struct {
		before string // "" is the first poll
		during func(context.Context, *stack, uuid.UUID) error
		want   hydrapin.NotConfirmedReason
		status hydrapin.Status
		reason hydrapin.Reason
		err    error
	}{
		"declined": {
			"", func(ctx context.Context, s *stack, id uuid.UUID) error { return s.runtime.Decline(ctx, id) },
			hydrapin.BecauseDeclined, hydrapin.StatusDeclined, hydrapin.ReasonRuntime, nil,
		},
		"the PIN is replaced while it waits": {
			"", replace, hydrapin.BecauseDeclined, hydrapin.StatusDeclined, hydrapin.ReasonPINChanged, nil,
		},
		"nobody answers": {
			"", func(_ context.Context, s *stack, _ uuid.UUID) error {
				s.pass(6 * time.Minute)
				return nil
			},
			hydrapin.BecauseExpired, hydrapin.StatusExpired, "", hydrapin.ErrExpired,
		},
		"the PIN is replaced after it was entered": {
			"/redeem", replace, hydrapin.BecauseRefused, hydrapin.StatusDeclined, hydrapin.ReasonPINChanged, hydrapin.ErrNotApproved,
		},
		"it takes too long after the PIN": {
			"/redeem", func(_ context.Context, s *stack, _ uuid.UUID) error {
				s.pass(121 * time.Second)
				return nil
			},
			hydrapin.BecauseExpired, hydrapin.StatusExpired, "", hydrapin.ErrExpired,
		},
		"somebody else used it": {
			"/redeem", func(ctx context.Context, s *stack, id uuid.UUID) error {
				return second(s.runtime.Redeem(ctx, id, skill, transfer.Params))
			},
			hydrapin.BecauseRefused, hydrapin.StatusRedeemed, "", hydrapin.ErrAlreadyRedeemed,
		},
		"the PIN is locked after it was entered": {
			"/redeem", func(ctx context.Context, s *stack, _ uuid.UUID) error {
				c, err := s.runtime.Ask(ctx, s.question())
				for range 5 {
					if _, wrong := s.runtime.Verify(ctx, c.ID, wrongPIN); !errors.Is(wrong, hydrapin.ErrWrongPIN) {
						err = errors.Join(err, wrong)
					}
				}
				return err
			},
			hydrapin.BecauseRefused, hydrapin.StatusDeclined, hydrapin.ReasonRuntime, hydrapin.ErrChangedSinceApproval,
		},
		"it is frozen after the PIN": {
			"/redeem", func(ctx context.Context, s *stack, _ uuid.UUID) error {
				return second(s.admin.FreezeInstance(ctx, s.instance, "a test"))
			},
			hydrapin.BecauseRefused, hydrapin.StatusDeclined, hydrapin.ReasonFrozen, hydrapin.ErrFrozen,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			s.require(t)
			var id uuid.UUID
			person := s.through(t, meanwhile{test.before, test.during}, &id)
			if test.before != "" {
				person.OnPending = func(ctx context.Context, c hydrapin.Confirmation) error { return verify(ctx, s, c.ID) }
			}
			var r ran
			no := r.wantNo(t, person.Guard(t.Context(), skill, transfer, r.fn))
			if no.Reason != test.want || no.Confirmation.ID != id || !errors.Is(no.Err, test.err) {
				t.Errorf("%v", no)
			}
			s.wantStatus(t, id, test.status, test.reason)
		})
	}
}

func TestGuardWithdrawsWhatNobodyWaitsFor(t *testing.T) {
	t.Parallel()
	errHook := errors.New("the channel is down")
	for name, test := range map[string]struct {
		hook func(context.CancelCauseFunc) error
		want error
	}{
		"the context ends": {func(cancel context.CancelCauseFunc) error {
			cancel(errLost)
			return nil
		}, context.Canceled},
		"the person cannot be told": {func(context.CancelCauseFunc) error { return errHook }, errHook},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			s.require(t)
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			person := s.person()
			var id uuid.UUID
			person.OnPending = func(_ context.Context, c hydrapin.Confirmation) error {
				id = c.ID
				return test.hook(cancel)
			}
			var r ran
			no := r.wantNo(t, person.Guard(ctx, skill, nil, r.fn))
			if !errors.Is(no, test.want) && !errors.Is(no, errLost) || no.Reason != hydrapin.BecauseCancelled || no.Confirmation.ID != id {
				t.Errorf("%v", no)
			}
			s.wantStatus(t, id, hydrapin.StatusDeclined, hydrapin.ReasonRuntime)
		})
	}
}

// A question with a key outlives whoever waited for it, and is continued.
func TestGuardContinuesByKey(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.require(t)
	var r ran
	person := s.person().WithKey("call-7f3a")
	person.Wait = hydrapin.NoWait
	no := r.wantNo(t, person.Guard(t.Context(), skill, transfer, r.fn))
	if no.Reason != hydrapin.BecauseStillPending || no.IdempotencyKey != "call-7f3a" {
		t.Fatalf("%v", no)
	}
	_, err := s.runtime.Verify(t.Context(), no.Confirmation.ID, goodPIN)
	must(t, err)
	must(t, person.Guard(t.Context(), skill, transfer, r.fn))
	if r.count != 1 || r.approval.Confirmation.ID != no.Confirmation.ID {
		t.Errorf("ran %d times: %+v", r.count, r.approval)
	}
	if again := r.approval; second(s.runtime.Redeem(t.Context(), again.Confirmation.ID, skill, transfer.Params)) == nil {
		t.Error("redeemed twice")
	}
	// The same call again does not run again.
	if err := person.Guard(t.Context(), skill, transfer, r.fn); r.count != 1 || !errors.Is(err, hydrapin.ErrAlreadyRedeemed) {
		t.Errorf("ran %d times: %v", r.count, err)
	}
}

func TestGuardReportsTheOutcome(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.require(t)
	person := s.person()
	person.OnPending = func(ctx context.Context, c hydrapin.Confirmation) error {
		return second(s.runtime.Verify(ctx, c.ID, goodPIN))
	}
	for want, fn := range map[hydrapin.Outcome]func() error{
		hydrapin.OutcomeExecuted: func() error { return nil },
		hydrapin.OutcomeFailed:   func() error { return errLost },
		hydrapin.OutcomeUnknown:  func() error { panic("at the disco") },
	} {
		var id uuid.UUID
		func() {
			defer func() { _ = recover() }()
			_ = person.Guard(t.Context(), skill, transfer, func(_ context.Context, a hydrapin.Approval) error {
				id = a.Confirmation.ID
				return fn()
			})
		}()
		if got, err := s.runtime.Confirmation(t.Context(), id, 0); err != nil || got.Outcome != want || got.OutcomeAt.IsZero() {
			t.Errorf("%s: %+v, %v", want, got, err)
		}
	}
}

// A context that ends while the server holds the poll.
func TestGuardEndsWithItsContext(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.require(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	leaving := network(func(r *http.Request) (*http.Response, error) {
		if r.URL.Query().Has("wait_seconds") {
			go cancel()
		}
		return s.transport.RoundTrip(r)
	})
	runtime, err := hydrapin.NewRuntime(s.url, s.agentKey, s.instance, hydrapin.WithHTTPClient(&http.Client{Transport: leaving}))
	must(t, err)
	person := runtime.For(hydrapin.Customer(s.customer), hydrapin.RoleOwner)
	var id uuid.UUID
	person.OnPending = func(_ context.Context, c hydrapin.Confirmation) error {
		id = c.ID
		return nil
	}
	var r ran
	if no := r.wantNo(t, person.Guard(ctx, skill, nil, r.fn)); !errors.Is(no, context.Canceled) {
		t.Errorf("%v", no)
	}
	s.wantStatus(t, id, hydrapin.StatusDeclined, hydrapin.ReasonRuntime)
}

func TestGuardPassesOnWhatTheServerRefuses(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.require(t)
	var r ran
	no := r.wantNo(t, s.person().Guard(t.Context(), skill, &hydrapin.Action{Params: transfer.Params}, r.fn))
	if !errors.Is(no, hydrapin.ErrInvalid) || no.Confirmation.Status != "" || no.Reason != hydrapin.BecauseInvalid {
		t.Errorf("no summary: %v", no)
	}
	for name, params := range map[string]any{
		"no params":         nil,
		"no object":         []int{1},
		"a name twice":      json.RawMessage(`{"a":1,"a":2}`),
		"a number too long": map[string]uint64{"n": 1<<63 + 1},
		"not a number":      map[string]any{"n": []float64{math.NaN()}},
		"a function":        func() {},
	} {
		no := r.wantNo(t, s.person().Guard(t.Context(), skill, &hydrapin.Action{Summary: "s", Params: params}, r.fn))
		var refused *hydrapin.ParamsError
		if no.Reason != hydrapin.BecauseInvalid || !errors.As(no, &refused) {
			t.Errorf("%s: %v", name, no)
		}
	}
}
