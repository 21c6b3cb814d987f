package canonical_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/hydracore/hydrapin/sdk/go/hydrapin/canonical"
)

func nested(levels int) string {
	return strings.Repeat(`{"a":`, levels-1) + `{}` + strings.Repeat(`}`, levels-1)
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for _, v := range []struct {
		name, in string
		want     error
	}{
		{"empty", "", canonical.ErrSyntax},
		{"white space", " \n", canonical.ErrSyntax},
		{"cut off", `{"a":1`, canonical.ErrSyntax},
		{"trailing comma", `{"a":1,}`, canonical.ErrSyntax},
		{"trailing data", `{"a":1} {}`, canonical.ErrSyntax},
		{"comment", `{"a":1/**/}`, canonical.ErrSyntax},
		{"leading zero", `{"a":01}`, canonical.ErrSyntax},
		{"plus sign", `{"a":+1}`, canonical.ErrSyntax},
		{"hexadecimal", `{"a":0x10}`, canonical.ErrSyntax},
		{"bare point", `{"a":1.}`, canonical.ErrSyntax},
		{"byte order mark", "\ufeff{}", canonical.ErrSyntax},
		{"raw control character", "{\"a\":\"\n\"}", canonical.ErrSyntax},
		{"invalid UTF-8 in a value", "{\"a\":\"\xff\"}", canonical.ErrSyntax},
		{"invalid UTF-8 in a name", "{\"\xc3\":1}", canonical.ErrSyntax},
		{"overlong UTF-8", "{\"a\":\"\xc0\xaf\"}", canonical.ErrSyntax},
		{"surrogate in UTF-8", "{\"a\":\"\xed\xa0\x80\"}", canonical.ErrSyntax},

		{"null", `null`, canonical.ErrNotObject},
		{"array", ` [{}]`, canonical.ErrNotObject},
		{"string", `"{}"`, canonical.ErrNotObject},
		{"number", `0`, canonical.ErrNotObject},

		{"33 levels", nested(33), canonical.ErrDepth},
		{"33 levels with arrays", `{"a":` + strings.Repeat("[", 32) + strings.Repeat("]", 32) + `}`, canonical.ErrDepth},
		{"as deep as fits", `{"a":` + strings.Repeat("[", 8000) + strings.Repeat("]", 8000) + `}`, canonical.ErrDepth},

		{"twice", `{"a":1,"a":1}`, canonical.ErrDuplicateName},
		{"twice, once escaped", `{"a":1,"\u0061":2}`, canonical.ErrDuplicateName},
		{"twice, a pair escaped", `{"😀":1,"\uD83d\udE00":2}`, canonical.ErrDuplicateName},
		{"twice, solidus escaped", `{"/":1,"\/":2}`, canonical.ErrDuplicateName},
		{"twice, deep", `{"a":[{"b":{"c":1,"d":[],"c":1}}]}`, canonical.ErrDuplicateName},
		{"twice, empty name", `{"":1,"":2}`, canonical.ErrDuplicateName},
		{"twice, after an object", `{"a":{"b":1},"a":2}`, canonical.ErrDuplicateName},

		{"high alone", `{"a":"\ud800"}`, canonical.ErrLoneSurrogate},
		{"low alone", `{"a":"\udc00"}`, canonical.ErrLoneSurrogate},
		{"low before high", `{"a":"\ude00\ud83d"}`, canonical.ErrLoneSurrogate},
		{"high before high", `{"a":"\ud83d\ud83d\ude00"}`, canonical.ErrLoneSurrogate},
		{"high before text", `{"a":"\uDBFFabcdef"}`, canonical.ErrLoneSurrogate},
		{"high before another escape", `{"a":"\ud83d\nude00"}`, canonical.ErrLoneSurrogate},
		{"high before an escaped backslash", `{"a":"\ud83d\\ude00"}`, canonical.ErrLoneSurrogate},
		{"low after a pair", `{"a":"\ud83d\ude00\ude00"}`, canonical.ErrLoneSurrogate},
		{"in a name", `{"\ud800":1}`, canonical.ErrLoneSurrogate},

		{"2^53+1", `{"a":9007199254740993}`, canonical.ErrNumber},
		{"-(2^53+1)", `{"a":-9007199254740993}`, canonical.ErrNumber},
		{"2^53+1 with an exponent", `{"a":9.007199254740993e15}`, canonical.ErrNumber},
		{"2^64-1", `{"a":18446744073709551615}`, canonical.ErrNumber},
		{"a double exactly, but written shorter", `{"a":18446744073709551616}`, canonical.ErrNumber},
		{"too large", `{"a":1e400}`, canonical.ErrNumber},
		{"too small", `{"a":1e-400}`, canonical.ErrNumber},
		{"half of the smallest", `{"a":2e-324}`, canonical.ErrNumber},
		{"too precise", `{"a":0.10000000000000000001}`, canonical.ErrNumber},
		{"17 digits that read as 1", `{"a":1.0000000000000001}`, canonical.ErrNumber},
		{"pi", `{"a":3.141592653589793238462643383279}`, canonical.ErrNumber},
		{"exponent beyond 32 bits", `{"a":1e99999999999999999999}`, canonical.ErrNumber},
		{"exponent below 32 bits", `{"a":1e-99999999999999999999}`, canonical.ErrNumber},
		{
			// strconv.ParseFloat stops counting the exponent at 12001 and reads 1.
			"exponent that is read as another", `{"a":0.` + strings.Repeat("0", 12000) + `1e120010}`, canonical.ErrNumber,
		},
		{"in an array", `{"a":[1,[1e400]]}`, canonical.ErrNumber},

		{"too long", `{"a":"` + strings.Repeat("x", canonical.MaxBytes) + `"}`, canonical.ErrTooLarge},
		{"one byte too long", "{}" + strings.Repeat(" ", canonical.MaxBytes-1), canonical.ErrTooLarge},
		{"too long and no JSON", strings.Repeat("\xff", canonical.MaxBytes+1), canonical.ErrTooLarge},
		{"too long once written", `{"a":[` + strings.Repeat("1e20,", 1000) + `0]}`, canonical.ErrTooLarge},
	} {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			got, err := canonical.Params([]byte(v.in))
			if !errors.Is(err, v.want) || got != nil {
				t.Errorf("Params = %q, %v, want %v", got, err, v.want)
			}
			if digest, err := canonical.DigestOf([]byte(v.in)); !errors.Is(err, v.want) || digest != "" {
				t.Errorf("DigestOf = %q, %v, want %v", digest, err, v.want)
			}
		})
	}
}

func TestAccepted(t *testing.T) {
	t.Parallel()
	for _, v := range []struct{ in, want string }{
		{`{}`, `{}`},
		{" \t\r\n{ } ", `{}`},
		{`{"a":0.1}`, `{"a":0.1}`},
		{`{"a":1.0}`, `{"a":1}`},
		{`{"a":100e-2}`, `{"a":1}`},
		{`{"a":1.50}`, `{"a":1.5}`},
		{`{"a":-0}`, `{"a":0}`},
		{`{"a":-0.0e-7}`, `{"a":0}`},
		{`{"a":0e99999999999999999999}`, `{"a":0}`},
		{`{"a":1e+0000000000000000000002}`, `{"a":100}`},
		{`{"a":100000000000000000000}`, `{"a":100000000000000000000}`},
		{`{"a":1000000000000000000000}`, `{"a":1e+21}`},
		{`{"a":9007199254740994}`, `{"a":9007199254740994}`},
		{`{"a":0.30000000000000004}`, `{"a":0.30000000000000004}`},
		{`{"a":1E-7}`, `{"a":1e-7}`},
		{`{"A":1,"a":2}`, `{"A":1,"a":2}`},
		{`{"a":{"a":{"a":[{"a":1},{"a":1}]}}}`, `{"a":{"a":{"a":[{"a":1},{"a":1}]}}}`},
		{`{"a":"\ud83d\ude00\\ud800"}`, `{"a":"😀\\ud800"}`},
		{`{"a":"\u007f\u0000"}`, "{\"a\":\"\x7f\\u0000\"}"},
		{`{"a":"9007199254740993 {]:,\""}`, `{"a":"9007199254740993 {]:,\""}`},
		{nested(32), nested(32)},
		{"{}" + strings.Repeat(" ", canonical.MaxBytes-2), `{}`},
	} {
		got, err := canonical.Params([]byte(v.in))
		if err != nil || string(got) != v.want {
			t.Errorf("Params(%.60s) = %s, %v, want %s", v.in, got, err, v.want)
		}
	}
}

func TestDigest(t *testing.T) {
	t.Parallel()
	// From `printf '{}' | sha256sum` and `printf '{"amount":"12.50","to":"DE00"}' | sha256sum`.
	for in, want := range map[string]string{
		` { } `:                             "sha-256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
		`{"to": "DE00", "amount": "12.50"}`: "sha-256:74055c4596e4362cbef948ecafc7987e49711941ab4a7488e8ae2e9f075cfb96",
	} {
		got, err := canonical.DigestOf([]byte(in))
		if err != nil || got != want {
			t.Errorf("DigestOf(%s) = %s, %v, want %s", in, got, err, want)
		}
	}
}

func TestErrorsHoldNoInput(t *testing.T) {
	t.Parallel()
	for _, in := range []string{
		`{"s3cret":1,"s3cret":2}`, `{"a":"s3cret`, `{"a":"s3cret\ud800"}`, `{"s3cret":1e999}`, `"s3cret"`, `{s3cret}`,
	} {
		if _, err := canonical.Params([]byte(in)); err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("Params(%s) = %v", in, err)
		}
	}
}

// reasons are all the errors that Params may give.
var reasons = []error{
	canonical.ErrTooLarge, canonical.ErrSyntax, canonical.ErrNotObject, canonical.ErrDepth,
	canonical.ErrDuplicateName, canonical.ErrLoneSurrogate, canonical.ErrNumber,
}

func FuzzParams(f *testing.F) {
	for _, v := range appendixB {
		f.Add([]byte(`{"n":` + v.text + `}`))
	}
	for _, seed := range []string{
		``, `{}`, `[]`, sample, nested(32), nested(33), `{"a":1,"\u0061":2}`, `{"a":"\ud83d\ude00"}`, `{"a":"\ude00"}`,
		`{"a":9007199254740993}`, `{"a":1e400}`, `{"a":-0.0}`, `{"b":[1.0,{"z":null,"y":true}],"a":"\/\u20ac"}`,
		"{\"a\":\"\xff\"}", `{"a":0.000000000000000000000000001e27}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		before := bytes.Clone(raw)
		got, err := canonical.Params(raw)
		if !bytes.Equal(raw, before) {
			t.Fatal("the input was changed")
		}
		if err != nil {
			if !slices.ContainsFunc(reasons, func(reason error) bool { return errors.Is(err, reason) }) {
				t.Fatalf("an error without a reason: %v", err)
			}
			return
		}
		again, err := canonical.Params(got)
		if err != nil || !bytes.Equal(again, got) {
			t.Fatalf("not idempotent: %s, %v, from %s", again, err, got)
		}
		for _, variant := range [][]byte{indented(t, raw), reordered(t, raw)} {
			digest, err := canonical.DigestOf(variant)
			if errors.Is(err, canonical.ErrTooLarge) {
				continue
			}
			if err != nil || digest != canonical.Digest(got) {
				t.Fatalf("%s has another digest than %s: %v", variant, raw, err)
			}
		}
	})
}

func indented(t *testing.T, raw []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := json.Indent(&out, raw, "\r", "\t "); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// reordered writes a valid value again with the members of every object in falling order of their names, and the
// names escaped as encoding/json does.
func reordered(t *testing.T, raw []byte) []byte {
	t.Helper()
	raw = bytes.TrimSpace(raw)
	var out bytes.Buffer
	switch raw[0] {
	case '{':
		var members map[string]json.RawMessage
		if err := json.Unmarshal(raw, &members); err != nil {
			t.Fatal(err)
		}
		names := make([]string, 0, len(members))
		for name := range members {
			names = append(names, name)
		}
		slices.Sort(names)
		slices.Reverse(names)
		out.WriteByte('{')
		for i, name := range names {
			if i > 0 {
				out.WriteByte(',')
			}
			quoted, err := json.Marshal(name)
			if err != nil {
				t.Fatal(err)
			}
			out.Write(quoted)
			out.WriteByte(':')
			out.Write(reordered(t, members[name]))
		}
		out.WriteByte('}')
	case '[':
		var elements []json.RawMessage
		if err := json.Unmarshal(raw, &elements); err != nil {
			t.Fatal(err)
		}
		out.WriteByte('[')
		for i, element := range elements {
			if i > 0 {
				out.WriteByte(',')
			}
			out.Write(reordered(t, element))
		}
		out.WriteByte(']')
	default:
		return raw
	}
	return out.Bytes()
}
