package canonical

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/gowebpki/jcs"
)

// level is one object or array that is open at the place being looked at.
type level struct {
	names    map[string]struct{} // of an object, those met so far; nil for an array
	nameNext bool                // the next string is a name
	step     any                 // the name of the member, or the index of the element, being looked at
}

// checker applies to a valid JSON text the rules that its grammar does not have: depth, names, surrogates, numbers.
// Because the text is known to be valid, one pass over its tokens is enough.
type checker struct {
	open     []level
	failures []Failure
}

func check(raw []byte) error {
	var c checker
	for i := 0; i < len(raw) && len(c.failures) < maxFailures; {
		switch b := raw[i]; {
		case b == '{' || b == '[':
			if len(c.open) == MaxDepth {
				c.fail(ErrDepth)
				return c.err() // what is deeper is not looked at
			}
			c.enter(b == '{')
			i++
		case b == '}' || b == ']':
			c.open = c.open[:len(c.open)-1]
			i++
		case b == ',':
			c.next()
			i++
		case b == '"':
			token := raw[i : i+stringLength(raw[i:])]
			c.text(token)
			i += len(token)
		case b == '-' || b >= '0' && b <= '9':
			n := numberLength(raw[i:])
			if !survives(string(raw[i : i+n])) {
				c.fail(ErrNumber)
			}
			i += n
		default: // white space, a colon, or a letter of a literal
			i++
		}
	}
	return c.err()
}

func (c *checker) enter(object bool) {
	l := level{step: 0}
	if object {
		l = level{names: map[string]struct{}{}, nameNext: true}
	}
	c.open = append(c.open, l)
}

// next goes on to the next member or element.
func (c *checker) next() {
	in := &c.open[len(c.open)-1]
	if index, ok := in.step.(int); ok && in.names == nil {
		in.step = index + 1
		return
	}
	in.nameNext, in.step = true, nil
}

// text looks at a string, which in an object is a name or a value.
func (c *checker) text(token []byte) {
	in := &c.open[len(c.open)-1]
	isName := in.nameNext
	in.nameNext = false
	if hasLoneSurrogate(token) {
		c.fail(ErrLoneSurrogate) // of a name: at its object, because such a name cannot be written
		return
	}
	if !isName {
		return
	}
	var name string
	if err := json.Unmarshal(token, &name); err != nil {
		c.fail(ErrSyntax)
		return
	}
	in.step = name
	if _, twice := in.names[name]; twice {
		c.fail(ErrDuplicateName)
	}
	in.names[name] = struct{}{}
}

// fail records a failure at the place being looked at.
func (c *checker) fail(reason error) {
	var path []any
	for _, l := range c.open {
		if l.step != nil {
			path = append(path, l.step)
		}
	}
	c.failures = append(c.failures, Failure{Reason: reason, Path: path})
}

func (c *checker) err() error {
	if len(c.failures) == 0 {
		return nil
	}
	return &Error{Failures: c.failures}
}

// stringLength returns the length of the string token that raw begins with, quotes included.
func stringLength(raw []byte) int {
	for i := 1; i < len(raw); i++ {
		switch raw[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(raw)
}

// numberLength returns the length of the number token that raw begins with.
func numberLength(raw []byte) int {
	for i, c := range raw {
		if (c < '0' || c > '9') && !strings.ContainsRune("+-.eE", rune(c)) {
			return i
		}
	}
	return len(raw)
}

// hasLoneSurrogate reports whether a \u escape of a valid string token is a UTF-16 surrogate without its other half.
func hasLoneSurrogate(token []byte) bool {
	for i := 0; i < len(token); i++ {
		if token[i] != '\\' {
			continue
		}
		i++ // at the letter of the escape
		if token[i] != 'u' {
			continue
		}
		unit := codeUnit(token[i+1:])
		i += 4
		switch {
		case unit >= 0xD800 && unit < 0xDC00:
			rest := token[i+1:]
			if len(rest) < 6 || rest[0] != '\\' || rest[1] != 'u' {
				return true
			}
			if low := codeUnit(rest[2:]); low < 0xDC00 || low >= 0xE000 {
				return true
			}
			i += 6
		case unit >= 0xDC00 && unit < 0xE000:
			return true
		}
	}
	return false
}

// codeUnit reads the four hex digits of an escape of a valid string.
func codeUnit(hex []byte) uint64 {
	unit, err := strconv.ParseUint(string(hex[:4]), 16, 16)
	if err != nil {
		return 0xDC00 // a valid text has none such; a lone surrogate refuses it
	}
	return unit
}

// survives reports whether the double nearest to a number is written, by RFC 8785, with the decimal value that
// stands there. The values are compared as digits and exponent, because strconv.ParseFloat rounds in silence and
// stops counting an exponent at five digits, and because a big integer would let 1e9999999 cost memory.
func survives(token string) bool {
	double, err := strconv.ParseFloat(token, 64)
	if err != nil {
		return false
	}
	text, err := jcs.NumberToJSON(double)
	if err != nil {
		return false
	}
	written, ok := parseDecimal(token)
	if !ok {
		return false
	}
	kept, ok := parseDecimal(text)
	return ok && written == kept
}

// decimal is the value 0.digits × 10^exponent. Digits neither begins nor ends with a zero, so that equal values are
// equal structs; zero is the zero value, whatever its sign.
type decimal struct {
	negative bool
	digits   string
	exponent int64
}

// parseDecimal reads a number token. It fails when the exponent of a number other than zero does not fit 32 bits,
// which no double comes near.
func parseDecimal(token string) (decimal, bool) {
	var d decimal
	token, d.negative = strings.CutPrefix(token, "-")
	mantissa, exponent := token, "0"
	if at := strings.IndexAny(token, "eE"); at >= 0 {
		mantissa, exponent = token[:at], token[at+1:]
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	significant := strings.TrimLeft(whole+fraction, "0")
	if significant == "" {
		return decimal{}, true
	}
	shift, err := strconv.ParseInt(exponent, 10, 32)
	if err != nil {
		return decimal{}, false
	}
	leading := len(whole) + len(fraction) - len(significant)
	d.exponent = shift + int64(len(whole)) - int64(leading)
	d.digits = strings.TrimRight(significant, "0")
	return d, true
}
