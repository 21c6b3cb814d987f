package pin

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Rules say how long a PIN that is set may be, in digits.
type Rules struct{ MinLength, MaxLength int }

// DefaultRules are the settings' defaults: every length that a PIN can have.
func DefaultRules() Rules { return Rules{MinLength: MinLength, MaxLength: MaxLength} }

// FaultKind says what is wrong with a PIN that is to be set. The values are the
// `type` of the validation error: pydantic 2's names, and one of our own.
type FaultKind string

// The kinds of faults. NoFault is "nothing is wrong".
const (
	NoFault   FaultKind = ""
	TooShort  FaultKind = "string_too_short"
	TooLong   FaultKind = "string_too_long"
	NotDigits FaultKind = "string_pattern_mismatch"
	TooWeak   FaultKind = "pin_too_weak"
)

// Fault is what [ParseNew] found. It holds nothing of the input.
type Fault struct {
	Kind FaultKind
	// Limit is the bound that was passed, in characters: the least length for
	// TooShort, the greatest for TooLong, else 0.
	Limit int
}

// ParseNew reads a PIN that is to be set. It returns the first fault in the order
// length, digits, weakness, as pydantic looks at a string; a length is counted in
// characters (Unicode code points). A PIN is never outside of 4 to 12 digits,
// whatever the rules say.
func ParseNew(s string, r Rules) (PIN, Fault) {
	least, most := max(r.MinLength, MinLength), min(r.MaxLength, MaxLength)
	n := utf8.RuneCountInString(s)
	switch {
	case n < least:
		return PIN{}, Fault{Kind: TooShort, Limit: least}
	case n > most:
		return PIN{}, Fault{Kind: TooLong, Limit: most}
	}
	p, err := Parse(s)
	switch {
	case err != nil:
		return PIN{}, Fault{Kind: NotDigits}
	case Weak(p):
		return PIN{}, Fault{Kind: TooWeak}
	}
	return p, Fault{}
}

// Weak says whether a PIN is one of those that a guesser tries first:
//
//   - a block repeated to the end: 7777, 1212, 123123, 123412341234;
//   - a run up or down by one, where 0 comes after 9: 3456, 7890, 8901, 4321,
//     0987, 2109;
//   - of 4 digits: a year from 1900 to 2029, a date as MMDD or DDMM, and the
//     shapes on a telephone's keypad of a short fixed list;
//   - of 6 digits: a date as DDMMYY, MMDDYY or YYMMDD.
//
// Nothing else is weak. The 29th of February counts where no year is given, and
// with two digits of a year when some century has it: 00 and every multiple of 4.
func Weak(p PIN) bool {
	s := p.Reveal()
	if repeatsBlock(s) || isRun(s) {
		return true
	}
	switch len(s) {
	case 4:
		a, b := twoDigits(s), twoDigits(s[2:])
		year := 100*a + b
		return year >= 1900 && year <= 2029 ||
			isDate(a, b, leapYear) || isDate(b, a, leapYear) || slices.Contains(keypadShapes, s)
	case 6:
		a, b, c := twoDigits(s), twoDigits(s[2:]), twoDigits(s[4:])
		return isDate(b, a, c) || isDate(a, b, c) || isDate(b, c, a)
	default:
		return false
	}
}

// repeatsBlock says whether s is one block, two or more times. A string is that
// when it is found in its own double before its end: only then is it equal to a
// rotation of itself.
func repeatsBlock(s string) bool {
	return s != "" && strings.Index((s + s)[1:], s) < len(s)-1
}

// isRun says whether each digit is the one before it plus one, or each minus one,
// round the circle of ten.
func isRun(s string) bool {
	up, down := true, true
	for i := 1; i < len(s); i++ {
		step := (s[i] - s[i-1] + 10) % 10
		up, down = up && step == 1, down && step == 9
	}
	return up || down
}

// leapYear stands for "some year".
const leapYear = 0

// daysIn are the days of the months of a leap year.
var daysIn = [...]int{31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}

// isDate says whether some year that ends in two digits has this day.
func isDate(month, day, twoDigitYear int) bool {
	if month < 1 || month > 12 || day < 1 || day > daysIn[month-1] {
		return false
	}
	return month != 2 || day != 29 || twoDigitYear%4 == 0
}

func twoDigits(s string) int { return int(s[0]-'0')*10 + int(s[1]-'0') }

// keypadShapes are figures of four keys on a telephone's keypad: 123 over 456
// over 789 over 0.
var keypadShapes = []string{
	// A column down to the 0, and back.
	"2580", "0852", "1470", "0741", "3690", "0963",
	// The corners: round, from each, both ways; then as a Z and as an N.
	"1397", "3971", "9713", "7139", "1793", "7931", "9317", "3179",
	"1379", "9731", "3197", "7913", "1739", "9371", "7193", "3917",
	// The cross: round, from each, both ways; then row by row, and back.
	"2684", "6842", "8426", "4268", "2486", "4862", "8624", "6248",
	"2468", "8642",
	// Four neighbours round, from the upper left, both ways.
	"1254", "1452", "2365", "2563", "4587", "4785", "5698", "5896",
}
