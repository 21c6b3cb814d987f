package guard

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/hydracore/hydrapin/sdk/go/hydrapin"
)

const (
	// maxValue is how many characters of a value the person sees in the summary. The page shows the
	// arguments as well.
	maxValue = 100
	// maxDefault is the length from which a summary without a template names no more arguments.
	maxDefault = 400
)

// part is a piece of a template: text, or the path to a value.
type part struct {
	text string
	path []string
}

// template is what a person is shown for a tool: {name} stands for an argument, and dots lead into
// objects.
type template struct {
	source string
	parts  []part
}

var placeholder = regexp.MustCompile(`\{\{|\}\}|\{([^{}]*)\}|[{}]`)

var errTemplate = errors.New("guard: template")

// parseTemplate reads a template, so that its errors are found before the first call.
func parseTemplate(source string) (*template, error) {
	t := &template{source: source}
	rest := source
	for {
		at := placeholder.FindStringIndex(rest)
		if at == nil {
			break
		}
		match := rest[at[0]:at[1]]
		t.parts = append(t.parts, part{text: rest[:at[0]]})
		rest = rest[at[1]:]
		switch {
		case match == "{{" || match == "}}":
			t.parts = append(t.parts, part{text: match[:1]})
		case len(match) == 1:
			return nil, fmt.Errorf("%w: a brace without its other one; write {{ or }} for a brace", errTemplate)
		default:
			path := strings.Split(match[1:len(match)-1], ".")
			for _, name := range path {
				if name == "" {
					return nil, fmt.Errorf("%w: %s names no argument", errTemplate, match)
				}
			}
			t.parts = append(t.parts, part{path: path})
		}
	}
	t.parts = append(t.parts, part{text: rest})
	if strings.TrimSpace(source) == "" {
		return nil, fmt.Errorf("%w: it is empty", errTemplate)
	}
	return t, nil
}

// fill returns the summary for canonical arguments.
func (t *template) fill(arguments json.RawMessage) (string, error) {
	var text strings.Builder
	values := map[string]string{}
	for _, p := range t.parts {
		if p.path == nil {
			text.WriteString(escapeBraces(p.text))
			continue
		}
		value, err := valueAt(arguments, p.path)
		if err != nil {
			return "", fmt.Errorf("%w: there is no %s", errTemplate, strings.Join(p.path, "."))
		}
		text.WriteString(reference(values, value))
	}
	return hydrapin.Summary(text.String(), values)
}

// reference adds a value, and returns what stands for it in a template of the SDK, which shows
// invisible characters.
func reference(values map[string]string, value string) string {
	name := "v" + strconv.Itoa(len(values))
	values[name] = cut(value)
	return "{" + name + "}"
}

func escapeBraces(s string) string { return strings.NewReplacer("{", "{{", "}", "}}").Replace(s) }

func cut(s string) string {
	if utf8.RuneCountInString(s) <= maxValue {
		return s
	}
	return string([]rune(s)[:maxValue]) + "…"
}

// valueAt returns a value of canonical JSON: a text's content, or the JSON of anything else. Null is
// no value.
func valueAt(text json.RawMessage, path []string) (string, error) {
	for _, name := range path {
		members, err := parseObject(text)
		if err != nil {
			return "", err
		}
		if text = members.get(name); text == nil || string(text) == "null" {
			return "", errTemplate
		}
	}
	return content(text), nil
}

// content returns a text's content, or the JSON of any other value.
func content(value json.RawMessage) string {
	var s string
	if value[0] == '"' && json.Unmarshal(value, &s) == nil {
		return s
	}
	return string(value)
}

var plainName = regexp.MustCompile(`^[0-9A-Za-z_][0-9A-Za-z_.-]{0,63}$`)

// defaultSummary is "Run <tool>" and the canonical arguments in their order, as many as fit.
func defaultSummary(tool string, arguments json.RawMessage) (string, error) {
	values := map[string]string{}
	text := "Run " + reference(values, tool)
	summary, err := hydrapin.Summary(text, values)
	if err != nil {
		return "", err
	}
	members, err := parseObject(arguments)
	if err != nil {
		return "", err
	}
	for i, m := range members {
		name := m.name
		if !plainName.MatchString(name) {
			name = strconv.QuoteToASCII(name)
		}
		separator := ", "
		if i == 0 {
			separator = ": "
		}
		shown, ok := pair(separator, name, content(m.value))
		if !ok || utf8.RuneCountInString(summary+shown) > maxDefault {
			return fmt.Sprintf("%s and %d more", summary, len(members)-i), nil
		}
		summary += shown
	}
	return summary, nil
}

// pair shows an argument; false if it cannot be shown.
func pair(separator, name, value string) (string, bool) {
	values := map[string]string{}
	shown, err := hydrapin.Summary(separator+reference(values, name)+" = "+reference(values, value), values)
	return shown, err == nil
}

// callKey is the key under which the same call finds its confirmation again.
func callKey(parts ...any) (string, error) {
	text := jsontext.Value(encoded(parts))
	if err := text.Canonicalize(); err != nil {
		return "", err
	}
	return hash(text), nil
}
