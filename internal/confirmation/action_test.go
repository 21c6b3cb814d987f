package confirmation_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/text"
	"github.com/hydracore/hydrapin/sdk/go/hydrapin/canonical"
)

func TestNewAction(t *testing.T) {
	t.Parallel()
	raw := []byte(" {\"b\": 1.0,\n\"a\":\"\\u00e9\"} ")
	a, err := confirmation.NewAction("Pay", raw)
	if err != nil {
		t.Fatal(err)
	}
	if a.Summary != "Pay" || string(a.Params) != `{"a":"é","b":1}` ||
		a.Digest != "sha-256:aa58fba8483623bed37c1b02edfccbdd9a53123837c20bfa4cb4049993a2872e" {
		t.Errorf("action %+v (%s)", a, a.Params)
	}
	for i := range raw {
		raw[i] = 'x'
	}
	if string(a.Params) != `{"a":"é","b":1}` {
		t.Error("the action shares the caller's bytes")
	}
}

func TestNewActionRefuses(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", 500)
	for name, tt := range map[string]struct {
		summary, params string
		want            []error
	}{
		"one character":          {"é", `{}`, nil},
		"500 characters":         {long, `{}`, nil},
		"no summary":             {"", `{}`, []error{confirmation.ErrSummary}},
		"501 characters":         {long + "é", `{}`, []error{confirmation.ErrSummary}},
		"a NUL":                  {"Pay\x00", `{}`, []error{confirmation.ErrSummary}},
		"not UTF-8":              {"Pay\xff", `{}`, []error{confirmation.ErrSummary}},
		"only blanks":            {" \u00a0", `{}`, []error{confirmation.ErrSummary}},
		"an escape":              {"eve\rSend 1.00 EUR to Mum\x1b[K", `{}`, []error{confirmation.ErrSummary}},
		"another direction":      {"Pay\u202e00.1", `{}`, []error{confirmation.ErrSummary}},
		"a variation of a heart": {"Pay ❤\ufe0f", `{}`, nil},
		"no params":              {"Pay", ``, []error{canonical.ErrSyntax}},
		"null":                   {"Pay", `null`, []error{canonical.ErrNotObject}},
		"an array":               {"Pay", `[]`, []error{canonical.ErrNotObject}},
		"a name twice":           {"Pay", `{"a":1,"a":1}`, []error{canonical.ErrDuplicateName}},
		"half a pair":            {"Pay", `{"a":"\ud800"}`, []error{canonical.ErrLoneSurrogate}},
		"a number that is not":   {"Pay", `{"a":9007199254740993}`, []error{canonical.ErrNumber}},
		"too deep":               {"Pay", strings.Repeat(`{"a":`, 33) + "1" + strings.Repeat("}", 33), []error{canonical.ErrDepth}},
		"too long":               {"Pay", `{"a":"` + strings.Repeat("x", 16<<10) + `"}`, []error{canonical.ErrTooLarge}},
		"both errors are given":  {"", `[]`, []error{confirmation.ErrSummary, canonical.ErrNotObject}},
		"something stands after": {"Pay", `{} {}`, []error{canonical.ErrSyntax}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, err := confirmation.NewAction(tt.summary, []byte(tt.params))
			if (a == nil) != (len(tt.want) > 0) || (err != nil) != (len(tt.want) > 0) {
				t.Fatalf("NewAction = %v, %v", a, err)
			}
			for _, want := range tt.want {
				if !errors.Is(err, want) {
					t.Errorf("error %v, want %v", err, want)
				}
			}
		})
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
