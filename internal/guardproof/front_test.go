package guardproof_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// step is one request of guard to hydrapin, in the order of a call that runs.
type step string

// The steps.
const (
	decide  step = "decision"
	ask     step = "ask"
	wait    step = "wait"
	redeem  step = "redeem"
	report  step = "outcome"
	unknown step = "another request"
)

func stepOf(r *http.Request) step {
	switch path := r.URL.Path; {
	case strings.HasSuffix(path, "/pin-policy/decision"):
		return decide
	case strings.HasSuffix(path, "/confirmations") && r.Method == http.MethodPost:
		return ask
	case strings.HasSuffix(path, "/redeem"):
		return redeem
	case strings.HasSuffix(path, "/outcome"):
		return report
	case strings.Contains(path, "/confirmations/") && r.Method == http.MethodGet:
		return wait
	default:
		return unknown
	}
}

// fate is what becomes of a request on its way.
type fate struct {
	// cutBefore ends the connection before hydrapin has the request, cutAfter before guard has the
	// answer.
	cutBefore, cutAfter bool
	// instead is an answer that is sent in place of hydrapin's, with the status.
	instead string
	status  int
	// edit changes hydrapin's answer.
	edit func(body string) string
	// arrived is closed when the request has come; it goes on when release is closed.
	arrived, release chan struct{}
	// delivered is called once the answer has left.
	delivered func()
}

// approval is the answer 200 of a redeem that was let through to guard.
type approval struct{ arguments string }

// front stands between guard and hydrapin.
type front struct {
	*httptest.Server
	target *url.URL
	// open is how many requests have no answer yet.
	open atomic.Int64

	mu        sync.Mutex
	fateOf    func(n int, s step) fate
	seen      []step
	bodies    []string
	approvals []approval
}

func newFront(t testing.TB, target string) *front {
	t.Helper()
	u, err := url.Parse(target)
	must(t, err)
	f := &front{target: u, fateOf: func(int, step) fate { return fate{} }}
	f.Server = httptest.NewServer(http.HandlerFunc(f.pass))
	t.Cleanup(func() {
		f.CloseClientConnections()
		f.Close()
	})
	return f
}

// meet says what becomes of the requests from now on; n counts from one.
func (f *front) meet(fateOf func(n int, s step) fate) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fateOf, f.seen = fateOf, nil
}

func (f *front) steps() []step {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]step(nil), f.seen...)
}

// said returns everything that guard has sent to hydrapin.
func (f *front) said() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Join(f.bodies, "\n")
}

func (f *front) approved() []approval {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]approval(nil), f.approvals...)
}

func (f *front) pass(w http.ResponseWriter, r *http.Request) {
	f.open.Add(1)
	defer f.open.Add(-1)
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	s := stepOf(r)
	f.mu.Lock()
	f.seen = append(f.seen, s)
	f.bodies = append(f.bodies, r.Method+" "+r.URL.String()+" "+string(body))
	meets := f.fateOf(len(f.seen), s)
	f.mu.Unlock()
	if meets.arrived != nil {
		close(meets.arrived)
		<-meets.release
	}
	if meets.cutBefore {
		panic(http.ErrAbortHandler)
	}
	if meets.status != 0 {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(meets.status)
		_, _ = io.WriteString(w, meets.instead)
		return
	}
	status, header, answer := f.forward(r, body)
	if meets.cutAfter {
		panic(http.ErrAbortHandler)
	}
	if meets.edit != nil {
		answer = []byte(meets.edit(string(answer)))
		header.Del("Content-Length")
	} else if s == redeem && status == http.StatusOK {
		f.note(body)
	}
	for name, values := range header {
		w.Header()[name] = values
	}
	w.WriteHeader(status)
	_, _ = w.Write(answer)
	if meets.delivered != nil {
		_ = http.NewResponseController(w).Flush()
		meets.delivered()
	}
}

func (f *front) note(body []byte) {
	var asked struct {
		Params json.RawMessage `json:"params"`
	}
	_ = json.Unmarshal(body, &asked)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.approvals = append(f.approvals, approval{canonical(asked.Params)})
}

func (f *front) forward(r *http.Request, body []byte) (status int, header http.Header, answer []byte) {
	to := *r.URL
	to.Scheme, to.Host = f.target.Scheme, f.target.Host
	req, err := http.NewRequestWithContext(r.Context(), r.Method, to.String(), bytes.NewReader(body))
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	req.Header = r.Header.Clone()
	req.Header.Del("Accept-Encoding") // an answer that can be edited
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer func() { _ = resp.Body.Close() }()
	if answer, err = io.ReadAll(resp.Body); err != nil {
		panic(http.ErrAbortHandler)
	}
	return resp.StatusCode, resp.Header, answer
}
