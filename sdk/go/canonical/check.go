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
}

// check applies to a valid JSON text the rules that its grammar does not have: depth, names, surrogates, numbers.
// Because the text is known to be valid, one pass over its tokens is enough.
func check(raw []byte) error {
	var open []level
	for i := 0; i < len(raw); {
		switch c := raw[i]; {
		case c == '{' || c == '[':
			if len(open) == MaxDepth {
				return ErrDepth
			}
			l := level{}
			if c == '{' {
				l = level{names: map[string]struct{}{}, nameNext: true}
			}
			open = append(open, l)
			i++
		case c == '}' || c == ']':
			open = open[:len(open)-1]
			i++
		case c == ',':
			in := &open[len(open)-1]
			in.nameNext = in.names != nil
			i++
		case c == '"':
			token := raw[i : i+stringLength(raw[i:])]
			if hasLoneSurrogate(token) {
				return ErrLoneSurrogate
			}
			if err := open[len(open)-1].addName(token); err != nil {
				return err
			}
			i += len(token)
		case c == '-' || c >= '0' && c <= '9':
			n := numberLength(raw[i:])
			if !survives(string(raw[i : i+n])) {
				return ErrNumber
			}
			i += n
		default: // white space, a colon, or a letter of a literal
			i++
		}
	}
	return nil
}

// addName notes a string that stands where an object has a name, and does nothing with any other.
func (l *level) addName(token []byte) error {
	if !l.nameNext {
		return nil
	}
	l.nameNext = false
	var name string
	if err := json.Unmarshal(token, &name); err != nil {
		return ErrSyntax
	}
	if _, twice := l.names[name]; twice {
		return ErrDuplicateName
	}
	l.names[name] = struct{}{}
	return nil
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
