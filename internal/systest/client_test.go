package systest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hydracore/hydrapin/internal/contract"
	"github.com/hydracore/hydrapin/internal/hydratest"
)

// browser keeps many connections open, so that what a test does at once arrives at
// once.
var browser = &http.Client{
	Timeout:   hydratest.Patience,
	Transport: &http.Transport{MaxIdleConnsPerHost: 256, MaxConnsPerHost: 0},
}

// answer is what came back. err is set, and nothing else, when nothing did.
type answer struct {
	status int
	header http.Header
	body   []byte
	took   time.Duration
	err    error
}

// call makes a request. body is a string as it is to be sent; header are names and
// values in turn.
func call(ctx context.Context, client *http.Client, method, url, body string, header ...string) answer {
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return answer{err: err}
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	start := time.Now()
	res, err := client.Do(req)
	if err != nil {
		return answer{err: err}
	}
	defer func() { _ = res.Body.Close() }()
	content, err := io.ReadAll(res.Body)
	if err != nil {
		return answer{err: err}
	}
	return answer{status: res.StatusCode, header: res.Header, body: content, took: time.Since(start)}
}

// agreed is the contract that answers are compared with.
var agreed = sync.OnceValue(func() *contract.Spec {
	spec, err := contract.Current()
	if err != nil {
		panic(err)
	}
	return spec
})

// call makes a request with a key, and holds the answer against the contract.
func (n *node) call(key, method, path, body string) answer {
	a := call(n.m.t.Context(), browser, method, n.url+path, body, "X-Api-Key", key)
	if a.err == nil {
		path, _, _ := strings.Cut(path, "?")
		for _, difference := range agreed().Check(contract.Exchange{Method: method, Path: path, Status: a.status, Header: a.header, Body: a.body}) {
			n.m.t.Errorf("%s %s answered %d against the contract: %s", method, path, a.status, difference)
		}
	}
	return a
}

// problem is the part of an answer that says what was refused.
type problem struct {
	Type              string
	Detail            string
	RequestID         string `json:"request_id"`
	AttemptsRemaining *int   `json:"attempts_remaining"`
	LockedUntil       *string
}

// kind returns the code of a problem, or "".
func (a answer) kind() string {
	var p problem
	if json.Unmarshal(a.body, &p) != nil {
		return ""
	}
	return strings.TrimPrefix(p.Type, "urn:hydrapin:problem:")
}

// into decodes an answer that must have one of the statuses.
func (a answer) into(t *testing.T, v any, statuses ...int) {
	t.Helper()
	a.want(t, statuses...)
	if err := json.NewDecoder(bytes.NewReader(a.body)).Decode(v); err != nil {
		t.Fatalf("%s: %v", a.body, err)
	}
}

func (a answer) want(t *testing.T, statuses ...int) {
	t.Helper()
	if a.err != nil {
		t.Fatalf("no answer: %v", a.err)
	}
	for _, s := range statuses {
		if a.status == s {
			return
		}
	}
	t.Fatalf("status %d, want %v: %s", a.status, statuses, a.body)
}
