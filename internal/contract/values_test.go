package contract_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"regexp"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/uuid"
)

// gen makes values out of schemas. The same seed gives the same values.
type gen struct {
	*rand.Rand
	// rule is the last rule that an allowed value breaks though its schema cannot
	// tell, or empty.
	rule string
}

// mistake is one value that a schema forbids.
type mistake struct {
	// text is JSON, or for a parameter the text itself.
	text string
	// loc is where the answer must have the error; nil means anywhere.
	loc []any
	why string
}

func pick[T any](g *gen, from ...T) T { return from[g.IntN(len(from))] }

// breaks notes a broken rule. A body that nests too deep is read no further, so
// there is no other error for it.
func (g *gen) breaks(rule string) {
	if g.rule != "nesting" {
		g.rule = rule
	}
}

func (g *gen) chance(oneIn int) bool { return g.IntN(oneIn) == 0 }

// allowed returns a JSON text that the schema allows.
func (g *gen) allowed(s *openapi3.Schema) string {
	switch {
	case s.Nullable && g.chance(6):
		return "null"
	case s.Type.Is(openapi3.TypeString):
		return g.quote(g.allowedText(s))
	case s.Type.Is(openapi3.TypeInteger):
		return g.allowedText(s)
	case s.Type.Is(openapi3.TypeBoolean):
		return pick(g, "true", "false")
	case s.Type.Is(openapi3.TypeArray):
		items := make([]string, max(int(s.MinItems), g.count(int(*s.MaxItems))))
		for i := range items {
			items[i] = g.allowed(s.Items.Value)
		}
		return "[" + strings.Join(items, ",") + "]"
	case g.isFree(s):
		return g.params()
	default:
		return object(g.members(s, nil))
	}
}

// count is mostly small, and now and then the most.
func (g *gen) count(most int) int {
	if g.chance(20) {
		return most
	}
	return g.IntN(min(most, 4) + 1)
}

func (g *gen) isFree(s *openapi3.Schema) bool {
	return s.AdditionalProperties.Has != nil && *s.AdditionalProperties.Has
}

type member struct{ name, text string }

// members returns an allowed object's, in any order. Optional ones are left out
// now and then, but not keep.
func (g *gen) members(s *openapi3.Schema, keep *string) []member {
	var all []member
	for _, name := range sortedKeys(s.Properties) {
		kept := slices.Contains(s.Required, name) || keep != nil && *keep == name
		switch {
		case !kept && g.chance(8):
			all = append(all, member{name, "null"}) // an optional field that is null is absent
		case kept || g.chance(2):
			all = append(all, member{name, g.allowed(s.Properties[name].Value)})
		}
	}
	g.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

func object(members []member) string {
	parts := make([]string, len(members))
	for i, m := range members {
		parts[i] = quote(m.name) + ":" + m.text
	}
	return "{" + strings.Join(parts, ",") + "}"
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// allowedText returns the text of a string, or the digits of an integer.
func (g *gen) allowedText(s *openapi3.Schema) string {
	switch {
	case s.Type.Is(openapi3.TypeInteger):
		return strconv.Itoa(pick(g, int(*s.Min), int(*s.Max), int(*s.Min)+g.IntN(int(*s.Max-*s.Min)+1)))
	case len(s.Enum) > 0:
		for {
			if v, ok := pick(g, s.Enum...).(string); ok {
				return v
			}
		}
	case s.Format == "uuid":
		id := g.uuid().String()
		return pick(g, id, id, strings.ToUpper(id))
	case s.Format == "date-time":
		return pick(g, "2099-12-31T23:59:59Z", "2099-02-28T00:00:00.123456789+14:00", "9999-12-31T23:59:59.999999Z", "2001-01-01T00:00:00Z")
	default:
		return g.textWithin(s, int(s.MinLength), int(*s.MaxLength))
	}
}

// uuid returns one of any version, and the two that are special.
func (g *gen) uuid() uuid.UUID {
	if g.chance(20) {
		return pick(g, uuid.Nil, uuid.Max)
	}
	var id uuid.UUID
	for i := range id {
		id[i] = byte(g.UintN(256))
	}
	return id
}

// textWithin returns text that has the schema's pattern and a length within the
// bounds, which need not be the schema's.
func (g *gen) textWithin(s *openapi3.Schema, least, most int) string {
	want := pick(g, least, most, least+g.IntN(most-least+1), min(least+g.IntN(8), most))
	if s.Pattern == "" {
		return g.freeText(want)
	}
	parsed, err := syntax.Parse(s.Pattern, syntax.Perl)
	if err != nil {
		panic(err)
	}
	for try := 0; ; try++ {
		text := g.fromPattern(parsed, max(0, want-try%6-want*try/200))
		if n := utf8.RuneCountInString(text); n >= least && n <= most || try == 200 {
			return text
		}
	}
}

// fromPattern returns a text of the pattern, in which what repeats does so n times.
func (g *gen) fromPattern(re *syntax.Regexp, n int) string {
	switch re.Op {
	case syntax.OpLiteral:
		return string(re.Rune)
	case syntax.OpCharClass:
		if top := re.Rune[len(re.Rune)-1]; top == utf8.MaxRune {
			// Most of all characters are unassigned, so names would never be accepted.
			return g.freeText(1)
		}
		at := 2 * g.IntN(len(re.Rune)/2)
		return string(re.Rune[at] + rune(g.IntN(int(re.Rune[at+1]-re.Rune[at])+1)))
	case syntax.OpStar, syntax.OpPlus:
		times, inner := n, n
		if re.Sub[0].Op != syntax.OpCharClass {
			times, inner = min(n, 3), n/4 // what repeats within it would square its length
		}
		var b strings.Builder
		for range times {
			b.WriteString(g.fromPattern(re.Sub[0], inner))
		}
		return b.String()
	case syntax.OpRepeat:
		var b strings.Builder
		for range re.Min + g.IntN(max(re.Max, re.Min)-re.Min+1) {
			b.WriteString(g.fromPattern(re.Sub[0], n))
		}
		return b.String()
	case syntax.OpQuest:
		if g.chance(2) {
			return ""
		}
		return g.fromPattern(re.Sub[0], n)
	case syntax.OpConcat:
		var b strings.Builder
		for _, sub := range re.Sub {
			b.WriteString(g.fromPattern(sub, n))
		}
		return b.String()
	case syntax.OpAlternate:
		return g.fromPattern(pick(g, re.Sub...), n)
	case syntax.OpCapture:
		return g.fromPattern(re.Sub[0], n)
	case syntax.OpBeginText, syntax.OpEndText, syntax.OpEmptyMatch:
		return ""
	default:
		panic(fmt.Sprintf("the generator does not know the pattern %v", re.Op))
	}
}

// odd are characters that somewhere, some program takes for something else.
var odd = []rune{0, 1, '\t', '\n', ' ', '"', '%', '/', '\\', 0x7f, 0x85, 0xa0, 'é', 'ß', 'İ', '４', '٣', 0x200b, 0x202e, 0x2028, '字', 0xfeff, 0xfffd, '😀', 0x10ffff}

// shown are those of the odd characters that a person may be shown.
var shown = []rune{'"', '%', '/', '\\', 0xa0, 'é', 'ß', 'İ', '４', '٣', '字', 0xfffd, '😀'}

func (g *gen) freeText(n int) string {
	special := shown
	if g.chance(6) {
		special = odd
	}
	runes := make([]rune, n)
	for i := range runes {
		runes[i] = pick(g, 'a'+rune(g.IntN(26)), '0'+rune(g.IntN(10)), pick(g, special...))
	}
	return string(runes)
}

// quote writes text as JSON, with some characters escaped that need not be.
func (g *gen) quote(text string) string {
	if !g.chance(8) {
		return quote(text)
	}
	var b strings.Builder
	for _, r := range text {
		if r < 0x10000 && g.chance(2) {
			fmt.Fprintf(&b, `\u%04x`, r)
			continue
		}
		b.WriteString(strings.Trim(quote(string(r)), `"`))
		if r == '"' {
			return quote(text) // the trimming above is not for these
		}
	}
	return `"` + b.String() + `"`
}

func quote(text string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(text); err != nil {
		panic(err)
	}
	return strings.TrimSpace(b.String())
}

// params returns an action's params: any object, now and then one that the rules
// of canonical params refuse.
func (g *gen) params() string {
	if g.chance(20) {
		g.breaks("nesting")
		return `{"deep":` + nested(70) + `}`
	}
	if g.chance(6) {
		g.breaks("params")
		return pick(g,
			`{"n":1e400}`, `{"n":9007199254740993}`, `{"n":0.10000000000000000001}`, `{"n":1e-400}`,
			`{"deep":`+nested(32)+`}`, `{"deep":`+nested(60)+`}`,
			`{"long":"`+strings.Repeat("x", 16<<10)+`"}`,
			`{"n":[`+strings.Repeat("1e20,", 1500)+`1]}`,
			`{"n":1`+strings.Repeat("0", 400)+`}`,
		)
	}
	return pick(g, "{}", `{"deep":`+nested(30)+`}`, `{"n":[1e20,-0,0.1,1.0,5e-324,1.7976931348623157e308]}`,
		`{"`+strings.Repeat("k", 500)+`":null,"__proto__":{"a":true},"":[]}`, g.anyObject(3))
}

// nested returns arrays in arrays.
func nested(depth int) string { return strings.Repeat("[", depth) + strings.Repeat("]", depth) }

func (g *gen) anyObject(depth int) string {
	var members []member
	for i := range g.IntN(4) {
		members = append(members, member{"k" + strconv.Itoa(i) + string(pick(g, odd[1:]...)), g.anyValue(depth - 1)})
	}
	return object(members)
}

func (g *gen) anyValue(depth int) string {
	if depth > 0 && g.chance(2) {
		return pick(g, g.anyObject(depth), "["+g.anyValue(depth-1)+"]")
	}
	return pick(g, "null", "true", "false", "0", "-17", "2.5", `""`, quote("text "+string(pick(g, odd[1:]...))))
}

// forbidden returns a JSON text that the schema forbids, at one place within it.
func (g *gen) forbidden(s *openapi3.Schema, loc []any) mistake {
	if g.chance(4) || s.Type.Is(openapi3.TypeBoolean) {
		return g.wrongType(s, loc)
	}
	switch {
	case s.Type.Is(openapi3.TypeString), s.Type.Is(openapi3.TypeInteger):
		text, why := g.forbiddenText(s)
		if s.Type.Is(openapi3.TypeString) {
			text = g.quote(text)
		}
		return mistake{text, loc, why}
	case s.Type.Is(openapi3.TypeArray):
		return g.forbiddenArray(s, loc)
	case g.isFree(s):
		return g.wrongType(s, loc)
	default:
		return g.forbiddenObject(s, loc)
	}
}

func (g *gen) wrongType(s *openapi3.Schema, loc []any) mistake {
	values := map[string][]string{
		openapi3.TypeString: {`"text"`}, openapi3.TypeInteger: {"7"}, "number": {"7.25", "1e400", "-1e-9"},
		openapi3.TypeBoolean: {"true", "false"}, openapi3.TypeArray: {"[]", `["x"]`, nested(20)},
		openapi3.TypeObject: {"{}", `{"pin":"804615"}`}, "null": {"null"},
	}
	for _, kind := range *s.Type {
		delete(values, kind)
		if kind == openapi3.TypeInteger {
			delete(values, "number") // those are mistakes of their own
		}
	}
	if s.Nullable {
		delete(values, "null")
	}
	kind := pick(g, sortedKeys(values)...)
	return mistake{pick(g, values[kind]...), loc, kind + " for " + (*s.Type)[0]}
}

// forbiddenText returns text for a string, a parameter, or the digits of an
// integer.
func (g *gen) forbiddenText(s *openapi3.Schema) (text, why string) {
	switch {
	case s.Type.Is(openapi3.TypeInteger):
		least, most := int(*s.Min), int(*s.Max)
		text = pick(g, strconv.Itoa(least-1), strconv.Itoa(most+1), "5.0", "1e1", "0.5", "-0.5", "1E+1",
			"9223372036854775807", "9223372036854775808", "-9223372036854775809", "1"+strings.Repeat("0", 300), "-"+strings.Repeat("9", 300), "1e999999999")
		return text, "no integer within bounds"
	case len(s.Enum) > 0:
		right := g.allowedText(s)
		return pick(g, "", " "+right, right+" ", strings.ToUpper(right), right+"\x00", "null", right[:len(right)-1]), "not one of the choices"
	case s.Format == "uuid":
		id := g.uuid().String()
		return pick(g, "", "x", id[:35], id+"0", "{"+id+"}", "urn:uuid:"+id, strings.ReplaceAll(id, "-", ""),
			strings.Replace(id, "-", "_", 1), "g"+id[1:], id+" ", " "+id, id+"\n", strings.Replace(id, "-", "", 1)+"-",
			"0x"+id[2:], "４"+id[1:], strings.Repeat("0", 5000)), "no UUID"
	}
	if s.Format == "date-time" {
		return pick(g, "", "x", "2099-12-31", "2099-12-31T23:59:59", "2099-12-31 23:59:59Z", "2099-13-01T00:00:00Z", "4102444800",
			"9999-12-31T23:59:59-23:59", "20991231T235959Z", "tomorrow", strings.Repeat("9", 5000)), "no time"
	}
	least, most := int(s.MinLength), int(*s.MaxLength)
	switch g.IntN(3) {
	case 0:
		if least > 0 {
			return g.textWithin(s, 0, least-1)[:0] + strings.Repeat("7", least-1), "too short"
		}
		fallthrough
	case 1:
		return strings.Repeat("7", pick(g, most+1, most+2, 4*most, 20_000)), "too long"
	default:
		if s.Pattern == "" {
			return strings.Repeat("字", most+1), "too long"
		}
		return g.offPattern(s), "off the pattern"
	}
}

// offPattern puts an odd character into a text of the pattern so that it no
// longer matches.
func (g *gen) offPattern(s *openapi3.Schema) string {
	pattern := regexp.MustCompile(s.Pattern)
	for {
		runes := []rune(g.textWithin(s, int(s.MinLength), int(*s.MaxLength)-1))
		runes = slices.Insert(runes, pick(g, 0, len(runes), g.IntN(len(runes)+1)), pick(g, pick(g, odd...), '*'))
		if text := string(runes); !pattern.MatchString(text) {
			return text
		}
	}
}

func (g *gen) forbiddenArray(s *openapi3.Schema, loc []any) mistake {
	items := []string{}
	if s.MinItems > 0 && g.chance(4) {
		return mistake{"[]", loc, "too few items"}
	}
	if g.chance(3) {
		for range int(*s.MaxItems) + pick(g, 1, 2, 300) {
			items = append(items, g.allowed(s.Items.Value))
		}
		return mistake{"[" + strings.Join(items, ",") + "]", loc, "too many items"}
	}
	for range g.IntN(5) {
		items = append(items, g.allowed(s.Items.Value))
	}
	at := g.IntN(len(items) + 1)
	wrong := g.forbidden(s.Items.Value, within(loc, at))
	items = slices.Insert(items, at, wrong.text)
	wrong.text = "[" + strings.Join(items, ",") + "]"
	return wrong
}

func (g *gen) forbiddenObject(s *openapi3.Schema, loc []any) mistake {
	name := pick(g, sortedKeys(s.Properties)...)
	members := g.members(s, &name)
	at := slices.IndexFunc(members, func(m member) bool { return m.name == name })
	switch g.IntN(5) {
	case 0: // a field that is not there
		if !slices.Contains(s.Required, name) {
			break
		}
		return mistake{object(slices.Delete(members, at, at+1)), within(loc, name), "missing"}
	case 1: // a field too many
		extra := pick(g, "x", strings.ToUpper(name), name+" ", " "+name, "", "__proto__", "$ref", "字", name+"\x00", strings.Repeat("x", 60))
		members = slices.Insert(members, g.IntN(len(members)+1), member{extra, g.anyValue(2)})
		return mistake{object(members), within(loc, extra), "an unknown field"}
	case 2: // a field twice
		members = append(members, members[at])
		return mistake{object(members), nil, "a name twice"}
	}
	wrong := g.forbidden(s.Properties[name].Value, within(loc, name))
	for wrong.text == "null" && !slices.Contains(s.Required, name) {
		wrong = g.forbidden(s.Properties[name].Value, within(loc, name))
	}
	members[at].text = wrong.text
	wrong.text = object(members)
	return wrong
}

// spoilt returns a text that is no JSON, made of one that is.
func (g *gen) spoilt(text string) mistake {
	cut := g.IntN(len(text))
	return mistake{pick(g,
		text[:cut], text+"{}", text+"]", text+"\x00", "\ufeff"+text, text+" // end", "/**/"+text, "  ", "\x00",
		strings.Replace(text, "{", `{"bad":"`+"\xff"+`",`, 1),
		strings.Replace(text, "{", `{"\ud800":1,`, 1),
		strings.Replace(text, "{", `{"a":NaN,`, 1),
		strings.Replace(text, "{", `{"a":01,`, 1),
		strings.Replace(text, "{", `{"a":+1,`, 1),
		strings.Replace(text, "{", `{"a":"`+"\n"+`",`, 1),
		strings.Replace(text, "{", `{a:1,`, 1),
		strings.Replace(text, "{", `{'a':1,`, 1),
		strings.Replace(text, "{", `{"deep":`+nested(200)+`,`, 1),
		strings.Replace(text, "{", `{"deep":`+strings.Repeat(`{"a":`, 9000)+",", 1),
		"[", nested(30_000), "nul", `"`,
	), []any{"body"}, "no JSON"}
}

func within(loc []any, step any) []any { return append(slices.Clip(slices.Clone(loc)), step) }
