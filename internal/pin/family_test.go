package pin_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/hydracore/hydrapin/internal/pin"
)

// examples are members of each family, and PINs that are nearly members and strong.
var examples = map[string]struct{ weak, strong []string }{
	"one digit repeated": {
		[]string{"0000", "7777", "11111", "999999", "444444444444"},
		[]string{"7778", "8777", "0300", "55565", "1111112"},
	},
	"a run up or down, with 0 after 9": {
		[]string{"0123", "3456", "6789", "7890", "8901", "9012", "3210", "9876", "0987", "1098", "2109", "12345", "56789012", "098765432109"},
		[]string{"3457", "7891", "4320", "12346", "234568"},
	},
	"a repeated block": {
		[]string{"1212", "6969", "123123", "808080", "12341234", "123412341234", "909090909090"},
		[]string{"7117", "69696", "1231234", "80808", "471471472"},
	},
	"equal steps, modulo ten": {
		[]string{"1357", "2468", "8642", "1470", "0369", "3692", "7418", "135791", "97531", "1593", "147036", "24680246"},
		[]string{"1358", "2469", "135792", "0368", "24680247"},
	},
	"counted numbers": {
		[]string{
			"246810", "108642", "101112", "121110", "102030", "302010", "8910", "4710", "1098", "36912", "5101520", "10111213",
			"24681012", "99100101", "010203", "080910", "05101520", "00010203", "67891011", "101112131415", "990991992",
		},
		[]string{"246811", "404143", "404850", "104080", "418253", "5102"},
	},
	"a palindrome of 6 digits or more": {
		[]string{"123321", "740047", "1234321", "80466408", "471938839174"},
		[]string{"7447", "74947", "740046", "1234322"},
	},
	"a run of pairs or triples": {
		[]string{"1122", "2211", "9900", "0099", "112233", "555666", "666555", "998877", "11223344", "888999000", "112233445566"},
		[]string{"1144", "114477", "555777", "11122", "11222333", "1112223"},
	},
	"lines of the keypad": {
		[]string{"2580", "0852", "147258", "159753", "963852", "123147", "357951", "456321", "2580147", "1470852", "147258369", "25800852", "123456159753"},
		[]string{"147285", "158753", "25801", "14725836", "162738"},
	},
	"4 digits: a year from 1900 to 2029": {
		[]string{"1900", "1937", "1999", "2000", "2026", "2029"},
		[]string{"1899", "2030", "2059", "19371", "20266"},
	},
	"4 digits: a date, MMDD or DDMM": {
		[]string{"0229", "1225", "0704", "1130", "0131", "2902", "2512", "3112", "3004", "0101"},
		[]string{"0230", "0431", "1131", "0132", "1340", "0092", "4700", "3002", "3104", "3111", "3201", "2513", "0900"},
	},
	"4 digits: a shape on the keypad": {
		[]string{"2580", "0852", "1470", "0963", "1397", "3179", "7139", "1379", "1739", "2684", "2468", "8642", "2365", "5896"},
		[]string{"1590", "3570", "9137", "2846", "5874", "7412", "25800"},
	},
	"6 digits: a date, DDMMYY, MMDDYY or YYMMDD": {
		[]string{"311299", "290200", "290204", "010170", "123199", "022996", "022900", "070476", "991231", "000229", "480229", "850704"},
		[]string{"321345", "479146", "310493", "290295", "300287", "133271", "023077", "093182", "022957", "991331", "730230", "850631", "850700", "970229"},
	},
	"8 digits: a date from 1900 to 2099, DDMMYYYY, MMDDYYYY or YYYYMMDD": {
		[]string{"19900101", "20991231", "19000228", "31121999", "12311999", "29022000", "02292000", "20000229", "04071976", "01012099"},
		[]string{"18991231", "21000101", "19000229", "29021900", "20010229", "31041985", "13131999", "19901301", "01012100", "00011990"},
	},
}

func TestFamilies(t *testing.T) {
	t.Parallel()
	families := pin.Families()
	if len(families) != len(examples) {
		t.Errorf("%d families, and examples of %d", len(families), len(examples))
	}
	for _, f := range families {
		t.Run(f.Name, func(t *testing.T) {
			t.Parallel()
			of, ok := examples[f.Name]
			if !ok {
				t.Fatal("no examples")
			}
			for _, s := range of.weak {
				if p := mustParse(t, s); !f.Has(p) || !pin.Weak(p) {
					t.Errorf("%s is accepted", s)
				}
			}
			for _, s := range of.strong {
				if p := mustParse(t, s); f.Has(p) || pin.Weak(p) {
					t.Errorf("%s is refused", s)
				}
			}
		})
	}
}

// What issue trackers and lists of leaked PINs call weak, one of each kind.
func TestWeakPINsSeenOutside(t *testing.T) {
	t.Parallel()
	for _, s := range strings.Fields("123321 147258 159753 246810 1357 11223344 19900101 135791 112233 555666 2580") {
		if _, fault := pin.ParseNew(s, pin.DefaultRules()); fault.Kind != pin.TooWeak {
			t.Errorf("ParseNew(%s) = %+v", s, fault)
		}
	}
	for _, s := range strings.Fields("4719 8046 804615 492750 80461527 804615273948") {
		if _, fault := pin.ParseNew(s, pin.DefaultRules()); fault.Kind != pin.NoFault {
			t.Errorf("ParseNew(%s) = %+v", s, fault)
		}
	}
}

// generators write out the members of each family that have n digits, from the words of the rule
// and without looking at any other PIN.
var generators = []struct {
	name    string
	members func(n int) []string
}{
	{"one digit repeated", func(n int) []string { return walks(n, 0) }},
	{"a run up or down, with 0 after 9", func(n int) []string { return walks(n, 1, 9) }},
	{"a repeated block", repeatedBlocks},
	{"equal steps, modulo ten", func(n int) []string { return walks(n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9) }},
	{"counted numbers", countedNumbers},
	{"a palindrome of 6 digits or more", palindromes},
	{"a run of pairs or triples", func(n int) []string { return slices.Concat(groupRuns(n, 2), groupRuns(n, 3)) }},
	{"lines of the keypad", keypadLines},
	{"4 digits: a year from 1900 to 2029", years},
	{"4 digits: a date, MMDD or DDMM", func(n int) []string { return dates(n, 4, 2000, 2000, "0102", "0201") }},
	{"4 digits: a shape on the keypad", func(n int) []string { return only(n, 4, strings.Fields(shapes)) }},
	{
		"6 digits: a date, DDMMYY, MMDDYY or YYMMDD",
		func(n int) []string { return dates(n, 6, 2000, 2099, "020106", "010206", "060102") },
	},
	{
		"8 digits: a date from 1900 to 2099, DDMMYYYY, MMDDYYYY or YYYYMMDD",
		func(n int) []string { return dates(n, 8, 1900, 2099, "02012006", "01022006", "20060102") },
	},
}

// shapes is the committed list once more: a change to it changes which PINs users can set.
const shapes = `2580 0852 1470 0741 3690 0963
	1397 3971 9713 7139 1793 7931 9317 3179 1379 9731 3197 7913 1739 9371 7193 3917
	2684 6842 8426 4268 2486 4862 8624 6248 2468 8642
	1254 1452 2365 2563 4587 4785 5698 5896`

func only(n, length int, all []string) []string {
	if n != length {
		return nil
	}
	return all
}

func walks(n int, steps ...int) (all []string) {
	for _, step := range steps {
		for digit := range 10 {
			s := ""
			for i := range n {
				s += fmt.Sprint((digit + i*step) % 10)
			}
			all = append(all, s)
		}
	}
	return all
}

func repeatedBlocks(n int) (all []string) {
	for length := 1; length <= n/2; length++ {
		if n%length != 0 {
			continue
		}
		for block := range pow10(length) {
			all = append(all, strings.Repeat(fmt.Sprintf("%0*d", length, block), n/length))
		}
	}
	return all
}

// countedNumbers writes every count from every number. Three numbers of a count that begins with
// width digits have at least width + 2*(width-1).
func countedNumbers(n int) (all []string) {
	for width := 1; width <= (n+2)/3; width++ {
		for first := range pow10(width) {
			for by := -10; by <= 10; by++ {
				plain, padded := "", ""
				for i := 0; by != 0 && i < n && len(plain) < n && first+i*by >= 0; i++ {
					plain += strconv.Itoa(first + i*by)
					padded += fmt.Sprintf("%0*d", width, first+i*by)
					if i >= 2 && len(plain) == n {
						all = append(all, plain)
					}
					if i >= 2 && len(padded) == n && len(padded) == (i+1)*width {
						all = append(all, padded)
					}
				}
			}
		}
	}
	return all
}

func palindromes(n int) (all []string) {
	if n < 6 {
		return nil
	}
	half := (n + 1) / 2
	for i := range pow10(half) {
		left := fmt.Sprintf("%0*d", half, i)
		right := []byte(left[:n/2])
		slices.Reverse(right)
		all = append(all, left+string(right))
	}
	return all
}

func groupRuns(n, size int) (all []string) {
	if n%size != 0 || n < 2*size {
		return nil
	}
	for _, run := range walks(n/size, 1, 9) {
		s := ""
		for _, digit := range run {
			s += strings.Repeat(string(digit), size)
		}
		all = append(all, s)
	}
	return all
}

func keypadLines(n int) (all []string) {
	lines := strings.Fields("123 321 456 654 789 987 147 741 258 852 369 963 159 951 357 753 2580 0852")
	for open := []string{""}; len(open) > 0; {
		s := open[0]
		open = open[1:]
		for _, line := range lines {
			switch next := s + line; {
			case len(next) == n:
				all = append(all, next)
			case len(next) < n:
				open = append(open, next)
			}
		}
	}
	return all
}

func years(n int) (all []string) {
	for year := 1900; year <= 2029 && n == 4; year++ {
		all = append(all, fmt.Sprint(year))
	}
	return all
}

// dates formats each day of the years, with package time as the calendar.
func dates(n, length, first, last int, layouts ...string) (all []string) {
	end := time.Date(last+1, 1, 1, 0, 0, 0, 0, time.UTC)
	for d := time.Date(first, 1, 1, 0, 0, 0, 0, time.UTC); n == length && d.Before(end); d = d.AddDate(0, 0, 1) {
		for _, layout := range layouts {
			all = append(all, d.Format(layout))
		}
	}
	return all
}

func pow10(n int) int {
	p := 1
	for range n {
		p *= 10
	}
	return p
}

func set(members []string) map[string]bool {
	s := make(map[string]bool, len(members))
	for _, m := range members {
		s[m] = true
	}
	return s
}

// weakPINs are all weak PINs of n digits.
func weakPINs(n int) map[string]bool {
	var all []string
	for _, g := range generators {
		all = append(all, g.members(n)...)
	}
	return set(all)
}

// Every PIN of up to 6 digits belongs to exactly the families whose names describe it, and is
// refused when there is one.
func TestFamiliesAreWhatTheirNamesSay(t *testing.T) {
	t.Parallel()
	families := pin.Families()
	for n := 4; n <= 6; n++ {
		t.Run(strconv.Itoa(n), func(t *testing.T) {
			t.Parallel()
			want := make([]map[string]bool, len(families))
			for i, f := range families {
				if want[i] = set(generators[i].members(n)); f.Name != generators[i].name {
					t.Fatalf("%q has the generator of %q", f.Name, generators[i].name)
				}
			}
			for number := range pow10(n) {
				s := fmt.Sprintf("%0*d", n, number)
				p, weak := mustParse(t, s), false
				for i, f := range families {
					if f.Has(p) != want[i][s] {
						t.Fatalf("%s is %q: want %v", s, f.Name, want[i][s])
					}
					weak = weak || want[i][s]
				}
				if _, fault := pin.ParseNew(s, pin.DefaultRules()); (fault.Kind == pin.TooWeak) != weak {
					t.Fatalf("ParseNew(%s) = %+v", s, fault)
				}
			}
		})
	}
}

// Longer PINs are too many to look at: each member is weak, and a PIN near a member, or anywhere,
// is weak only when it is a member.
func TestLongWeakPINs(t *testing.T) {
	t.Parallel()
	for n := 7; n <= 9; n++ {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			want := weakPINs(n)
			members := make([]string, 0, len(want))
			for s := range want {
				members = append(members, s)
				if !pin.Weak(mustParse(t, s)) {
					t.Fatalf("%s is accepted", s)
				}
			}
			slices.Sort(members)
			rapid.Check(t, func(rt *rapid.T) {
				near := []byte(rapid.SampledFrom(members).Draw(rt, "member"))
				near[rapid.IntRange(0, n-1).Draw(rt, "place")] = byte(rapid.IntRange('0', '9').Draw(rt, "digit"))
				anywhere := fmt.Sprintf("%0*d", n, rapid.IntRange(0, pow10(n)-1).Draw(rt, "number"))
				for _, s := range []string{string(near), anywhere} {
					if p, err := pin.Parse(s); err != nil || pin.Weak(p) != want[s] {
						rt.Fatalf("%s: weak %v", s, !want[s])
					}
				}
			})
		})
	}
}
