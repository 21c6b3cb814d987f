package webhook_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/webhook"
)

var start = time.Date(2031, time.February, 3, 4, 5, 6, 0, time.UTC) //nolint:gochecknoglobals // a constant in all but type

func fresh(at time.Time) webhook.Delivery {
	return webhook.NewDelivery(uuid.New(), webhook.Ref{Tenant: uuid.New(), ID: uuid.New()}, webhook.Event{ID: uuid.New()}, at)
}

func leased(d webhook.Delivery, at time.Time) webhook.Delivery {
	d.LeaseID, d.LeaseUntil = uuid.New(), at.Add(webhook.Lease)
	return d
}

// Waits count from the last failure; after the tenth failure the delivery is dead.
func TestRetriesGoByTheSchedule(t *testing.T) {
	t.Parallel()
	waits := []time.Duration{
		5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour,
		10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
	}
	now := start
	d := fresh(now)
	for n, wait := range waits {
		d = leased(d, now).Settle(webhook.Result{Status: 500, Failure: webhook.Unsuccessful}, now)
		got := d.DueAt.Sub(now)
		if d.Status != webhook.Pending || got < wait || got > wait+wait/10 || d.Attempts != n+1 || d.LeaseID != uuid.Nil {
			t.Fatalf("after failure %d: %s, waits %s, want %s: %+v", n+1, d.Status, got, wait, d)
		}
		now = d.DueAt.Add(time.Minute) // it was late
	}
	d = leased(d, now).Settle(webhook.Result{Failure: webhook.TimedOut}, now)
	if d.Status != webhook.Dead || d.Attempts != 10 || d.LastFailure != webhook.TimedOut || d.LastStatus != 0 || !d.LastAt.Equal(now) {
		t.Fatalf("after the last failure: %+v", d)
	}
	// By hand it begins anew.
	again, changed := d.Retry(now)
	if !changed || again.Status != webhook.Pending || !again.DueAt.Equal(now) || again.Attempts != 10 {
		t.Fatalf("retried: %+v", again)
	}
	again = leased(again, now).Settle(webhook.Result{Failure: webhook.TimedOut}, now)
	if wait := again.DueAt.Sub(now); wait < 5*time.Second || wait > 6*time.Second {
		t.Errorf("after a retry by hand it waits %s", wait)
	}
	done := leased(again, now).Settle(webhook.Result{Status: 204}, now)
	if done.Status != webhook.Delivered || done.LastFailure != webhook.NoFailure || done.LastStatus != 204 {
		t.Errorf("delivered: %+v", done)
	}
}

func TestWhatIsBeingTriedIsNotRetried(t *testing.T) {
	t.Parallel()
	d := fresh(start)
	if _, changed := d.Retry(start); changed {
		t.Error("one that was not tried yet was retried")
	}
	d = leased(d.Settle(webhook.Result{Failure: webhook.TimedOut}, start), start)
	if _, changed := d.Retry(start); changed {
		t.Error("one that is being tried was retried")
	}
	if _, changed := d.Retry(start.Add(webhook.Lease)); !changed {
		t.Error("one whose lease is over was not retried")
	}
}

func TestRetryAfterIsHonoured(t *testing.T) {
	t.Parallel()
	for asked, want := range map[time.Duration]time.Duration{
		time.Second: 5 * time.Second, time.Hour: time.Hour, 1000 * time.Hour: 24 * time.Hour,
	} {
		d := fresh(start).Settle(webhook.Result{Status: 503, Failure: webhook.Unsuccessful, RetryAfter: asked}, start)
		if got := d.DueAt.Sub(start); got < want || got > want+want/10 {
			t.Errorf("asked for %s, waits %s", asked, got)
		}
	}
}

func TestGoneEndsAtOnce(t *testing.T) {
	t.Parallel()
	r := webhook.Result{Status: http.StatusGone, Failure: webhook.Unsuccessful}
	e := webhook.Endpoint{}.Settle(r, start)
	if e.Disabled != webhook.Gone || !e.DueAt.IsZero() {
		t.Errorf("the endpoint is %+v", e)
	}
	if d := fresh(start).Settle(r, start); d.Status != webhook.Dead {
		t.Errorf("the delivery is %s", d.Status)
	}
	if d := fresh(start).Settle(webhook.Result{Failure: webhook.Removed}, start); d.Status != webhook.Dead {
		t.Errorf("the delivery of an event that was removed is %s", d.Status)
	}
}

func TestFiveDaysOfFailuresDisable(t *testing.T) {
	t.Parallel()
	failure := webhook.Result{Failure: webhook.NotConnected}
	e := webhook.Endpoint{}
	for at := start; at.Before(start.Add(webhook.DisableAfter)); at = at.Add(20 * time.Hour) {
		if e = e.Settle(failure, at); !e.Enabled() || !e.FailingSince.Equal(start) {
			t.Fatalf("after %s it is %+v", at.Sub(start), e)
		}
	}
	lasting := e.Settle(failure, start.Add(webhook.DisableAfter))
	if lasting.Disabled != webhook.Failing {
		t.Errorf("after five days it is %+v", lasting)
	}
	if ours := e.Settle(webhook.Result{Failure: webhook.Unreadable}, start.Add(webhook.DisableAfter)); !ours.Enabled() {
		t.Error("a failure of the server's own disabled it")
	}
	well := e.Settle(webhook.Result{Status: 200}, start.Add(webhook.DisableAfter))
	if !well.Enabled() || !well.FailingSince.IsZero() {
		t.Errorf("after a success it is %+v", well)
	}
	// One success, and the five days begin anew.
	if well = well.Settle(failure, start.Add(webhook.DisableAfter+time.Hour)); !well.Enabled() {
		t.Error("disabled by one failure after a success")
	}
	// Enabling forgets the failures.
	on := true
	back, _ := lasting.Patch(webhook.Patch{Enabled: &on}, audit.Actor{}, start)
	if !back.Enabled() || !back.FailingSince.IsZero() || !back.DueAt.Equal(start) {
		t.Errorf("enabled again: %+v", back)
	}
}

func TestWhatIsDisabledKeepsItsReason(t *testing.T) {
	t.Parallel()
	e := webhook.Endpoint{DueAt: start}.Disable(webhook.KeyRevoked, start)
	for _, r := range []webhook.Result{{Status: 200}, {Failure: webhook.TimedOut}, {Status: 410, Failure: webhook.Unsuccessful}} {
		if got := e.Settle(r, start); got.Disabled != webhook.KeyRevoked || !got.DueAt.IsZero() {
			t.Errorf("after %+v: %+v", r, got)
		}
	}
}

func TestWhoDirectsAnEndpoint(t *testing.T) {
	t.Parallel()
	maker, other := auth.APIKey{ID: "maker", Kind: auth.KindAPIKey}, auth.APIKey{ID: "other", Kind: auth.KindAPIKey}
	by := func(k auth.APIKey) audit.Actor { return audit.Actor{Kind: k.Kind, ID: k.ID} }
	e := webhook.Endpoint{CreatedBy: by(maker), DirectedBy: by(maker), URL: "https://a.example", Events: []string{"pin.*"}}
	if !e.MadeBy(maker) || e.MadeBy(other) || e.MadeBy(auth.APIKey{ID: "maker", Kind: auth.KindRuntimeKey}) {
		t.Error("made by another than the maker")
	}
	text, same, url := "new", "https://a.example", "https://b.example"
	for name, p := range map[string]webhook.Patch{"a description": {Description: &text}, "the same URL": {URL: &same}} {
		if got, _ := e.Patch(p, by(other), start); got.MadeBy(other) {
			t.Errorf("%s makes it another's", name)
		}
	}
	for name, p := range map[string]webhook.Patch{"a URL": {URL: &url}, "events": {Events: []string{"key.*"}}} {
		if got, changed := e.Patch(p, by(other), start); !changed || !got.MadeBy(other) || !got.MadeBy(maker) {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if _, changed := e.Patch(webhook.Patch{}, by(other), start); changed {
		t.Error("an empty patch changed something")
	}
}
