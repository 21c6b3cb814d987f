package pin_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/hydracore/hydrapin/internal/pin"
)

// The PINs of 4 and of 6 digits that may not be set. docs/lockout.md counts with
// them.
const (
	weak4 = 838
	weak6 = 85053
)

func mustParse(t testing.TB, s string) pin.PIN {
	t.Helper()
	p, err := pin.Parse(s)
	if err != nil {
		t.Fatalf("Parse(%q): %v", s, err)
	}
	return p
}

func TestWeakExamples(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ weak, fine []string }{
		"one digit repeated": {
			weak: []string{"0000", "7777", "11111", "999999", "444444444444"},
			fine: []string{"7778", "8777", "0300", "55565", "1111112"},
		},
		"a run": {
			weak: []string{
				"0123", "3456", "6789", "7890", "8901", "9012", "3210", "9876", "0987", "1098", "2109",
				"12345", "56789012", "098765432109",
			},
			fine: []string{"3457", "7891", "4320", "86420", "12346", "234568", "97531"},
		},
		"a repeated block": {
			weak: []string{"1212", "6969", "123123", "808080", "12341234", "123412341234", "909090909090"},
			fine: []string{"7117", "69696", "1231234", "1212121", "80808", "471471472"},
		},
		"a year": {
			weak: []string{"1900", "1937", "1999", "2000", "2026", "2029"},
			fine: []string{"1899", "2030", "2059", "19371", "20266"},
		},
		"month and day": {
			weak: []string{"0229", "1225", "0704", "1130", "0131"},
			fine: []string{"0230", "0431", "1131", "0132", "1340", "0092", "4700"},
		},
		"day and month": {
			weak: []string{"2902", "2512", "3112", "3004", "0101"},
			fine: []string{"3002", "3104", "3111", "3201", "2513", "0900"},
		},
		"a shape on the keypad": {
			weak: []string{"2580", "0852", "1470", "0963", "1397", "3179", "7139", "1379", "1739", "2684", "2468", "8642", "2365", "5896"},
			fine: []string{"1590", "3570", "9137", "2846", "5874", "7412", "25800"},
		},
		"day, month, year": {
			weak: []string{"311299", "290200", "290204", "010170"},
			fine: []string{"321345", "479146", "310493", "290295", "300287"},
		},
		"month, day, year": {
			weak: []string{"123199", "022996", "022900", "070476"},
			fine: []string{"133271", "023077", "093182", "022957"},
		},
		"year, month, day": {
			weak: []string{"991231", "000229", "480229", "850704"},
			fine: []string{"991331", "730230", "850631", "850700", "970229"},
		},
		"other lengths have no list": {
			fine: []string{"25807", "19850", "0704198", "31121999", "19991231", "138427956041"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, s := range tt.weak {
				if !pin.Weak(mustParse(t, s)) {
					t.Errorf("%s is taken for strong", s)
				}
			}
			for _, s := range tt.fine {
				if pin.Weak(mustParse(t, s)) {
					t.Errorf("%s is taken for weak", s)
				}
			}
		})
	}
}

// general are the weak PINs of n digits that need no list, written down from the
// words of the rule instead of looked for.
func general(n int) map[string]bool {
	weak := map[string]bool{}
	for start := range 10 {
		up, down := "", ""
		for i := range n {
			up += fmt.Sprint((start + i) % 10)
			down += fmt.Sprint((start + 10*n - i) % 10)
		}
		weak[up], weak[down] = true, true
	}
	for length := 1; length <= n/2; length++ {
		if n%length != 0 {
			continue
		}
		for block := range pow10(length) {
			weak[strings.Repeat(fmt.Sprintf("%0*d", length, block), n/length)] = true
		}
	}
	return weak
}

func pow10(n int) int {
	p := 1
	for range n {
		p *= 10
	}
	return p
}

// days calls fn with each day from 2000-01-01 on for the years given.
func days(years int, fn func(time.Time)) {
	end := time.Date(2000+years, 1, 1, 0, 0, 0, 0, time.UTC)
	for d := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC); d.Before(end); d = d.AddDate(0, 0, 1) {
		fn(d)
	}
}

// shapes is the committed list once more: a change of it is a change of what
// users may set.
const shapes = `2580 0852 1470 0741 3690 0963
	1397 3971 9713 7139 1793 7931 9317 3179 1379 9731 3197 7913 1739 9371 7193 3917
	2684 6842 8426 4268 2486 4862 8624 6248 2468 8642
	1254 1452 2365 2563 4587 4785 5698 5896`

func TestWeakCount(t *testing.T) {
	t.Parallel()
	four, six := general(4), general(6)
	for year := 1900; year <= 2029; year++ {
		four[fmt.Sprint(year)] = true
	}
	for _, s := range strings.Fields(shapes) {
		four[s] = true
	}
	days(1, func(d time.Time) { // 2000 is a leap year
		four[d.Format("0102")], four[d.Format("0201")] = true, true
	})
	days(100, func(d time.Time) {
		for _, layout := range []string{"020106", "010206", "060102"} {
			six[d.Format(layout)] = true
		}
	})
	for _, tt := range []struct {
		digits, count int
		want          map[string]bool
	}{{4, weak4, four}, {6, weak6, six}} {
		t.Run(fmt.Sprint(tt.digits), func(t *testing.T) {
			t.Parallel()
			count := 0
			for n := range pow10(tt.digits) {
				s := fmt.Sprintf("%0*d", tt.digits, n)
				weak := pin.Weak(mustParse(t, s))
				if weak != tt.want[s] {
					t.Fatalf("Weak(%s) = %v", s, weak)
				}
				if weak {
					count++
				}
			}
			if count != tt.count {
				t.Errorf("%d PINs of %d digits are weak, want %d", count, tt.digits, tt.count)
			}
		})
	}
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
