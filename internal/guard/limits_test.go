package guard_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/hydracore/hydrapin/internal/hydratest"
	"github.com/hydracore/hydrapin/sdk/go/hydrapin"
)

// No reader of lines finds a second message in a line.
func TestSeparatorsAreEscaped(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.start(w.sources(""))
	c.hello("2025-11-25", `{}`)
	c.send("{\"jsonrpc\":\"2.0\",\"id\":\"1\",\"method\":\"custom/echo\",\"params\":{\"a\":\"\u2028{}\u2029{}\u0085\"}}")
	if r := c.next(); !strings.Contains(r.line, `"a":"\u2028{}\u2029{}\u0085"`) {
		t.Errorf("%q", r.line)
	}
	record, err := os.ReadFile(w.record)
	hydratest.Must(t, err)
	if strings.ContainsAny(string(record), "\u2028\u2029\u0085") {
		t.Errorf("%q", record)
	}
}

// More calls than there are places are refused; a place is free again after an answer.
func TestPlaces(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.places = 2
	c := w.start(w.sources(""))
	c.hello("2025-11-25", `{}`)
	c.call("1", "send_money", `{"a":1}`)
	w.open(hydrapin.StatusPending)
	c.call("2", "silent", `{"a":2}`)
	hydratest.Eventually(t, "two questions", func() bool {
		n := 0
		for _, err := range w.Runtime.Confirmations(t.Context(), hydrapin.Open{Status: hydrapin.StatusPending}) {
			hydratest.Must(t, err)
			n++
		}
		return n == 2
	})
	c.call("3", "read", `{}`)
	c.refused("3", "too many calls")
	c.send(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"2"}}`)
	c.call("4", "read", `{}`)
	c.succeeded("4", "ran read")
	w.ran(`{"name":"read","arguments":{}}`)
}

// What the upstream refuses to list is for the client to know: it signs in, or begins a new session.
func TestTheUpstreamRefusesToList(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, status := range []int{http.StatusUnauthorized, http.StatusNotFound} {
		upstream := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, _ *http.Request) {
			out.Header().Set("Www-Authenticate", "Bearer")
			http.Error(out, "refused", status)
		}))
		t.Cleanup(upstream.Close)
		p := w.post(w.serve(upstream.URL, ""), toolsCall("1", "read", `{}`))
		if p.status != status || p.header.Get("Www-Authenticate") != "Bearer" || p.body != "refused\n" {
			t.Errorf("%d %v %s", p.status, p.header, p.body)
		}
	}
}

// A flood of names that nobody lists does not become a flood of calls.
func TestManyUnlistedNames(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.start(w.sources(""))
	c.hello("2025-11-25", `{}`)
	for i := range 100 {
		c.call(fmt.Sprint(i), fmt.Sprintf("tool-%d", i), `{}`)
	}
	for range 100 {
		if r := c.next(); r.Error == nil || r.Error.Code != -32602 {
			t.Errorf("%s", r.line)
		}
	}
	w.ran()
}

// A list that changed is read again.
func TestListChanged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.start(w.sources(""))
	c.hello("2025-11-25", `{}`)
	lists := func() int {
		record, err := os.ReadFile(w.record)
		hydratest.Must(t, err)
		return strings.Count(string(record), `"tools/list"`)
	}
	for i, want := range []int{1, 1, 1, 2, 2} {
		tool := "read"
		if i == 2 {
			tool = "change"
		}
		id := fmt.Sprint(i)
		c.call(id, tool, `{}`)
		c.answer(id)
		if got := lists(); got != want {
			t.Errorf("call %d: the list was read %d times, want %d", i, got, want)
		}
	}
}
