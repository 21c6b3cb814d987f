package confirmation_test

import (
	"strings"
	"testing"

	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/text"
)

func TestNewAction(t *testing.T) {
	t.Parallel()
	a := confirmation.NewAction("Pay", []byte(`{"a":"é","b":1}`))
	if a.Summary != "Pay" || string(a.Params) != `{"a":"é","b":1}` ||
		a.Digest != "sha-256:aa58fba8483623bed37c1b02edfccbdd9a53123837c20bfa4cb4049993a2872e" {
		t.Errorf("action %+v (%s)", a, a.Params)
	}
}

func TestCheckSummary(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", 500)
	for name, tt := range map[string]struct {
		summary string
		want    text.Kind
	}{
		"one character":          {"é", text.OK},
		"500 characters":         {long, text.OK},
		"a variation of a heart": {"Pay ❤\ufe0f", text.OK},
		"no summary":             {"", text.TooShort},
		"501 characters":         {long + "é", text.TooLong},
		"a NUL":                  {"Pay\x00", text.Unsafe},
		"not UTF-8":              {"Pay\xff", text.Unsafe},
		"only blanks":            {" \u00a0", text.Unsafe},
		"an escape":              {"eve\rSend 1.00 EUR to Mum\x1b[K", text.Unsafe},
		"another direction":      {"Pay\u202e00.1", text.Unsafe},
	} {
		if got := confirmation.CheckSummary(tt.summary); got.Kind != tt.want {
			t.Errorf("%s: %q, want %q", name, got.Kind, tt.want)
		}
	}
}

func TestBoundsOfText(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		check   func(string) text.Violation
		longest int
	}{
		"summary": {confirmation.CheckSummary, 500},
		"detail":  {confirmation.CheckDetail, 200},
	} {
		long := strings.Repeat("語", tt.longest)
		if v := tt.check(long); v.Kind != text.OK {
			t.Errorf("%s: %+v", name, v)
		}
		if v := tt.check(long + "x"); v != (text.Violation{Kind: text.TooLong, Limit: tt.longest}) {
			t.Errorf("%s, one more: %+v", name, v)
		}
		if v := tt.check(""); v != (text.Violation{Kind: text.TooShort, Limit: 1}) {
			t.Errorf("%s, empty: %+v", name, v)
		}
		if v := tt.check("a\nb"); v.Kind != text.Unsafe {
			t.Errorf("%s, two lines: %+v", name, v)
		}
	}
}
