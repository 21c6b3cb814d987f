package guardproof_test

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/hydratest"
)

// amount are the arguments of the nth call of an attack.
func amount(n int) string { return fmt.Sprintf(`{"amount":"%d.00"}`, n) }

// broken calls the tool while every request of the step meets a fate, and returns once guard has
// answered. Only a report may be lost by a call that ran.
func (g *guard) broken(at step, f fate, arguments string) {
	g.s.t.Helper()
	if at == redeem || at == report {
		g.linked(guardedTool, arguments)
	}
	before := g.s.judge().ran
	g.s.front.meet(func(_ int, s step) fate {
		if s == at {
			return f
		}
		return fate{}
	})
	r := g.call(guardedTool, arguments)
	hydratest.Eventually(g.s.t, "guard answers at "+string(at), func() bool {
		return len(r.ch) > 0 && slices.Contains(g.s.front.steps(), at)
	})
	if after := g.s.judge().ran; after != before && at != report {
		g.s.t.Errorf("%d calls ran while hydrapin was broken at %s", after-before, at)
	}
	g.s.front.settled(g.s.t)
	g.s.front.meet(func(int, step) fate { return fate{} })
}

// again calls until the person was asked and has confirmed, and once more.
func (g *guard) again(arguments string) {
	g.s.t.Helper()
	g.call(guardedTool, arguments).wait()
	for _, q := range g.s.questions("pending", g.s.customer) {
		g.s.confirmAt(q, arguments)
	}
	g.call(guardedTool, arguments).wait()
	g.settled()
	g.s.front.settled(g.s.t)
	for _, q := range g.s.questions("pending", g.s.customer) {
		g.s.onPage(q.Link, "decline", "")
	}
}

var everyStep = []step{decide, ask, wait, redeem, report}

func cutEachStep(_ *testing.T, s *stage) {
	s.breakEachStep(fate{cutBefore: true}, fate{cutAfter: true})
}

func failEachStep(_ *testing.T, s *stage) {
	const problem = `{"type":"urn:hydrapin:problem:busy","status":503}`
	s.breakEachStep(fate{status: http.StatusInternalServerError, instead: problem},
		fate{status: http.StatusServiceUnavailable, instead: problem}, fate{status: http.StatusTooManyRequests, instead: problem})
}

// breakEachStep lets each step meet each fate, and then calls again.
func (s *stage) breakEachStep(fates ...fate) {
	s.t.Helper()
	g := s.start(setup{wait: soon})
	// Only a guard that holds calls waits.
	holds := s.start(setup{wait: "8s", upstream: g.o.upstream})
	n := 0
	for _, at := range everyStep {
		for _, f := range fates {
			n++
			by := g
			if at == wait {
				by = holds
			}
			by.broken(at, f, amount(n))
			g.again(amount(n))
		}
	}
}

func unrecognised(_ *testing.T, s *stage) {
	g := s.start(setup{wait: soon})
	answers := map[step][]string{
		decide: {
			``, `{}`, `null`, `[]`, `true`, `false`, `{"required":null,"reason":null}`, `{"required":"false","reason":"skill_not_listed"}`,
			`{"required":0,"reason":"skill_not_listed"}`, `{"Required":false,"Reason":"skill_not_listed"}`, `{"required":false`,
			`{"required":false,"reason":"approved_elsewhere"}`, `{"required":false,"reason":"frozen"}`,
			`{"required":true,"required":false,"reason":"skill_not_listed"}`, `<html>not required</html>`,
		},
		ask: {
			``, `{}`, `{"status":"approved"}`, `{"status":"redeemed"}`, `{"status":"Not_required","reason":"skill_not_listed"}`,
			`{"status":"not_required","reason":null}`, `{"status":"not_required","reason":"by_magic"}`, `<html></html>`, `null`,
		},
		redeem: {``, `{}`, `null`, `true`, `{"status":"redeemed"}`, `{"status":"approved"}`, `<html>redeemed</html>`, `{"status":"redeemed"`},
	}
	n := 0
	for at, instead := range answers {
		for _, body := range instead {
			for _, status := range []int{http.StatusOK, http.StatusNoContent, http.StatusCreated, http.StatusFound} {
				if status != http.StatusOK && body != `{}` {
					continue
				}
				n++
				if at == redeem {
					s.front.meet(func(int, step) fate { return fate{} })
					g.linked(guardedTool, amount(n))
				}
				s.front.meet(func(_ int, now step) fate {
					if now == at {
						return fate{status: status, instead: body}
					}
					return fate{}
				})
				g.call(guardedTool, amount(n)).wantRefused()
			}
		}
	}
	s.front.meet(func(int, step) fate { return fate{} })
	g.settled()
}

var (
	anID     = regexp.MustCompile(`"id":"[^"]*"`)
	aStatus  = regexp.MustCompile(`"status":"[^"]*"`)
	aSkill   = regexp.MustCompile(`"skill":"[^"]*"`)
	aDigest  = regexp.MustCompile(`"action_digest":"[^"]*"`)
	aHolder  = regexp.MustCompile(`"customer_id":"[^"]*"`)
	halfText = func(s string) string { return s[:len(s)/2] }
)

func editRedeem(_ *testing.T, s *stage) {
	g := s.start(setup{wait: soon})
	replace := func(what *regexp.Regexp, with string) func(string) string {
		return func(body string) string { return what.ReplaceAllString(body, with) }
	}
	for n, edit := range []func(string) string{
		replace(aStatus, `"status":"approved"`), replace(aStatus, `"status":"pending"`), replace(aStatus, `"status":"declined"`),
		replace(aStatus, `"status":"REDEEMED"`), replace(aStatus, `"status":null`), replace(aStatus, `"state":"redeemed"`),
		replace(anID, `"id":"`+uuid.NewString()+`"`), replace(aSkill, `"skill":"read_balance"`), replace(aDigest, `"action_digest":null`),
		replace(aDigest, `"action_digest":"sha-256:0000000000000000000000000000000000000000000000000000000000000000"`),
		replace(aHolder, `"customer_id":"`+uuid.NewString()+`"`), halfText,
	} {
		g.linked(guardedTool, amount(n))
		s.front.meet(func(_ int, now step) fate {
			if now == redeem {
				return fate{edit: edit}
			}
			return fate{}
		})
		g.call(guardedTool, amount(n)).wantRefused()
		s.front.meet(func(int, step) fate { return fate{} })
	}
	g.settled()
}

func killEachStep(t *testing.T, s *stage) {
	var upstream string
	if s.kind.http {
		upstream = serveRecorder(t, s.path, honest).URL + "/mcp"
	}
	for n, at := range everyStep {
		for i, after := range []bool{false, true} {
			o := setup{upstream: upstream}
			if at == redeem || at == report {
				o.wait = soon
			}
			g := s.start(o)
			g.settled()
			g.killAt(at, after, amount(2*n+i))
			next := s.start(setup{wait: soon, upstream: upstream})
			next.again(amount(2*n + i))
			next.kill()
		}
	}
}

// killAt kills guard when it has sent the step's request, or has its answer.
func (g *guard) killAt(at step, after bool, arguments string) {
	g.s.t.Helper()
	if at == redeem || at == report {
		g.linked(guardedTool, arguments)
	}
	arrived, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	g.s.front.meet(func(_ int, now step) fate {
		f := fate{}
		if now == at {
			once.Do(func() {
				f = fate{arrived: arrived, release: release}
				if after {
					close(release)
					f = fate{delivered: func() { close(arrived) }}
				}
			})
		}
		return f
	})
	g.call(guardedTool, arguments)
	confirmed := false
	hydratest.Eventually(g.s.t, "guard comes to "+string(at), func() bool {
		select {
		case <-arrived:
			return true
		default:
		}
		pending := g.s.questions("pending", g.s.customer)
		// A wait ends with the answer that it waited for.
		if len(pending) > 0 && !confirmed && at == wait && after {
			confirmed = true
			g.s.confirmAt(pending[0], arguments)
		}
		return false
	})
	g.kill()
	if !after {
		close(release)
	}
	g.s.front.meet(func(int, step) fate { return fate{} })
	if pending := g.s.questions("pending", g.s.customer); len(pending) > 0 && !confirmed {
		g.s.confirmAt(pending[0], arguments)
	}
}
