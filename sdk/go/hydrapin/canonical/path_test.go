package canonical_test

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/hydracore/hydrapin/sdk/go/hydrapin/canonical"
)

// failures returns where and why Params refuses a text.
func failures(t *testing.T, in string) (all []string) {
	t.Helper()
	_, err := canonical.Params([]byte(in))
	var refused *canonical.Error
	if !errors.As(err, &refused) {
		t.Fatalf("Params(%.60s) = %v", in, err)
	}
	for _, f := range refused.Failures {
		if !errors.Is(err, f.Reason) {
			t.Errorf("the error is not %v", f.Reason)
		}
		all = append(all, strings.TrimPrefix(fmt.Sprintf("%q %s", f.Path, f.Reason), "canonical: "))
	}
	return all
}

func TestRefusalsNameTheMember(t *testing.T) {
	t.Parallel()
	const (
		number    = "canonical: a number in params does not survive as a double"
		twice     = "canonical: an object in params has a name twice"
		surrogate = "canonical: a string in params has a lone surrogate"
		depth     = "canonical: params nest deeper than 32 levels"
	)
	deep := strings.Repeat(`{"d":`, 33) + "1" + strings.Repeat("}", 33)
	for in, want := range map[string][]string{
		`{"amount":9007199254740993}`:       {`["amount"] ` + number},
		`{"amount":725653563933458432}`:     {`["amount"] ` + number},
		`{"a":{"b":[1,{"c":1e400}]}}`:       {`["a" "b" '\x01' "c"] ` + number},
		`{"a":[[1],[2,3,1e400]],"b":2}`:     {`["a" '\x01' '\x02'] ` + number},
		`{"a":[1,"x",{"b":[]},{},1e400]}`:   {`["a" '\x04'] ` + number},
		`{"":1e400}`:                        {`[""] ` + number},
		`{"a":1e400,"b":{"c":1e400},"d":1}`: {`["a"] ` + number, `["b" "c"] ` + number},
		`{"a":{"b":1},"c":1e400}`:           {`["c"] ` + number},
		`{"\u0061\ud83d\ude00":1e400}`:      {`["a😀"] ` + number},
		`{"a":1,"b":{"c":1,"c":2}}`:         {`["b" "c"] ` + twice},
		`{"a":1,"\u0061":1e400}`:            {`["a"] ` + twice, `["a"] ` + number},
		`{"a":[{"b":"\ud800"}]}`:            {`["a" '\x00' "b"] ` + surrogate},
		`{"a":{"\ud800":1,"b":1e400}}`:      {`["a"] ` + surrogate, `["a" "b"] ` + number},
		`{"\ud800":1}`:                      {`[] ` + surrogate},
		deep:                                {`[` + strings.TrimSpace(strings.Repeat(`"d" `, 32)) + `] ` + depth},
		`{"x":1e400,"a":` + strings.Repeat("[", 32) + `1e400` + strings.Repeat("]", 32) + `,"y":1e400}`: {
			`["x"] ` + number, `["a"` + strings.Repeat(` '\x00'`, 31) + `] ` + depth,
		},
	} {
		got := failures(t, in)
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%.80s\n got %s\nwant %s", in, got, want)
		}
	}
}

func TestFailuresAreBounded(t *testing.T) {
	t.Parallel()
	in := `{"a":[` + strings.Repeat("1e400,", 2000) + `0]}`
	if n := len(failures(t, in)); n != 100 {
		t.Errorf("%d failures", n)
	}
}

// Whatever surrounds a bad number, its path is the way to it.
func TestPathLeadsToTheNumber(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		in, want := "9007199254740993", []any{}
		for range rapid.IntRange(1, 8).Draw(rt, "levels") {
			before := rapid.IntRange(0, 3).Draw(rt, "before")
			if rapid.Bool().Draw(rt, "array") {
				in = "[" + strings.Repeat(`{"x":[0,"]"]}, `, before) + in + `,"\"["]`
				want = append([]any{before}, want...)
				continue
			}
			name := rapid.StringMatching(`[a-z ,:{}\[\]]{0,5}`).Draw(rt, "name")
			members := ""
			for i := range before {
				members += `"` + name + strconv.Itoa(i) + `" : [{"` + name + `":1}], `
			}
			in = "{" + members + `"` + name + `":` + in + `,"zzzzzz":{}}`
			want = append([]any{name}, want...)
		}
		in, want = `{"top":`+in+"}", append([]any{"top"}, want...)
		_, err := canonical.Params([]byte(in))
		var refused *canonical.Error
		if !errors.As(err, &refused) || len(refused.Failures) != 1 || fmt.Sprintf("%#v", refused.Failures[0].Path) != fmt.Sprintf("%#v", want) {
			rt.Fatalf("Params(%s) = %+v, want a failure at %#v", in, err, want)
		}
	})
}
