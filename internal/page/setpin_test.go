package page_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/hydracore/hydrapin/internal/page"
	"github.com/hydracore/hydrapin/internal/page/pagetest"
)

func choose(pin, again, current string) url.Values {
	values := url.Values{"pin": {pin}, "pin_again": {again}}
	if current != "" {
		values.Set("current_pin", current)
	}
	return values
}

func TestAPINIsChosen(t *testing.T) {
	t.Parallel()
	s := setup(t, page.Brand{Name: "Northbank"})
	path := s.path(t, "set")
	d := read(t, s.get(path))
	for _, name := range []string{"pin", "pin_again"} {
		fields := d.all("input", "name", name)
		if len(fields) != 1 {
			t.Fatalf("%d fields %s", len(fields), name)
		}
		if got, _ := attr(fields[0], "autocomplete"); got != "new-password" {
			t.Errorf("%s: autocomplete %q", name, got)
		}
	}
	if len(d.all("input", "name", "current_pin")) != 0 || !strings.Contains(d.text(), "4 to 12 digits") {
		t.Error(d.text())
	}
	response := s.post(path+"?lang=es", choose("482913", "482913", ""))
	if response.StatusCode != http.StatusSeeOther || !strings.HasSuffix(response.Header.Get("Location"), "?lang=es") {
		t.Fatalf("%d, %q", response.StatusCode, response.Header.Get("Location"))
	}
	response = s.get(path)
	if d := read(t, response); response.StatusCode != http.StatusOK || text(d.all("h1", "", "")[0]) != "Your PIN is set" {
		t.Errorf("afterwards: %d %s", response.StatusCode, d.text())
	}
	if response := s.post(path, choose("482913", "482913", "")); response.StatusCode != http.StatusGone {
		t.Errorf("a second time: %d", response.StatusCode)
	}
}

func TestTheLengthIsThatOfTheRules(t *testing.T) {
	t.Parallel()
	s := setup(t, page.Brand{})
	if d := read(t, s.get(s.path(t, "set-exact"))); !strings.Contains(d.text(), "6 digits. No dates") {
		t.Error(d.text())
	}
}

func TestWhatIsWrongWithAChoiceIsSaidAtItsField(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		state, pin, again, current string
		status                     int
		errors                     map[string]string // of a field's id
		focus                      string
	}{
		{"set", "", "", "", 422, map[string]string{"pin": "Use at least 4 digits."}, "pin"},
		{"set", "482", "482", "", 422, map[string]string{"pin": "Use at least 4 digits."}, "pin"},
		{"set", "4829134829134", "4829134829134", "", 422, map[string]string{"pin": "Use at most 12 digits."}, "pin"},
		{"set-exact", "48291", "48291", "", 422, map[string]string{"pin": "Use at least 6 digits."}, "pin"},
		{"set", "48a913", "48a913", "", 422, map[string]string{"pin": "Use digits only."}, "pin"},
		{"set", "123456", "123456", "", 422, map[string]string{"pin": "This PIN is too easy to guess. Choose another one."}, "pin"},
		{"set", "482913", "482914", "", 422, map[string]string{"again": "The two PINs are not the same. Enter the new PIN again."}, "again"},
		{"set", "482913", "", "", 422, map[string]string{"again": "The two PINs are not the same. Enter the new PIN again."}, "again"},
		{"set", pagetest.CorrectPIN, pagetest.CorrectPIN, "", 422, map[string]string{"pin": "This is your current PIN. Choose another one."}, "pin"},
		{"set-current", "482913", "482913", "", 422, map[string]string{"current": "Enter your current PIN: 4 to 12 digits."}, "current"},
		{"set-current", "1111", "2222", "12", 422, map[string]string{
			"current": "Enter your current PIN: 4 to 12 digits.", "pin": "This PIN is too easy to guess. Choose another one.",
		}, "current"},
		{"set-current", "482913", "482913", "573920", 403, map[string]string{"current": "Incorrect PIN. 4 tries left."}, "current"},
		{"set", pagetest.BusyPIN, pagetest.BusyPIN, "", 503, nil, ""},
		{"set-locked", "482913", "482913", pagetest.CorrectPIN, 423, nil, ""},
		{"set-inactive", "482913", "482913", pagetest.CorrectPIN, 423, nil, ""},
		{"set-done", "482913", "482913", "", 410, nil, ""},
		{"set-ended", "482913", "482913", "", 410, nil, ""},
		{"set", pagetest.BrokenPIN, pagetest.BrokenPIN, "", 500, nil, ""},
	} {
		for _, language := range languages {
			s := setup(t, page.Brand{})
			response := s.post(s.path(t, c.state)+"?lang="+language, choose(c.pin, c.again, c.current))
			d := read(t, response)
			wantSound(t, response, d, language)
			if response.StatusCode != c.status {
				t.Errorf("%+v: %d", c, response.StatusCode)
			}
			for _, id := range []string{"current", "pin", "again"} {
				want := c.errors[id]
				field, shown := d.all("input", "id", id), d.all("p", "id", id+"-error")
				if (want != "") != (len(shown) == 1) || len(shown) == 1 && language == "en" && text(shown[0]) != want {
					t.Errorf("%+v: the error of %s is not %q", c, id, want)
				}
				if len(field) == 0 {
					continue
				}
				_, invalid := attr(field[0], "aria-invalid")
				_, focused := attr(field[0], "autofocus")
				if invalid != (want != "") || focused != (id == c.focus) {
					t.Errorf("%+v: %s: invalid %t, focused %t", c, id, invalid, focused)
				}
				if value, has := attr(field[0], "value"); has {
					t.Errorf("%s holds %q", id, value)
				}
			}
			if c.pin != "" && strings.Contains(d.text(), c.pin) {
				t.Error("the page holds the PIN")
			}
		}
	}
}

func TestALockedCurrentPIN(t *testing.T) {
	t.Parallel()
	s := setup(t, page.Brand{})
	path := s.path(t, "set-current")
	for i := range 5 {
		if response := s.post(path, choose("482913", "482913", "573920")); response.StatusCode != http.StatusForbidden {
			t.Fatalf("%d: %d", i, response.StatusCode)
		}
	}
	response := s.post(path, choose("482913", "482913", pagetest.CorrectPIN))
	d := read(t, response)
	if response.StatusCode != http.StatusLocked || response.Header.Get("Retry-After") != "900" || d.hasPINField() ||
		!strings.Contains(d.text(), "locked until") {
		t.Errorf("%d %s", response.StatusCode, d.text())
	}
}
