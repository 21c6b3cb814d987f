package hydrapin

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/sdk/go/hydrapin/internal/client"
)

const (
	// firstPause doubles with each retry up to maxPause. If the server asks for a longer pause, the
	// call is not retried.
	firstPause = 200 * time.Millisecond
	maxPause   = 30 * time.Second
	// maxAnswer is far more than the server sends: a policy of 256 skills has 34 KiB.
	maxAnswer = 1 << 20
	mediaType = "application/json"
)

// ResponseInfo describes one attempt of a call for [WithOnResponse]. It never contains a body.
type ResponseInfo struct {
	// Operation is the operationId of the contract.
	Operation string
	// Status is the HTTP status; 0 if no complete answer arrived.
	Status int
	// RequestID is the id of the request in the server's log; "" if the answer had none.
	RequestID string
	// Attempt is 1 for the first attempt.
	Attempt  int
	Duration time.Duration
}

// connection sends calls to one server with one credential.
type connection struct {
	base       string
	credential Credential
	http       http.Client
	userAgent  string
	timeout    time.Duration
	retries    int
	insecure   bool
	onResponse func(ResponseInfo)
}

// call is one operation with its arguments.
type call struct {
	op client.Operation
	// at are the values of the path's parameters, in their order.
	at     []string
	query  url.Values
	header http.Header
	// accept is the media type of a successful answer; "" stands for JSON.
	accept string
	// body is JSON, or nil.
	body []byte
	// wait is how long the server may take in addition to the timeout.
	wait time.Duration
	// keyed means that the body has a key by which the server recognises the same request.
	keyed bool
	// once turns retries off.
	once bool
}

// repeatable reports whether sending the call twice does no harm.
func (k call) repeatable() bool {
	switch k.op.ID {
	case client.OpDeclineConfirmation.ID, client.OpEndPinSessions.ID, client.OpReportOutcome.ID:
		return true
	default:
		return k.keyed || k.op.Method == http.MethodGet
	}
}

func ids(all ...uuid.UUID) []string {
	texts := make([]string, len(all))
	for i, id := range all {
		texts[i] = id.String()
	}
	return texts
}

// answer is a complete answer.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// do sends a call, retries it where that is safe and can help, and returns a successful answer.
func (c *connection) do(ctx context.Context, k call) (answer, error) {
	for attempt := 1; ; attempt++ {
		began := time.Now()
		a, err := c.attempt(ctx, k)
		c.report(k, a, err, attempt, time.Since(began))
		if err == nil || k.once || attempt > c.retries || !mayPass(err, k.repeatable()) {
			return a, err
		}
		if !pause(ctx, before(attempt, err)) {
			return answer{}, err
		}
	}
}

func (c *connection) report(k call, a answer, err error, attempt int, took time.Duration) {
	if c.onResponse == nil {
		return
	}
	info := ResponseInfo{Operation: k.op.ID, Status: a.status, Attempt: attempt, Duration: took}
	if a.header != nil {
		info.RequestID = a.header.Get("X-Request-Id")
	}
	var refused *APIError
	if errors.As(err, &refused) {
		info.RequestID = refused.RequestID
	}
	c.onResponse(info)
}

// attempt sends a call once. With an error the answer is for the report alone.
func (c *connection) attempt(ctx context.Context, k call) (answer, error) {
	fail := func(kind, err error) error { return fmt.Errorf("hydrapin: %s: %w: %w", k.op.ID, kind, err) }
	if err := ctx.Err(); err != nil {
		return answer{}, fail(ErrNoAnswer, context.Cause(ctx))
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout+k.wait)
	defer cancel()
	request, err := c.request(ctx, k)
	if err != nil {
		return answer{}, fmt.Errorf("hydrapin: %s: %w", k.op.ID, err)
	}
	r, err := c.http.Do(request)
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
		return a, fail(ErrUnexpectedAnswer, fmt.Errorf("status %d with more than %d KiB", a.status, maxAnswer>>10))
	case slices.Contains(k.op.Success, a.status):
		return a, nil
	case a.status >= 400:
		return a, refusal(k.op.ID, a)
	default:
		return a, fail(ErrUnexpectedAnswer, fmt.Errorf("status %d", a.status))
	}
}

func (c *connection) request(ctx context.Context, k call) (*http.Request, error) {
	var body io.Reader
	if k.body != nil {
		body = bytes.NewReader(k.body)
	}
	target := c.base + fill(k.op.Path, k.at)
	if len(k.query) > 0 {
		target += "?" + k.query.Encode()
	}
	r, err := http.NewRequestWithContext(ctx, k.op.Method, target, body)
	if err != nil {
		return nil, err
	}
	for name, values := range k.header {
		r.Header[name] = values
	}
	if k.body != nil {
		r.Header.Set("Content-Type", mediaType)
	}
	r.Header.Set("User-Agent", c.userAgent)
	r.Header.Set("Accept", cmp.Or(k.accept, mediaType)+", application/problem+json")
	// A compressed answer could be far larger than it looks.
	r.Header.Set("Accept-Encoding", "identity")
	if err := c.credential.authorize(ctx, r); err != nil {
		return nil, err
	}
	return r, nil
}

// fill puts values in the place of a path's parameters.
func fill(path string, values []string) string {
	segments := strings.Split(path, "/")
	for i, s := range segments {
		if strings.HasPrefix(s, "{") && len(values) > 0 {
			segments[i], values = url.PathEscape(values[0]), values[1:]
		}
	}
	return strings.Join(segments, "/")
}

// mayPass reports whether the same call may be sent again, and may then get a different answer.
func mayPass(err error, repeatable bool) bool {
	var e *APIError
	if !errors.As(err, &e) {
		return repeatable && errors.Is(err, ErrNoAnswer)
	}
	if e.Status == http.StatusTooManyRequests && e.Code == ErrTooManyRequests ||
		e.Status == http.StatusServiceUnavailable && e.Code == ErrBusy {
		return true // the server did nothing
	}
	switch e.Status {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return repeatable
	default:
		return false
	}
}

// before returns how long to wait after an attempt: as long as the server asks for, or half of a
// time that doubles plus a random part of it, so that clients that failed together do not retry
// together.
func before(attempt int, err error) time.Duration {
	half := min(firstPause<<min(attempt-1, 10), maxPause) / 2
	var e *APIError
	if errors.As(err, &e) && e.RetryAfter > 0 {
		return e.RetryAfter + chance(firstPause)
	}
	return half + chance(half)
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

// read sends a call, and decodes and converts its answer for the caller.
func read[W, T any](ctx context.Context, c *connection, k call, from func(W) (T, error)) (T, error) {
	t, _, err := readWithHeader(ctx, c, k, from)
	return t, err
}

func readWithHeader[W, T any](ctx context.Context, c *connection, k call, from func(W) (T, error)) (t T, h http.Header, err error) {
	a, err := c.do(ctx, k)
	if err != nil {
		return t, nil, err
	}
	wire, err := decode[W](a.body)
	if err != nil {
		return t, nil, unexpected(k, err)
	}
	if t, err = from(wire); err != nil {
		var none T
		return none, nil, unexpected(k, err)
	}
	return t, a.header, nil
}

func unexpected(k call, err error) error {
	return fmt.Errorf("hydrapin: %s: %w: %w", k.op.ID, ErrUnexpectedAnswer, err)
}

// nothing sends a call whose answer has no body.
func (c *connection) nothing(ctx context.Context, k call) error {
	_, err := c.do(ctx, k)
	return err
}

// encode writes a body. Raw JSON is written as it is, except for white space.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("%w: cannot be sent as JSON: %w", ErrArgument, err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
