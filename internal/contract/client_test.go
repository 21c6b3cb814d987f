package contract_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/contract"
)

// client makes requests by the names of the contract. Every answer is compared
// with the contract on its way.
type client struct {
	testing.TB
	spec *contract.Spec
	url  string
	http *http.Client
	creds
}

// creds are credentials of one tenant, and the instance of the runtime key.
type creds struct {
	tenant, instance uuid.UUID
	// key has every scope; agent is the runtime key; mine is the token of the
	// customer, who is no admin.
	key, agent, mine string
	customer         uuid.UUID
}

// request is a request for an operation of the contract, raw enough to be wrong.
type request struct {
	op string
	// path are the values of the path's parameters, which are escaped.
	path  map[string]string
	query url.Values
	// header replaces what would be sent; a nil value sends none.
	header http.Header
	// body is nil for none.
	body []byte
}

type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a answer) field(tb testing.TB, name string) any {
	tb.Helper()
	var v map[string]any
	must(tb, json.Unmarshal(a.body, &v))
	return v[name]
}

func (a answer) text(tb testing.TB, name string) string {
	tb.Helper()
	s, _ := a.field(tb, name).(string)
	return s
}

// as returns the client that reports to another test.
func (c client) as(tb testing.TB) client {
	tb.Helper()
	c.TB = tb
	transport := *c.http.Transport.(*contract.Transport)
	transport.Report = tb.Error
	c.http = &http.Client{Transport: &transport}
	return c
}

// credential is the header of the credential that opens an operation.
func (c client) credential(op *contract.Operation) (name, value string) {
	switch {
	case agentOpens(op.Path):
		return "X-Api-Key", c.agent
	case strings.HasPrefix(op.Path, "/v1/me/"):
		return "Authorization", "Bearer " + c.mine
	default:
		return "X-Api-Key", c.key
	}
}

// do sends a request. What it does not say is what is right for the operation.
func (c client) do(r request) answer {
	c.Helper()
	op := c.spec.Operation(r.op)
	if op == nil {
		c.Fatalf("no operation %s", r.op)
	}
	path := op.Path
	for _, p := range []string{"customer_id", "instance_id", "identity_id", "confirmation_id", "api_key_id", "webhook_id", "delivery_id", "index"} {
		value, ok := r.path[p]
		switch {
		case ok:
		case p == "index":
			value = "0"
		case p == "instance_id":
			value = c.instance.String()
		default:
			value = c.customer.String()
		}
		path = strings.ReplaceAll(path, "{"+p+"}", url.PathEscape(value))
	}
	if len(r.query) > 0 {
		path += "?" + r.query.Encode()
	}
	header := http.Header{}
	if r.body != nil {
		header.Set("Content-Type", "application/json")
	}
	header.Set(c.credential(op))
	for name, values := range r.header {
		header[http.CanonicalHeaderKey(name)] = values
	}
	return c.send(op.Method, path, header, r.body)
}

// send sends a request and fails the test when no answer comes. It may be called
// from any goroutine.
func (c client) send(method, path string, header http.Header, body []byte) answer {
	c.Helper()
	var content io.Reader = http.NoBody
	if body != nil {
		content = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(c.Context(), method, c.url+path, content)
	if err != nil {
		c.Errorf("%s %s: %v", method, path, err)
		return answer{}
	}
	req.Header = header
	resp, err := c.http.Do(req)
	if err != nil {
		c.Errorf("%s %s: %v", method, path, err)
		return answer{}
	}
	defer func() { _ = resp.Body.Close() }()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		c.Errorf("%s %s: %v", method, path, err)
	}
	return answer{status: resp.StatusCode, header: resp.Header, body: got}
}

// want sends a request and fails the test when it has another status.
func (c client) want(status int, r request) answer {
	c.Helper()
	a := c.do(r)
	if a.status != status {
		c.Fatalf("%s answered %d, want %d: %s", r.op, a.status, status, a.body)
	}
	return a
}

// refused is want for a problem of that code.
func (c client) refused(status int, code string, r request) answer {
	c.Helper()
	a := c.want(status, r)
	if p := contract.ParseProblem(a.body); p.Code() != code {
		c.Fatalf("%s answered %d %s, want %s", r.op, status, p.Code(), code)
	}
	return a
}

func raw(text string) []byte { return []byte(text) }

// encode writes a body.
func encode(tb testing.TB, v any) []byte {
	tb.Helper()
	text, err := json.Marshal(v)
	must(tb, err)
	return text
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func sameJSON(tb testing.TB, a, b []byte) bool {
	tb.Helper()
	var x, y any
	must(tb, json.Unmarshal(a, &x))
	must(tb, json.Unmarshal(b, &y))
	return reflect.DeepEqual(x, y)
}
