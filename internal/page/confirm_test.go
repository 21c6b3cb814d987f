package page_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/hydracore/hydrapin/internal/page"
	"github.com/hydracore/hydrapin/internal/page/link"
	"github.com/hydracore/hydrapin/internal/page/pagetest"
)

func TestAQuestionShowsWhatIsAsked(t *testing.T) {
	t.Parallel()
	s := setup(t, page.Brand{Name: "Northbank"})
	d := read(t, s.get(s.path(t, "pending")))
	quote := d.all("blockquote", "", "")
	if len(quote) != 1 || text(quote[0]) != "Pay 1,250.00 EUR to María García López" {
		t.Error("the summary is not a quotation")
	}
	if h := text(d.all("h1", "", "")[0]); h != "The agent asks to:" {
		t.Errorf("heading %q", h)
	}
	for _, want := range []string{
		"Northbank asks you to confirm", "Skill: payments.transfer", "ES91 2100 0418 4502 0005 1332", "1250.00", "no",
	} {
		if !strings.Contains(d.text(), want) {
			t.Errorf("no %q", want)
		}
	}
	for _, dd := range d.all("dd", "", "") {
		if first := dd.FirstChild.Data; first != "bdi" && first != "i" {
			t.Errorf("a value in <%s>", first)
		}
	}
	if !d.hasPINField() || len(d.all("input", "name", "used")) != 2 {
		t.Error("no form, or one without its number")
	}
	field := d.all("input", "name", "pin")[0]
	for name, want := range map[string]string{
		"type": "password", "inputmode": "numeric", "autocomplete": "current-password", "aria-describedby": "pin-hint",
	} {
		if got, _ := attr(field, name); got != want {
			t.Errorf("%s=%q", name, got)
		}
	}
	if strings.Contains(d.text(), "tries left") {
		t.Error("tries are counted before there was one")
	}
}

func TestWithoutAnActionTheSkillIsTheHeadline(t *testing.T) {
	t.Parallel()
	s := setup(t, page.Brand{})
	d := read(t, s.get(s.path(t, "pending-skill")))
	if quote := d.all("blockquote", "", ""); len(quote) != 1 || text(quote[0]) != "payments.transfer" {
		t.Error("the skill is not the headline")
	}
	if n := strings.Count(d.text(), "payments.transfer"); n != 1 {
		t.Errorf("the skill is there %d times", n)
	}
}

func TestASessionIsAnnounced(t *testing.T) {
	t.Parallel()
	s := setup(t, page.Brand{})
	got := read(t, s.get(s.path(t, "pending-session"))).text()
	for _, want := range []string{
		"Until 27 November 2026, 14:30 UTC", "mail.send", "calendar.*", "Überweisung prüfen", "every skill",
		"2 other pending requests:", "calendar.create", "mail.delete",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in %q", want, got)
		}
	}
}

func TestNothingIsShownOfAQuestionThatEnded(t *testing.T) {
	t.Parallel()
	s := setup(t, page.Brand{})
	for name, want := range map[string]string{
		"confirmed": "Confirmed", "not-carried-out": "Confirmed, but not carried out", "declined": "Declined", "expired": "Expired",
	} {
		for _, query := range []string{"", "?all=1"} {
			d := read(t, s.get(s.path(t, name)+query))
			if h := text(d.all("h1", "", "")[0]); h != want {
				t.Errorf("%s: heading %q", name, h)
			}
			for _, secret := range []string{"María", "ES91", "payments.transfer", "<form"} {
				if strings.Contains(d.raw, secret) {
					t.Errorf("%s shows %q", name, secret)
				}
			}
		}
	}
}

func TestEveryReasonOfA404IsTheSame(t *testing.T) {
	t.Parallel()
	s := setup(t, page.Brand{})
	token := strings.TrimPrefix(s.path(t, "pending"), "/confirm/")
	unknown := pagetest.State{Name: "never stored", Purpose: link.Confirm}
	var first string
	for _, path := range []string{
		"/confirm/" + s.links.Token(link.Confirm, unknown.ID()), "/confirm/" + token[:42], "/confirm/" + token + "/",
		"/confirm/" + token + "/more", "/set-pin/" + token, "/confirm/", "/set-pin/", "/confirm/assets/nothing.css",
		"/confirm/" + strings.Repeat("A", 43), "/elsewhere/" + token,
	} {
		response := s.get(path)
		d := read(t, response)
		if response.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d", path, response.StatusCode)
		}
		if first == "" {
			first = d.raw
			wantSound(t, response, d, "en")
		}
		if d.raw != first {
			t.Errorf("%s: another page", path)
		}
		if post := s.post(path, confirm(pagetest.CorrectPIN, 0)); post.StatusCode != http.StatusNotFound {
			t.Errorf("POST %s: %d", path, post.StatusCode)
		}
	}
}

func TestGETAndHEADChangeNothing(t *testing.T) {
	t.Parallel()
	s := setup(t, page.Brand{})
	path := s.path(t, "pending") + "?decision=decline&pin=739182&used=0"
	before := read(t, s.get(path)).raw
	for range 20 {
		s.get(path)
		r := httptest.NewRequest(http.MethodHead, path, http.NoBody)
		response := s.do(r)
		if body := read(t, response).raw; response.StatusCode != http.StatusOK || body != "" {
			t.Errorf("HEAD: %d, %q", response.StatusCode, body)
		}
		if got := response.Header.Get("Content-Length"); got != fmt.Sprint(len(before)) {
			t.Errorf("HEAD: Content-Length %s", got)
		}
		wantHeaders(t, response.Header)
	}
	if got := read(t, s.get(path)).raw; got != before || len(s.backend.Answers()) != 0 {
		t.Error("a GET changed something")
	}
	for _, method := range []string{http.MethodPut, http.MethodDelete, http.MethodOptions, http.MethodPatch} {
		response := s.do(httptest.NewRequest(method, path, http.NoBody))
		if response.StatusCode != http.StatusMethodNotAllowed || response.Header.Get("Allow") != "GET, HEAD, POST" {
			t.Errorf("%s: %d, Allow %q", method, response.StatusCode, response.Header.Get("Allow"))
		}
	}
}

func TestThreeTries(t *testing.T) {
	t.Parallel()
	s := setup(t, page.Brand{})
	path := s.path(t, "pending")
	for used, want := range []string{"Incorrect PIN. 2 tries left.", "Incorrect PIN. 1 try left."} {
		response := s.post(path, confirm("111111", used))
		d := read(t, response)
		wantSound(t, response, d, "en")
		field := d.all("input", "name", "pin")
		errors := d.all("p", "id", "pin-error")
		if response.StatusCode != http.StatusForbidden || len(field) != 1 || len(errors) != 1 {
			t.Fatalf("try %d: %d", used+1, response.StatusCode)
		}
		if got := text(errors[0]); got != want {
			t.Errorf("try %d: %q", used+1, got)
		}
		if invalid, _ := attr(field[0], "aria-invalid"); invalid != "true" {
			t.Error("the field is not marked")
		}
		if described, _ := attr(field[0], "aria-describedby"); described != "pin-error pin-hint" {
			t.Errorf("the field is described by %q", described)
		}
		if _, focused := attr(field[0], "autofocus"); !focused {
			t.Error("the field has not the focus")
		}
		if number, _ := attr(d.all("input", "name", "used")[0], "value"); number != fmt.Sprint(used+1) {
			t.Errorf("the form's number is %s", number)
		}
	}
	if d := read(t, s.get(path)); !strings.Contains(d.text(), "1 try left.") || len(d.all("input", "aria-invalid", "")) > 0 {
		t.Error("a reload does not state the tries left")
	}
	response := s.post(path, confirm("111111", 2))
	d := read(t, response)
	if response.StatusCode != http.StatusForbidden || !strings.Contains(d.text(), "That was the last try.") ||
		strings.Contains(d.text(), "María") || d.hasPINField() {
		t.Errorf("third: %d %s", response.StatusCode, d.text())
	}
	if response := s.post(path, confirm(pagetest.CorrectPIN, 3)); response.StatusCode != http.StatusGone {
		t.Errorf("fourth: %d", response.StatusCode)
	}
}

func TestAnOutdatedFormSpendsNothing(t *testing.T) {
	t.Parallel()
	s := setup(t, page.Brand{})
	path := s.path(t, "pending")
	s.post(path, confirm("111111", 0))
	for _, used := range []string{"0", "2", "-1", "x", " 1", "99999999999999999999"} {
		values := confirm(pagetest.CorrectPIN, 0)
		values.Set("used", used)
		response := s.post(path, values)
		d := read(t, response)
		if response.StatusCode != http.StatusOK || !strings.Contains(d.text(), "out of date") || !d.hasPINField() {
			t.Errorf("%q: %d", used, response.StatusCode)
		}
	}
	if n := len(s.backend.Answers()); n != 1 {
		t.Errorf("%d answers reached the back end", n)
	}
	values := url.Values{"decision": {"decline"}, "used": {"0"}}
	if response := s.post(path, values); response.StatusCode != http.StatusSeeOther {
		t.Errorf("an outdated form does not decline: %d", response.StatusCode)
	}
}

func TestDecisions(t *testing.T) {
	t.Parallel()
	for decision, want := range map[string]page.Decision{"confirm": page.Confirm, "decline": page.Decline, "dispute": page.Dispute} {
		s := setup(t, page.Brand{})
		path := s.path(t, "pending")
		values := confirm(pagetest.CorrectPIN, 0)
		values.Set("decision", decision)
		if response := s.post(path, values); response.StatusCode != http.StatusSeeOther {
			t.Errorf("%s: %d", decision, response.StatusCode)
		}
		answers := s.backend.Answers()
		if len(answers) != 1 || answers[0].Decision != want {
			t.Fatalf("%s: %+v", decision, answers)
		}
		if entered := answers[0].PIN.Reveal(); decision != "confirm" && entered != "" {
			t.Errorf("%s: the PIN is passed on", decision)
		}
		if response := s.post(path, values); response.StatusCode != http.StatusGone {
			t.Errorf("%s a second time: %d", decision, response.StatusCode)
		}
	}
}

func TestFormsThatAreNotOurs(t *testing.T) {
	t.Parallel()
	good := confirm(pagetest.CorrectPIN, 0).Encode()
	const form = "application/x-www-form-urlencoded"
	for _, c := range []struct {
		name, body, contentType string
		header                  http.Header
		want                    int
	}{
		{"too large", strings.Repeat("x", 4097), "text/plain", nil, 413},
		{"too large, from elsewhere", good + "&x=" + strings.Repeat("x", 4096), form, http.Header{"Origin": {"https://evil.example"}}, 413},
		{"as large as may be", good + "&x=" + strings.Repeat("x", 4096-len(good)-3), form, nil, 303},
		{"JSON", `{"decision":"confirm"}`, "application/json", nil, 415},
		{"no type", good, "", nil, 415},
		{"multipart", good, "multipart/form-data; boundary=x", http.Header{"Sec-Fetch-Site": {"cross-site"}}, 415},
		{"with a charset", good, form + "; charset=UTF-8", nil, 303},
		{"cross-site", good, form, http.Header{"Sec-Fetch-Site": {"cross-site"}}, 403},
		{"same site", good, form, http.Header{"Sec-Fetch-Site": {"same-site"}}, 403},
		{"no site", good, form, http.Header{"Sec-Fetch-Site": {"none"}}, 403},
		{"two sites", good, form, http.Header{"Sec-Fetch-Site": {"same-origin", "cross-site"}}, 403},
		{"null origin", good, form, http.Header{"Origin": {"null"}}, 403},
		{"other origin", good, form, http.Header{"Origin": {"https://pin.bank.example.evil.example"}}, 403},
		{"plain origin", good, form, http.Header{"Origin": {"http://pin.bank.example"}}, 403},
		{"own origin", good, form, http.Header{"Origin": {"https://pin.bank.example"}, "Sec-Fetch-Site": {"same-origin"}}, 303},
		{"not encoded", "decision=confirm&pin=%zz", form, nil, 422},
		{"no decision", "pin=739182&used=0", form, nil, 422},
		{"two decisions", good + "&decision=decline", form, nil, 422},
		{"another decision", "decision=approve&pin=739182", form, nil, 422},
		{"no PIN", "decision=confirm&used=0", form, nil, 422},
		{"two PINs", good + "&pin=739182", form, nil, 422},
		{"short", confirm("123", 0).Encode(), form, nil, 422},
		{"long", confirm("1234567890123", 0).Encode(), form, nil, 422},
		{"letters", confirm("12a4", 0).Encode(), form, nil, 422},
		{"other digits", confirm("٧٣٩١٨٢", 0).Encode(), form, nil, 422},
	} {
		s := setup(t, page.Brand{})
		r := httptest.NewRequest(http.MethodPost, s.path(t, "pending")+"?decision=confirm&pin=739182&lang=es", strings.NewReader(c.body))
		for name, values := range c.header {
			r.Header[name] = values
		}
		if c.contentType != "" {
			r.Header.Set("Content-Type", c.contentType)
		}
		response := s.do(r)
		if response.StatusCode != c.want {
			t.Errorf("%s: %d, want %d", c.name, response.StatusCode, c.want)
		}
		if c.want == 303 {
			continue
		}
		wantSound(t, response, read(t, response), "es")
		if len(s.backend.Answers()) != 0 {
			t.Errorf("%s: it reached the back end", c.name)
		}
	}
}

func TestWhereThePINDoesNotCountThereIsNoField(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]struct {
		status int
		text   string
	}{
		"pending-frozen":   {403, "paused"},
		"pending-locked":   {423, "locked until 27 November 2026, 14:15 UTC"},
		"pending-inactive": {423, "deactivated"},
		"pending-not-own":  {403, "chose yourself"},
	} {
		s := setup(t, page.Brand{})
		for _, pin := range []string{"", pagetest.CorrectPIN, "x"} {
			response := s.get(s.path(t, name))
			if pin != "" {
				response = s.post(s.path(t, name), confirm(pin, 0))
				if response.StatusCode != want.status {
					t.Errorf("%s: %d", name, response.StatusCode)
				}
				if after := response.Header.Get("Retry-After"); name == "pending-locked" && after != "900" {
					t.Errorf("%s: Retry-After %q", name, after)
				}
			}
			d := read(t, response)
			if d.hasPINField() || !strings.Contains(d.text(), want.text) || len(d.all("button", "value", "decline")) != 1 {
				t.Errorf("%s: %s", name, d.text())
			}
		}
		if response := s.post(s.path(t, name), url.Values{"decision": {"dispute"}}); response.StatusCode != http.StatusSeeOther {
			t.Errorf("%s: dispute: %d", name, response.StatusCode)
		}
	}
}

func TestABusyAndABrokenService(t *testing.T) {
	t.Parallel()
	s := setup(t, page.Brand{})
	path := s.path(t, "pending")
	response := s.post(path, confirm(pagetest.BusyPIN, 0))
	d := read(t, response)
	if response.StatusCode != http.StatusServiceUnavailable || response.Header.Get("Retry-After") != "2" || !d.hasPINField() ||
		!strings.Contains(d.text(), "your PIN was not used") {
		t.Errorf("busy: %d %v %s", response.StatusCode, response.Header, d.text())
	}
	response = s.post(path, confirm(pagetest.BrokenPIN, 0))
	d = read(t, response)
	wantSound(t, response, d, "en")
	if response.StatusCode != http.StatusInternalServerError || len(s.errors) != 1 || strings.Contains(d.raw, "pagetest") {
		t.Errorf("broken: %d %v", response.StatusCode, s.errors)
	}
	if strings.Contains(d.raw, pagetest.BrokenPIN) {
		t.Error("the page holds the PIN")
	}
}

func TestWhatTheBackEndDoesNotSayIsNotDone(t *testing.T) {
	t.Parallel()
	s := setup(t, page.Brand{})
	s.backend.Change(s.states["pending"].ID(), func(q *page.Question) { q.State = 0 })
	s.backend.Change(s.states["pending-frozen"].ID(), func(q *page.Question) { q.Obstacle = 99 })
	s.backend.Change(s.states["pending-nested"].ID(), func(q *page.Question) { q.Params = []byte(`{"a":`) })
	for i, name := range []string{"pending", "pending-frozen", "pending-nested"} {
		if response := s.get(s.path(t, name)); response.StatusCode != http.StatusInternalServerError || len(s.errors) != i+1 {
			t.Errorf("%s: %d", name, response.StatusCode)
		}
	}
}

func TestMiddlewareCanRefuseAPage(t *testing.T) {
	t.Parallel()
	s := setup(t, page.Brand{})
	for status, want := range map[int]string{
		404: "Page not found", 405: "Request not accepted", 413: "Form too large", 415: "Form not accepted",
		429: "Too many requests", 503: "Not available at the moment", 500: "Something went wrong", 418: "Something went wrong",
	} {
		for _, language := range languages {
			w := httptest.NewRecorder()
			s.pages.Refuse(w, httptest.NewRequest(http.MethodGet, "/confirm/x?lang="+language, http.NoBody), status, 1100*time.Millisecond)
			response := w.Result()
			d := read(t, response)
			wantSound(t, response, d, language)
			if response.StatusCode != status || response.Header.Get("Retry-After") != "2" {
				t.Errorf("%d: %d, %v", status, response.StatusCode, response.Header)
			}
			if language == "en" && text(d.all("h1", "", "")[0]) != want {
				t.Errorf("%d: %s", status, d.text())
			}
		}
	}
}
