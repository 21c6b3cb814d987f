package hydrapin_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hydracore/hydrapin/sdk/go/hydrapin"
)

// tries counts what an operation sends when every answer is the same fault, and how long it takes.
func tries(t *testing.T, op operation, n network, options ...hydrapin.Option) (count int, took time.Duration, err error) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := over(t, network(func(r *http.Request) (*http.Response, error) {
			count++
			return n(r)
		}), options...)
		began := time.Now()
		err = op.call(t.Context(), c)
		took = time.Since(began)
	})
	if err == nil {
		t.Error("no error")
	}
	return count, took, err
}

func TestLostAnswersAreAskedForAgainOnlyWhereThatDoesNoHarm(t *testing.T) {
	t.Parallel()
	forEachOperation(t, func(t *testing.T, op operation) {
		for name, n := range map[string]network{
			"before it began": func(*http.Request) (*http.Response, error) { return nil, errLost },
			"within its body": func(r *http.Request) (*http.Response, error) {
				resp := say(r, http.StatusOK, nil, "")
				resp.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"has_pin":`), broken{}))
				return resp, nil
			},
		} {
			count, took, err := tries(t, op, n)
			if !errors.Is(err, hydrapin.ErrNoAnswer) || !errors.Is(err, errLost) {
				t.Errorf("%s: %v", name, err)
			}
			want := 1
			if op.repeatable {
				want = 5
			}
			// Half of 200, 400, 800 and 1600 ms is certain, the other half chance.
			if count != want || op.repeatable && (took < 1500*time.Millisecond || took > 3*time.Second) {
				t.Errorf("%s: %d tries in %s, want %d", name, count, took, want)
			}
		}
	})
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errLost }

func TestRetryAfterIsKept(t *testing.T) {
	t.Parallel()
	forEachOperation(t, func(t *testing.T, op operation) {
		for status, code := range map[int]string{503: "busy", 429: "too-many-requests"} {
			count, took, err := tries(t, op, func(r *http.Request) (*http.Response, error) {
				return problem(r, status, code, http.Header{"Retry-After": {"7"}}), nil
			})
			var e *hydrapin.APIError
			if !errors.As(err, &e) || e.RetryAfter != 7*time.Second || !errors.Is(err, hydrapin.Code(code)) {
				t.Errorf("%d: %v", status, err)
			}
			// The server did nothing, so that every operation may be repeated.
			if count != 5 || took < 28*time.Second || took > 29*time.Second {
				t.Errorf("%d: %d tries in %s", status, count, took)
			}
		}
	})
}

func TestWhatIsNotWorthARetry(t *testing.T) {
	t.Parallel()
	get := operations()[0]
	for name, test := range map[string]struct {
		status  int
		header  http.Header
		options []hydrapin.Option
		timeout time.Duration
	}{
		"too long a pause":            {503, http.Header{"Retry-After": {"31"}}, nil, time.Hour},
		"longer than the context has": {503, http.Header{"Retry-After": {"7"}}, nil, 5 * time.Second},
		"retries are off":             {503, nil, []hydrapin.Option{hydrapin.WithRetries(0)}, time.Hour},
		"unauthorized":                {401, nil, nil, time.Hour},
		"forbidden":                   {403, nil, nil, time.Hour},
		"not found":                   {404, nil, nil, time.Hour},
		"internal":                    {500, nil, nil, time.Hour},
	} {
		op := operation{call: func(ctx context.Context, c clients) error {
			ctx, cancel := context.WithTimeout(ctx, test.timeout)
			defer cancel()
			return get.call(ctx, c)
		}}
		count, took, err := tries(t, op, func(r *http.Request) (*http.Response, error) {
			return say(r, test.status, test.header, "<html>"), nil
		}, test.options...)
		var e *hydrapin.APIError
		if count != 1 || took != 0 || !errors.As(err, &e) || e.Status != test.status || e.Code != "" {
			t.Errorf("%s: %d tries in %s: %v", name, count, took, err)
		}
	}
}

func TestARetryMaySucceed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var sent []string
		answers := []func(*http.Request) (*http.Response, error){
			func(*http.Request) (*http.Response, error) { return nil, errLost },
			func(r *http.Request) (*http.Response, error) { return say(r, 502, nil, ""), nil },
			func(r *http.Request) (*http.Response, error) { return problem(r, 503, "busy", nil), nil },
			func(r *http.Request) (*http.Response, error) {
				return say(r, 200, nil, confirmationJSON(asked, "pending", "")), nil
			},
		}
		c := over(t, network(func(r *http.Request) (*http.Response, error) {
			body, err := io.ReadAll(r.Body)
			must(t, err)
			sent = append(sent, string(body))
			return answers[len(sent)-1](r)
		}))
		got, err := c.runtime.Ask(t.Context(), question("once"))
		if err != nil || got.ID != asked || len(sent) != 4 {
			t.Errorf("%v, %v after %d tries", got, err, len(sent))
		}
		for _, s := range sent {
			if s != sent[0] || !strings.Contains(s, `"idempotency_key":"once"`) {
				t.Errorf("sent %s", s)
			}
		}
	})
}

func TestACallEndsWithItsContext(t *testing.T) {
	t.Parallel()
	forEachOperation(t, func(t *testing.T, op operation) {
		synctest.Test(t, func(t *testing.T) {
			count := 0
			c := over(t, network(func(r *http.Request) (*http.Response, error) {
				count++
				<-r.Context().Done()
				return nil, r.Context().Err()
			}))
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			defer cancel()
			began := time.Now()
			err := op.call(ctx, c)
			if took := time.Since(began); !errors.Is(err, context.DeadlineExceeded) || took != 3*time.Second || count != 1 {
				t.Errorf("%d tries in %s: %v", count, took, err)
			}
			if err := op.call(ctx, c); !errors.Is(err, context.DeadlineExceeded) || count != 1 {
				t.Errorf("sent on a context that has ended: %v", err)
			}
		})
	})
}

func TestATryHasATimeThatFitsTheWait(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		wait, want time.Duration
	}{{0, 4 * time.Second}, {30 * time.Second, 34 * time.Second}} {
		op := operation{call: func(ctx context.Context, c clients) error {
			_, err := c.runtime.Confirmation(ctx, asked, test.wait)
			return err
		}}
		_, took, err := tries(t, op, func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}, hydrapin.WithTimeout(4*time.Second), hydrapin.WithRetries(0))
		if took != test.want || !errors.Is(err, hydrapin.ErrNoAnswer) {
			t.Errorf("waiting %s: gave up after %s: %v", test.wait, took, err)
		}
	}
}

// A server that stops answers who waits at once; asking it again without a pause would keep it from stopping.
func TestWaitDoesNotSpin(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		count := 0
		c := over(t, network(func(r *http.Request) (*http.Response, error) {
			count++
			if count <= 10 {
				return say(r, 200, nil, confirmationJSON(asked, "pending", "")), nil
			}
			return say(r, 200, nil, confirmationJSON(asked, "approved", "pin")), nil
		}))
		began := time.Now()
		got, err := c.runtime.Wait(t.Context(), asked)
		if took := time.Since(began); err != nil || got.Status != hydrapin.StatusApproved || took < 10*time.Second || took > 20*time.Second {
			t.Errorf("%v, %v after %s", got, err, took)
		}
	})
}

// A body that drips for ever ends with the time of the try.
func TestASlowBody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := over(t, network(func(r *http.Request) (*http.Response, error) {
			resp := say(r, 200, nil, "")
			resp.Body = io.NopCloser(dripping{r.Context()})
			return resp, nil
		}))
		began := time.Now()
		_, err := c.runtime.Verify(t.Context(), asked, goodPIN)
		if took := time.Since(began); took != 15*time.Second || !errors.Is(err, hydrapin.ErrNoAnswer) {
			t.Errorf("%v after %s", err, took)
		}
	})
}

type dripping struct{ ctx context.Context }

func (d dripping) Read(p []byte) (int, error) {
	select {
	case <-time.After(time.Second):
		p[0] = ' '
		return 1, nil
	case <-d.ctx.Done():
		return 0, d.ctx.Err()
	}
}
