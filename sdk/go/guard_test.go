package hydrapin_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"

	hydrapin "github.com/hydracore/hydrapin/sdk/go"
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
		// The PIN comes from elsewhere, while Guard waits.
		go func() {
			_, err := s.runtime.Verify(ctx, c.ID, goodPIN)
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
	must(t, s.person().Guard(t.Context(), skill, transfer, r.fn))
	if r.count != 1 || r.approval.Confirmation.Reason != hydrapin.ReasonSkillNotListed || r.approval.Receipt.Reveal() != "" || r.approval.Params == nil {
		t.Errorf("ran %d times with %+v", r.count, r.approval)
	}
}

func TestGuardHandsOnWhatTheSkillReturns(t *testing.T) {
	t.Parallel()
	s := start(t)
	want := errors.New("the bank is closed")
	err := s.person().Guard(t.Context(), skill, nil, func(context.Context, hydrapin.Approval) error { return want })
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
	var blocked *hydrapin.BlockedError
	if r.count != 0 || !errors.As(err, &blocked) || blocked.Confirmation.Reason != hydrapin.ReasonPINNotSet || !errors.Is(err, hydrapin.ErrNotConfirmed) {
		t.Errorf("ran %d times: %v", r.count, err)
	}
	if want := "hydrapin: not confirmed: blocked: pin_not_set"; err.Error() != want {
		t.Errorf("%q", err)
	}
}

func TestGuardWhenItIsDecided(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		during func(context.Context, *stack, uuid.UUID) error
		status hydrapin.Status
		reason hydrapin.Reason
		err    error
	}{
		"declined": {
			func(ctx context.Context, s *stack, id uuid.UUID) error { return s.runtime.Decline(ctx, id) },
			hydrapin.StatusDeclined, hydrapin.ReasonRuntime, nil,
		},
		"the PIN is replaced while it waits": {
			func(ctx context.Context, s *stack, _ uuid.UUID) error {
				return second(s.admin.SetCustomerPIN(ctx, s.customer, hydrapin.NewPIN("492750")))
			},
			hydrapin.StatusDeclined, hydrapin.ReasonPINChanged, nil,
		},
		"nobody answers": {
			func(_ context.Context, s *stack, _ uuid.UUID) error {
				s.pass(6 * time.Minute)
				return nil
			},
			hydrapin.StatusExpired, "", hydrapin.ErrExpired,
		},
		"the PIN is replaced after it was right": {
			func(ctx context.Context, s *stack, id uuid.UUID) error {
				_, err := s.runtime.Verify(ctx, id, goodPIN)
				return errors.Join(err, second(s.admin.SetCustomerPIN(ctx, s.customer, hydrapin.NewPIN("492750"))))
			},
			hydrapin.StatusDeclined, hydrapin.ReasonPINChanged, nil,
		},
		"it takes too long after the PIN": {
			func(ctx context.Context, s *stack, id uuid.UUID) error {
				_, err := s.runtime.Verify(ctx, id, goodPIN)
				s.pass(121 * time.Second)
				return err
			},
			hydrapin.StatusExpired, "", hydrapin.ErrExpired,
		},
		"somebody else used it": {
			func(ctx context.Context, s *stack, id uuid.UUID) error {
				_, err := s.runtime.Verify(ctx, id, goodPIN)
				return errors.Join(err, second(s.runtime.Redeem(ctx, id, skill, transfer.Params)))
			},
			hydrapin.StatusRedeemed, "", nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			s.require(t)
			person := s.person()
			var id uuid.UUID
			person.OnPending = func(ctx context.Context, c hydrapin.Confirmation) error {
				id = c.ID
				return test.during(ctx, s, id)
			}
			var r ran
			no := r.wantNo(t, person.Guard(t.Context(), skill, transfer, r.fn))
			if no.Confirmation.Status != test.status || no.Confirmation.Reason != test.reason || no.Confirmation.ID != id || !errors.Is(no.Err, test.err) {
				t.Errorf("%v", no)
			}
			s.wantStatus(t, id, test.status, test.reason)
		})
	}
}

// What changes between the approval and the redeem is seen by the redeem, and by nothing else.
func TestGuardWhenSomethingChangedSinceTheApproval(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.require(t)
	guess := func(ctx context.Context) {
		c, err := s.runtime.Ask(ctx, s.question())
		must(t, err)
		var wrong *hydrapin.WrongPINError
		for range 5 {
			if _, err := s.runtime.Verify(ctx, c.ID, wrongPIN); !errors.As(err, &wrong) {
				t.Errorf("%v", err)
			}
		}
	}
	person := s.person()
	var id uuid.UUID
	person.OnPending = func(ctx context.Context, c hydrapin.Confirmation) error {
		id = c.ID
		_, err := s.runtime.Verify(ctx, c.ID, goodPIN)
		guess(ctx)
		return err
	}
	var r ran
	// With an action, so that its PIN opens no session that would answer the guesser.
	no := r.wantNo(t, person.Guard(t.Context(), skill, transfer, r.fn))
	if !errors.Is(no, hydrapin.ErrChangedSinceApproval) || no.Confirmation.Status != hydrapin.StatusApproved {
		t.Errorf("%v", no)
	}
	s.wantStatus(t, id, hydrapin.StatusDeclined, hydrapin.ReasonRuntime)
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
		}, errLost},
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
			if no := r.wantNo(t, person.Guard(ctx, skill, nil, r.fn)); !errors.Is(no, test.want) || no.Confirmation.ID != id {
				t.Errorf("%v", no)
			}
			s.wantStatus(t, id, hydrapin.StatusDeclined, hydrapin.ReasonRuntime)
		})
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
	for name, action := range map[string]*hydrapin.Action{
		"no params":         {Summary: "s"},
		"no object":         {Summary: "s", Params: []int{1}},
		"no summary":        {Params: transfer.Params},
		"a name twice":      {Summary: "s", Params: json.RawMessage(`{"a":1,"a":2}`)},
		"a number too long": {Summary: "s", Params: map[string]uint64{"n": 1<<63 + 1}},
	} {
		no := r.wantNo(t, s.person().Guard(t.Context(), skill, action, r.fn))
		if !errors.Is(no, hydrapin.ErrInvalid) || no.Confirmation.Status != "" {
			t.Errorf("%s: %v", name, no)
		}
	}
	no := r.wantNo(t, s.person().Guard(t.Context(), skill, &hydrapin.Action{Params: func() {}}, r.fn))
	if errors.Is(no, hydrapin.ErrInvalid) {
		t.Errorf("a function as params: %v", no)
	}
}
