package hydrapin_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/sdk/go/hydrapin"
)

// lyingStep is one step of the lying server: see ../../testdata/README.md.
type lyingStep struct {
	Name, Method, Path, Body string
	Status                   int
	Changes                  []struct {
		Remove, Member string
		Value          any
	}
	Statuses []int
}

type lies struct {
	Question struct {
		InstanceID uuid.UUID `json:"instance_id"`
		Skill      string
		Role       hydrapin.Role
		CustomerID uuid.UUID `json:"customer_id"`
		Summary    string
		Params     string
	}
	ConfirmationID  string `json:"confirmation_id"`
	OtherID         string `json:"other_id"`
	Seeds           uint32
	Kinds           []string
	Steps           []lyingStep
	Bodies          []string
	Headers         []map[string]string
	Codes           []string
	ProblemStatuses []int `json:"problem_statuses"`
	Redirects       []int
	Check           struct {
		First  [][]uint32
		SHA256 string
	}
}

func readTable(tb testing.TB, name string, into any) {
	tb.Helper()
	text, err := os.ReadFile("../../testdata/" + name)
	must(tb, err)
	must(tb, json.Unmarshal(text, into))
}

// draws is xorshift32.
type draws struct {
	state  uint32
	values []string
}

func (d *draws) pick(n int) int {
	d.state ^= d.state << 13
	d.state ^= d.state >> 17
	d.state ^= d.state << 5
	value := d.state % uint32(n)
	d.values = append(d.values, fmt.Sprint(value))
	return int(value)
}

func one[T any](d *draws, values []T) T { return values[d.pick(len(values))] }

// lie is what the server of a seed says, and at which step.
type lie struct {
	kind   string
	step   *lyingStep
	answer reply
	drawn  string
}

func (l *lies) path(s *lyingStep) string {
	return "/internal/v1/instances/" + l.Question.InstanceID.String() + strings.ReplaceAll(s.Path, "{id}", l.ConfirmationID)
}

func (l *lies) of(tb testing.TB, seed uint32) *lie {
	tb.Helper()
	d := &draws{state: seed * 2654435761}
	step := &l.Steps[d.pick(len(l.Steps))]
	told := &lie{kind: one(d, l.Kinds), step: step}
	a := reply{status: step.Status, body: []byte(step.Body), headers: map[string]string{}}
	members := map[string]any{}
	must(tb, json.Unmarshal(a.body, &members))
	switch told.kind {
	case "fields":
		for range 1 + d.pick(3) {
			change := one(d, step.Changes)
			delete(members, change.Remove)
			if change.Member != "" {
				members[change.Member] = change.Value
			}
		}
		a.body = toJSON(tb, members)
	case "body":
		a.body = []byte(one(d, l.Bodies))
	case "half":
		size := d.pick(len(a.body))
		if d.pick(2) == 0 {
			a.cut = len(a.body) - size
		}
		a.body = a.body[:size]
	case "status":
		a.status = one(d, step.Statuses)
	case "problem":
		a.status = one(d, l.ProblemStatuses)
		a.body = toJSON(tb, map[string]any{
			"type": "urn:hydrapin:problem:" + one(d, l.Codes), "title": "t", "status": a.status, "detail": "d", "request_id": "r1",
		})
	case "redirect":
		a.status = one(d, l.Redirects)
		a.headers["Location"] = "/honest" + l.path(step)
	case "other":
		members["id"] = l.OtherID
		a.body = toJSON(tb, members)
	case "drop":
		a.dropped = true
	default:
		tb.Fatalf("unknown kind %q", told.kind)
	}
	maps.Copy(a.headers, one(d, l.Headers))
	told.answer, told.drawn = a, strings.Join(d.values, " ")
	return told
}

func toJSON(tb testing.TB, v any) []byte {
	tb.Helper()
	text, err := json.Marshal(v)
	must(tb, err)
	return text
}

func TestNoLieIsBelieved(t *testing.T) {
	t.Parallel()
	var l lies
	readTable(t, "lies.json", &l)
	var all strings.Builder
	for seed := uint32(1); seed <= l.Seeds; seed++ {
		drawn := l.of(t, seed).drawn
		if first := l.Check.First; int(seed) <= len(first) && "["+drawn+"]" != fmt.Sprint(first[seed-1]) {
			t.Fatalf("seed %d draws %s, want %d", seed, drawn, first[seed-1])
		}
		all.WriteString(drawn + "\n")
	}
	if sum := sha256.Sum256([]byte(all.String())); hex.EncodeToString(sum[:]) != l.Check.SHA256 {
		t.Fatal("the draws are not those of the file")
	}

	var told atomic.Pointer[lie]
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		path := strings.TrimPrefix(r.URL.Path, "/honest")
		if r.Method == http.MethodDelete {
			reply{status: http.StatusNoContent}.send(t, w)
			return
		}
		for i := range l.Steps {
			step := &l.Steps[i]
			if path != l.path(step) || r.Method != step.Method && path == r.URL.Path {
				continue
			}
			if now := told.Load(); now != nil && now.step.Name == step.Name && path == r.URL.Path {
				now.answer.send(t, w)
				return
			}
			reply{status: step.Status, body: []byte(step.Body)}.send(t, w)
			return
		}
		reply{status: http.StatusNotFound}.send(t, w)
	})
	runtime, err := hydrapin.NewRuntime(server.URL, agentKey, l.Question.InstanceID, hydrapin.WithRetries(0))
	must(t, err)
	person := runtime.For(hydrapin.Customer(l.Question.CustomerID), l.Question.Role)
	person.Wait = hydrapin.NoWait
	action := &hydrapin.Action{Summary: l.Question.Summary, Params: rawJSON(l.Question.Params)}
	// The honest server is believed: the test can fail.
	var r ran
	if must(t, person.Guard(t.Context(), l.Question.Skill, action, r.fn)); r.count != 1 {
		t.Fatalf("ran %d times for the honest server", r.count)
	}
	t.Logf("seeds 1 to %d", l.Seeds)
	for seed := uint32(1); seed <= l.Seeds; seed++ {
		r = ran{}
		now := l.of(t, seed)
		told.Store(now)
		err := person.Guard(t.Context(), l.Question.Skill, action, r.fn)
		if no := r.no(err); no == nil {
			t.Errorf("seed %d (%s at %s) ran %d times: %v: %+v", seed, now.kind, now.step.Name, r.count, err, now.answer)
		}
	}
}
