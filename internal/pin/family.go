package pin

import (
	"slices"
	"strconv"
	"strings"
)

// Family is a set of PINs that are refused as weak.
type Family struct {
	// Name describes the family as docs/lockout.md does.
	Name string
	has  func(digits string) bool
}

// Has reports whether a PIN belongs to the family.
func (f Family) Has(p PIN) bool { return f.has(p.Reveal()) }

// Families returns the families of weak PINs. The list is closed: a PIN that belongs to none of
// them is accepted.
func Families() []Family { return slices.Clone(families) }

var families = []Family{
	{"one digit repeated", repeatsDigit},
	{"a run up or down, with 0 after 9", isRun},
	{"a repeated block", repeatsBlock},
	{"equal steps, modulo ten", hasEqualSteps},
	{"counted numbers", countsNumbers},
	{"a palindrome of 6 digits or more", isPalindrome},
	{"a run of pairs or triples", isRunOfGroups},
	{"lines of the keypad", followsLines},
	{"4 digits: a year from 1900 to 2029", isYear},
	{"4 digits: a date, MMDD or DDMM", isDayOfYear},
	{"4 digits: a shape on the keypad", isKeypadShape},
	{"6 digits: a date, DDMMYY, MMDDYY or YYMMDD", isShortDate},
	{"8 digits: a date from 1900 to 2099, DDMMYYYY, MMDDYYYY or YYYYMMDD", isLongDate},
}

// repeatsDigit: 0000, 77777.
func repeatsDigit(s string) bool { return step(s) == 0 }

// isRun: 3456, 7890, 8901, 4321, 0987, 2109.
func isRun(s string) bool {
	d := step(s)
	return d == 1 || d == 9
}

// hasEqualSteps: 2468, 135791, 1470, and every run and repeated digit.
func hasEqualSteps(s string) bool { return step(s) >= 0 }

// step returns what is added to each digit, modulo ten, to get the next one, or -1 when that
// differs from one digit to another.
func step(s string) int {
	d := (int(s[1]) - int(s[0]) + 10) % 10
	for i := 2; i < len(s); i++ {
		if (int(s[i])-int(s[i-1])+10)%10 != d {
			return -1
		}
	}
	return d
}

// repeatsBlock: 1212, 123123, 123412341234. Only such a string occurs in its own double before
// its end, because only it equals a rotation of itself.
func repeatsBlock(s string) bool { return strings.Index((s + s)[1:], s) < len(s)-1 }

// The counted numbers are at least three, so that they show a step, and people count in steps of
// up to ten.
const (
	minCounted = 3
	maxStep    = 10
)

// countsNumbers: 246810, 101112, 8910, 5101520, 108642; with leading zeros, where all numbers
// have the same width: 010203, 05101520.
func countsNumbers(s string) bool {
	for width := 1; width < len(s)-1; width++ {
		first := number(s[:width])
		// A step of up to ten changes the width by one at most.
		for next := max(1, width-1); next <= width+1 && width+next < len(s); next++ {
			by := number(s[width:width+next]) - first
			if by == 0 || by < -maxStep || by > maxStep {
				continue
			}
			if counts(s, first, by, 0) || next == width && counts(s, first, by, width) {
				return true
			}
		}
	}
	return false
}

// counts reports whether s is first, first+by, first+2*by and so on, each written without leading
// zeros when width is 0, else with exactly that many digits.
func counts(s string, first, by, width int) bool {
	n := 0
	for next := first; s != ""; next += by {
		text := strconv.Itoa(next)
		text = strings.Repeat("0", max(0, width-len(text))) + text
		rest, ok := strings.CutPrefix(s, text)
		if !ok || next < 0 || width > 0 && len(text) > width {
			return false
		}
		s = rest
		n++
	}
	return n >= minCounted
}

// isPalindrome: 123321, 1234321. Of shorter PINs too many are palindromes: a hundredth.
func isPalindrome(s string) bool {
	if len(s) < 6 {
		return false
	}
	for i := range len(s) / 2 {
		if s[i] != s[len(s)-1-i] {
			return false
		}
	}
	return true
}

// isRunOfGroups: 1122, 112233, 555666, 998877, 889900.
func isRunOfGroups(s string) bool { return isRunOf(s, 2) || isRunOf(s, 3) }

func isRunOf(s string, size int) bool {
	if len(s)%size != 0 || len(s) < 2*size {
		return false
	}
	one := make([]byte, 0, len(s)/size)
	for i := 0; i < len(s); i += size {
		if strings.Count(s[i:i+size], s[i:i+1]) != size {
			return false
		}
		one = append(one, s[i])
	}
	return isRun(string(one))
}

// keypadLines are the rows, columns and diagonals of a telephone's keypad (123 over 456 over 789
// over 0), in both directions. The middle column is one of three keys and, with the 0, of four.
var keypadLines = []string{
	"123", "456", "789", "321", "654", "987",
	"147", "258", "369", "741", "852", "963", "2580", "0852",
	"159", "357", "951", "753",
}

// followsLines: 147258, 159753, 147258369. Of 4 digits it has 2580 and 0852.
func followsLines(s string) bool {
	for _, line := range keypadLines {
		if rest, ok := strings.CutPrefix(s, line); ok && (rest == "" || followsLines(rest)) {
			return true
		}
	}
	return false
}

func isYear(s string) bool {
	return len(s) == 4 && s >= "1900" && s <= "2029"
}

func isDayOfYear(s string) bool {
	if len(s) != 4 {
		return false
	}
	a, b := number(s[:2]), number(s[2:])
	return isDate(leapYear, a, b) || isDate(leapYear, b, a)
}

// isKeypadShape looks the shape up in a fixed list.
func isKeypadShape(s string) bool { return slices.Contains(keypadShapes, s) }

// isShortDate takes the 29th of February where some century has it: in 00 and every multiple of 4.
func isShortDate(s string) bool {
	if len(s) != 6 {
		return false
	}
	a, b, c := number(s[:2]), number(s[2:4]), number(s[4:])
	return isDate(2000+c, b, a) || isDate(2000+c, a, b) || isDate(2000+a, b, c)
}

// isLongDate takes the dates of the last century and of this one.
func isLongDate(s string) bool {
	if len(s) != 8 {
		return false
	}
	year := func(y int) bool { return y >= 1900 && y <= 2099 }
	a, b, last := number(s[:2]), number(s[2:4]), number(s[4:])
	if year(last) && (isDate(last, b, a) || isDate(last, a, b)) {
		return true
	}
	first := number(s[:4])
	return year(first) && isDate(first, number(s[4:6]), number(s[6:]))
}

// leapYear stands for a year that is not given.
const leapYear = 2000

// daysIn are the days of the months of a leap year.
var daysIn = [...]int{31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}

// isDate reports whether the year has that day, in the Gregorian calendar.
func isDate(year, month, day int) bool {
	if month < 1 || month > 12 || day < 1 || day > daysIn[month-1] {
		return false
	}
	return month != 2 || day != 29 || year%4 == 0 && (year%100 != 0 || year%400 == 0)
}

// number reads a few ASCII digits.
func number(digits string) int {
	n := 0
	for _, c := range []byte(digits) {
		n = 10*n + int(c-'0')
	}
	return n
}

// keypadShapes are figures of four keys on a telephone's keypad: 123 over 456 over 789 over 0.
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
