package hydrapin

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/hydracore/hydrapin/gen/client"
)

const (
	defaultTimeout = 15 * time.Second
	defaultRetries = 4
	// firstPause doubles with each retry up to maxPause. If the server asks for a longer pause, the
	// call is not retried.
	firstPause = 200 * time.Millisecond
	maxPause   = 30 * time.Second
	// maxAnswer is far more than the server sends: a policy of 256 skills has 34 KiB.
	maxAnswer = 256 << 10
	mediaType = "application/json"
)

// ErrConfig is wrapped by [NewAdmin] and [NewRuntime] when an argument is not valid.
var ErrConfig = errors.New("hydrapin: configuration")

// Option changes how an [Admin] or a [Runtime] calls the server.
type Option func(*connection)

// WithTimeout sets how long one attempt of a call may take. The default is 15 seconds. A call that
// waits for the holder may take that much longer than it waits.
func WithTimeout(d time.Duration) Option { return func(c *connection) { c.timeout = d } }

// WithRetries sets how often a call is retried after its first attempt. The default is 4; 0 turns
// retries off.
//
// Retried are calls that read, [Runtime.Decline], [Runtime.EndSessions], and [Runtime.Ask] with an
// idempotency key: after a lost answer, 429, 502, 503 and 504, with a partly random pause that
// doubles from 200 ms, or as long as Retry-After says. If that is more than 30 seconds, or more
// than the context has left, the error is returned at once. A call that sets, removes, unlocks,
// updates, verifies or redeems is never retried.
func WithRetries(n int) Option { return func(c *connection) { c.retries = n } }

// WithHTTPClient sets the client whose transport and cookies are used. Its timeout and its redirect
// policy are not used, and the client is not changed. The default is [http.DefaultTransport].
func WithHTTPClient(h *http.Client) Option {
	return func(c *connection) {
		if h != nil {
			c.http = *h
		}
	}
}

// WithUserAgent sets the text in front of this package's own name in User-Agent.
func WithUserAgent(name string) Option {
	return func(c *connection) { c.userAgent = name + " " + c.userAgent }
}

// connection sends calls to one server with one credential.
type connection struct {
	api        *client.Client
	credential Credential
	http       http.Client
	userAgent  string
	timeout    time.Duration
	retries    int
}

func connect(baseURL string, credential Credential, options []Option) (*connection, error) {
	u, err := url.Parse(baseURL)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" ||
		u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		// The address is not repeated: it may contain a password.
		return nil, fmt.Errorf("%w: the base URL must be http(s)://host[:port][/prefix]", ErrConfig)
	}
	if credential == nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, ErrCredential)
	}
	if err := credential.check(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	c := &connection{
		credential: credential, userAgent: "hydrapin-go/" + Version, timeout: defaultTimeout, retries: defaultRetries,
	}
	for _, o := range options {
		o(c)
	}
	if c.timeout <= 0 || c.retries < 0 {
		return nil, fmt.Errorf("%w: timeout and retries must not be negative, and the timeout not zero", ErrConfig)
	}
	// A redirect would send the credential to another address.
	c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	// It would cut off long polls. Each attempt has a timeout of its own.
	c.http.Timeout = 0
	c.api, err = client.NewClient(u.String(), client.WithHTTPClient(&c.http), client.WithRequestEditorFn(c.prepare))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	return c, nil
}

// prepare completes a request that is about to be sent.
func (c *connection) prepare(ctx context.Context, r *http.Request) error {
	r.Header.Set("User-Agent", c.userAgent)
	r.Header.Set("Accept", mediaType+", application/problem+json")
	return c.credential.authorize(ctx, r)
}

// call is one operation with its arguments.
type call struct {
	operation string
	// send makes and sends a new request.
	send func(ctx context.Context) (*http.Response, error)
	// want are the statuses of success.
	want []int
	// wait is how long the server may take in addition to the timeout.
	wait time.Duration
	// repeatable means that sending the call twice does no harm.
	repeatable bool
}

// answer is a complete answer.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// do sends a call, retries it where that is safe and can help, and returns a successful answer.
func (c *connection) do(ctx context.Context, k call) (answer, error) {
	for try := 0; ; try++ {
		a, err := c.try(ctx, k)
		if err == nil || !k.repeatable || try >= c.retries || !mayPass(err) {
			return a, err
		}
		if !pause(ctx, before(try, err)) {
			return answer{}, err
		}
	}
}

// try sends a call once.
func (c *connection) try(ctx context.Context, k call) (answer, error) {
	fail := func(kind, err error) error { return fmt.Errorf("hydrapin: %s: %w: %w", k.operation, kind, err) }
	if err := ctx.Err(); err != nil {
		return answer{}, fail(ErrNoAnswer, context.Cause(ctx))
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout+k.wait)
	defer cancel()
	r, err := k.send(ctx)
	if errors.Is(err, ErrCredential) {
		return answer{}, fmt.Errorf("hydrapin: %s: %w", k.operation, err)
	}
	if err != nil {
		return answer{}, fail(ErrNoAnswer, err)
	}
	defer func() { _ = r.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(r.Body, maxAnswer+1))
	if err != nil {
		return answer{}, fail(ErrNoAnswer, err)
	}
	a := answer{status: r.StatusCode, header: r.Header, body: body}
	switch {
	case len(body) > maxAnswer:
		return answer{}, fail(ErrUnexpectedAnswer, fmt.Errorf("status %d with more than %d KiB", a.status, maxAnswer>>10))
	case slices.Contains(k.want, a.status):
		return a, nil
	case a.status >= 400:
		return answer{}, refusal(k.operation, a)
	default:
		return answer{}, fail(ErrUnexpectedAnswer, fmt.Errorf("status %d", a.status))
	}
}

// mayPass reports whether the same call may soon get a different answer.
func mayPass(err error) bool {
	var e *APIError
	if !errors.As(err, &e) {
		return errors.Is(err, ErrNoAnswer)
	}
	switch e.Status {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	default:
		return false
	}
}

// before returns how long to wait before the next attempt: as long as the server asks for, or half
// of a time that doubles plus a random part of it, so that clients that failed together do not
// retry together.
func before(try int, err error) time.Duration {
	half := firstPause << min(try, 10) / 2
	var e *APIError
	if errors.As(err, &e) && e.RetryAfter > 0 {
		return e.RetryAfter + chance(firstPause)
	}
	return min(half+chance(half), maxPause)
}

// chance returns a random time below d, or 0 if there is no randomness.
func chance(d time.Duration) time.Duration {
	n, err := rand.Int(rand.Reader, big.NewInt(int64(d)))
	if err != nil {
		return 0
	}
	return time.Duration(n.Int64())
}

// pause waits. It returns false at once if that would take too long, and false if the context ends
// in the meantime.
func pause(ctx context.Context, d time.Duration) bool {
	if d > maxPause+firstPause {
		return false
	}
	if end, ok := ctx.Deadline(); ok && time.Until(end) <= d {
		return false
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// read decodes an answer and converts it for the caller.
func read[W, T any](operation string, a answer, from func(W) (T, error)) (T, error) {
	t, err := func() (t T, err error) {
		var wire W
		if err := complete[W](a.body); err != nil {
			return t, err
		}
		if err := json.Unmarshal(a.body, &wire); err != nil {
			return t, err
		}
		return from(wire)
	}()
	if err != nil {
		var none T
		return none, fmt.Errorf("hydrapin: %s: %w: %w", operation, ErrUnexpectedAnswer, err)
	}
	return t, nil
}

// complete reports whether an answer has every field of W, and null only where W allows it. The
// server always sends all fields; encoding/json would read {} as a PIN that is not locked.
func complete[W any](body []byte) error {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(body, &fields); err != nil {
		return err
	}
	for f := range reflect.TypeFor[W]().Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		value, ok := fields[name]
		if !ok || f.Type.Kind() != reflect.Pointer && string(value) == "null" {
			return fmt.Errorf("without %s", name)
		}
	}
	return nil
}

// encode writes a body. Raw JSON is written as it is, except for white space.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("hydrapin: cannot be sent as JSON: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
