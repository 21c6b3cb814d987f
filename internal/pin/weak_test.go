package pin_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/hydracore/hydrapin/internal/pin"
)

func mustParse(t testing.TB, s string) pin.PIN {
	t.Helper()
	p, err := pin.Parse(s)
	if err != nil {
		t.Fatalf("Parse(%q): %v", s, err)
	}
	return p
}

func TestParseNew(t *testing.T) {
	t.Parallel()
	defaults := pin.DefaultRules()
	tests := []struct {
		in    string
		rules pin.Rules
		want  pin.Fault
	}{
		{"4719", defaults, pin.Fault{}},
		{"471938205561", defaults, pin.Fault{}},
		{"", defaults, pin.Fault{Kind: pin.TooShort, Limit: 4}},
		{"471", defaults, pin.Fault{Kind: pin.TooShort, Limit: 4}},
		{"4719382055612", defaults, pin.Fault{Kind: pin.TooLong, Limit: 12}},
		{"47a9", defaults, pin.Fault{Kind: pin.NotDigits}},
		{"4719\n", defaults, pin.Fault{Kind: pin.NotDigits}},
		{" 4719", defaults, pin.Fault{Kind: pin.NotDigits}},
		{"-471", defaults, pin.Fault{Kind: pin.NotDigits}},
		{"٤٧١٩", defaults, pin.Fault{Kind: pin.NotDigits}},
		{"47１9", defaults, pin.Fault{Kind: pin.NotDigits}},
		// Three characters, nine bytes; thirteen characters.
		{"４７１", defaults, pin.Fault{Kind: pin.TooShort, Limit: 4}},
		{"aaaaaaaaaaaaa", defaults, pin.Fault{Kind: pin.TooLong, Limit: 12}},
		{"1234", defaults, pin.Fault{Kind: pin.TooWeak}},
		{"47193", pin.Rules{MinLength: 6, MaxLength: 8}, pin.Fault{Kind: pin.TooShort, Limit: 6}},
		{"1234", pin.Rules{MinLength: 6, MaxLength: 8}, pin.Fault{Kind: pin.TooShort, Limit: 6}},
		{"471938205", pin.Rules{MinLength: 6, MaxLength: 8}, pin.Fault{Kind: pin.TooLong, Limit: 8}},
		{"471938", pin.Rules{MinLength: 6, MaxLength: 6}, pin.Fault{}},
		// Rules cannot leave the range of a PIN.
		{"471", pin.Rules{}, pin.Fault{Kind: pin.TooShort, Limit: 4}},
		{"4719382055612", pin.Rules{MaxLength: 99}, pin.Fault{Kind: pin.TooLong, Limit: 12}},
	}
	for _, tt := range tests {
		p, got := pin.ParseNew(tt.in, tt.rules)
		if got != tt.want {
			t.Errorf("ParseNew(%q, %+v) = %+v, want %+v", tt.in, tt.rules, got, tt.want)
		}
		if want := map[bool]string{true: tt.in}[tt.want.Kind == pin.NoFault]; p.Reveal() != want {
			t.Errorf("ParseNew(%q) gave a PIN of %d digits with %+v", tt.in, p.Len(), got)
		}
	}
}

func TestParseTakesWhatIsEntered(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"1234", "0000", "4719", "471938205561"} {
		if p := mustParse(t, s); p.Reveal() != s || p.Len() != len(s) {
			t.Errorf("Parse(%s) kept %d digits", s, p.Len())
		}
	}
	for _, s := range []string{"", "123", "1234567890123", "12a4", "12 34", "1234\x00", "１２３４", "+1234"} {
		if p, err := pin.Parse(s); err == nil || p.Len() != 0 {
			t.Errorf("Parse(%q) took it", s)
		}
	}
	var zero pin.PIN
	if zero.Reveal() != "" || zero.Len() != 0 {
		t.Error("the zero PIN is not empty")
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"", "4719", "1234", "471938205561", "4719382055612", "12a4", "４７１９", "\xff471", "47\x0019", "0704", "290200",
		"123412341234", " 4719", "4719 ", "-4719", "4.19", "1e10", "0x47",
	} {
		f.Add(s, 4, 12)
		f.Add(s, 6, 8)
		f.Add(s, -1, 1<<40)
	}
	f.Fuzz(func(t *testing.T, s string, least, most int) {
		entered, err := pin.Parse(s)
		if err == nil && (len(s) < 4 || len(s) > 12 || strings.Trim(s, "0123456789") != "" || entered.Reveal() != s) {
			t.Fatalf("Parse(%q) took it", s)
		}
		if err != nil && err.Error() != pin.ErrNotDigits.Error() {
			t.Fatal("the error is not the constant one")
		}
		p, fault := pin.ParseNew(s, pin.Rules{MinLength: least, MaxLength: most})
		switch fault.Kind {
		case pin.NoFault:
			if err != nil || pin.Weak(entered) || p.Reveal() != s || len(s) < least || len(s) > most {
				t.Fatalf("ParseNew(%q, %d, %d) took it", s, least, most)
			}
		case pin.TooShort:
			if utf8.RuneCountInString(s) >= fault.Limit || fault.Limit < 4 {
				t.Fatalf("ParseNew(%q) = %+v", s, fault)
			}
		case pin.TooLong:
			if utf8.RuneCountInString(s) <= fault.Limit || fault.Limit > 12 {
				t.Fatalf("ParseNew(%q) = %+v", s, fault)
			}
		case pin.NotDigits:
			if err == nil {
				t.Fatalf("ParseNew(%q) calls digits none", s)
			}
		case pin.TooWeak:
			if err != nil || !pin.Weak(entered) {
				t.Fatalf("ParseNew(%q) calls it weak", s)
			}
		default:
			t.Fatalf("ParseNew(%q) = %+v", s, fault)
		}
		if fault.Kind != pin.NoFault && p.Len() != 0 {
			t.Fatalf("ParseNew(%q) gave a PIN with a fault", s)
		}
	})
}
