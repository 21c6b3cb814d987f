package pin_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/hydracore/hydrapin/internal/pin"
)

// secretDigits is in no address, type name or time that a test could print.
const secretDigits = "471938205561"

type exported struct{ P pin.PIN }

// hidden has what fmt calls no method of: an unexported field.
type hidden struct {
	p  pin.PIN
	pp *pin.PIN
}

// carriers are the ways in which a PIN gets into a log line.
func carriers(p pin.PIN) map[string]any {
	return map[string]any{
		"PIN":                       p,
		"pointer":                   &p,
		"struct":                    exported{p},
		"pointer to struct":         &exported{p},
		"unexported field":          hidden{p: p, pp: &p},
		"pointer to hidden":         &hidden{p: p, pp: &p},
		"slice":                     []pin.PIN{p, p},
		"slice of pointers":         []*pin.PIN{&p},
		"slice of structs":          []hidden{{p: p, pp: &p}},
		"array":                     [1]pin.PIN{p},
		"map":                       map[string]pin.PIN{"pin": p},
		"any":                       []any{p, &p, hidden{p: p}},
		"struct of struct":          struct{ h *hidden }{&hidden{p: p}},
		"error around it":           fmt.Errorf("no: %v", p),
		"error that holds it":       pinError{p},
		"what verbs make of errors": errors.Join(pinError{p}),
	}
}

type pinError struct{ p pin.PIN }

func (e pinError) Error() string { return fmt.Sprintf("bad pin: %v", e.p) }

// holdsSecret looks for the digits in any shape that a verb could give them.
func holdsSecret(s string) bool {
	for _, form := range []string{
		secretDigits,
		fmt.Sprintf("%x", secretDigits), fmt.Sprintf("% x", secretDigits), fmt.Sprintf("%X", secretDigits),
		fmt.Sprintf("%v", []byte(secretDigits)), fmt.Sprintf("%#v", []byte(secretDigits)),
		fmt.Sprintf("%d", []byte(secretDigits)),
	} {
		if strings.Contains(s, strings.Trim(form, "[]")) {
			return true
		}
	}
	return false
}

func TestNoVerbPrintsAPIN(t *testing.T) {
	t.Parallel()
	p := mustParse(t, secretDigits)
	for name, carrier := range carriers(p) {
		for verb := 'A'; verb <= 'z'; verb++ {
			for _, flags := range []string{"", "+", "#", " ", "0", "-", "+#", "20", ".3", "-20.3", "# "} {
				format := "%" + flags + string(verb)
				if got := fmt.Sprintf(format, carrier); holdsSecret(got) {
					t.Errorf("%s with %s prints %s", name, format, got)
				}
				// Errorf alone knows %w, and takes it for a wrong verb on a PIN.
				if got := fmt.Errorf(format, carrier).Error(); holdsSecret(got) {
					t.Errorf("%s with %s as an error prints %s", name, format, got)
				}
			}
		}
		printed := []string{fmt.Sprint(carrier), fmt.Sprintln(carrier)}
		// An operand too many, a PIN as a width, and one that is not there.
		for _, mistake := range []string{"no verb", "%*d", "%[2]d"} {
			printed = append(printed, fmt.Sprintf(mistake, carrier))
		}
		for _, got := range printed {
			if holdsSecret(got) {
				t.Errorf("%s prints %s", name, got)
			}
		}
	}
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%c", "%U", "%e", "%08b"} {
		if got := fmt.Sprintf(format, p); got != "[redacted]" {
			t.Errorf("%s prints %s", format, got)
		}
	}
}

func TestNoEncoderWritesAPIN(t *testing.T) {
	t.Parallel()
	p := mustParse(t, secretDigits)
	for name, carrier := range carriers(p) {
		encoded, err := json.Marshal(carrier)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if holdsSecret(string(encoded)) {
			t.Errorf("%s in JSON: %s", name, encoded)
		}
		for format, handler := range map[string]func(*bytes.Buffer) slog.Handler{
			"text": func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
			"json": func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
		} {
			var out bytes.Buffer
			log := slog.New(handler(&out))
			log.Info("verify", "pin", carrier)
			log.With("pin", carrier).WithGroup("g").Info("verify", slog.Group("h", "pin", carrier))
			if holdsSecret(out.String()) {
				t.Errorf("%s in slog's %s: %s", name, format, &out)
			}
		}
	}
	if got, _ := json.Marshal(map[string]any{"pin": p}); string(got) != `{"pin":"[redacted]"}` {
		t.Errorf("JSON: %s", got)
	}
	if got, _ := p.MarshalText(); string(got) != "[redacted]" {
		t.Errorf("text: %s", got)
	}
	if got := p.LogValue().String(); got != "[redacted]" {
		t.Errorf("slog: %s", got)
	}
}

func TestJSONReadsAPINAndErrorsDoNotQuoteIt(t *testing.T) {
	t.Parallel()
	var body exported
	if err := json.Unmarshal([]byte(`{"P":"`+secretDigits+`"}`), &body); err != nil || body.P.Reveal() != secretDigits {
		t.Fatalf("read %d digits: %v", body.P.Len(), err)
	}
	for _, raw := range []string{
		`{"P":"` + secretDigits + `0"}`, `{"P":"` + secretDigits + `x"}`, `{"P":` + secretDigits + `}`,
		`{"P":["` + secretDigits + `"]}`, `{"P":{"` + secretDigits + `":1}}`, `{"P":-` + secretDigits + `}`,
	} {
		var body exported
		err := json.Unmarshal([]byte(raw), &body)
		if err == nil || body.P.Len() != 0 {
			t.Errorf("a bad PIN was read")
			continue
		}
		if holdsSecret(err.Error()) || holdsSecret(fmt.Sprintf("%+v %#v", err, err)) {
			t.Errorf("the error quotes the PIN: %v", err)
		}
	}
}
