package canonical_test

import (
	"bytes"
	"encoding/hex"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/hydracore/hydrapin/sdk/go/hydrapin/canonical"
)

// RFC 8785, Appendix B: IEEE 754 bits and the text they are written as.
var appendixB = []struct {
	bits uint64
	text string
}{
	{0x0000000000000000, "0"},
	{0x8000000000000000, "0"},
	{0x0000000000000001, "5e-324"},
	{0x8000000000000001, "-5e-324"},
	{0x7fefffffffffffff, "1.7976931348623157e+308"},
	{0xffefffffffffffff, "-1.7976931348623157e+308"},
	{0x4340000000000000, "9007199254740992"},
	{0xc340000000000000, "-9007199254740992"},
	{0x4430000000000000, "295147905179352830000"},
	{0x44b52d02c7e14af5, "9.999999999999997e+22"},
	{0x44b52d02c7e14af6, "1e+23"},
	{0x44b52d02c7e14af7, "1.0000000000000001e+23"},
	{0x444b1ae4d6e2ef4e, "999999999999999700000"},
	{0x444b1ae4d6e2ef4f, "999999999999999900000"},
	{0x444b1ae4d6e2ef50, "1e+21"},
	{0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7"},
	{0x3eb0c6f7a0b5ed8d, "0.000001"},
	{0x41b3de4355555553, "333333333.3333332"},
	{0x41b3de4355555554, "333333333.33333325"},
	{0x41b3de4355555555, "333333333.3333333"},
	{0x41b3de4355555556, "333333333.3333334"},
	{0x41b3de4355555557, "333333333.33333343"},
	{0xbecbf647612f3696, "-0.0000033333333333333333"},
	{0x43143ff3c1cb0959, "1424953923781206.2"},
}

func TestAppendixB(t *testing.T) {
	t.Parallel()
	for _, v := range appendixB {
		double := math.Float64frombits(v.bits)
		want := `{"n":` + v.text + `}`

		got, err := canonical.Params([]byte(want))
		if err != nil || string(got) != want {
			t.Errorf("%016x as published: Params = %s, %v, want %s", v.bits, got, err, want)
		}
		written := `{"n":` + strconv.FormatFloat(double, 'e', -1, 64) + `}`
		if got, err = canonical.Params([]byte(written)); err != nil || string(got) != want {
			t.Errorf("%016x: Params(%s) = %s, %v, want %s", v.bits, written, got, err, want)
		}
		// Far more digits than are needed name the same bits, and must be written as short.
		long := `{"n":` + strconv.FormatFloat(double, 'e', 60, 64) + `}`
		if got, err = canonical.Serialise([]byte(long)); err != nil || string(got) != want {
			t.Errorf("%016x: Serialise(%s) = %s, %v, want %s", v.bits, long, got, err, want)
		}
	}
	// The table's last two rows are not JSON at all.
	for _, text := range []string{"NaN", "Infinity", "-Infinity"} {
		if got, err := canonical.Params([]byte(`{"n":` + text + `}`)); err == nil {
			t.Errorf("Params accepted %s as %s", text, got)
		}
	}
}

// RFC 8785, sections 3.2.2 and 3.2.4: the sample object, and the bytes that must come out.
const (
	sample = `{
      "numbers": [333333333.33333329, 1E30, 4.50,
                  2e-3, 0.000000000000000000000000001],
      "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
      "literals": [null, true, false]
    }`
	sampleBytes = `
      7b 22 6c 69 74 65 72 61 6c 73 22 3a 5b 6e 75 6c 6c 2c 74 72
      75 65 2c 66 61 6c 73 65 5d 2c 22 6e 75 6d 62 65 72 73 22 3a
      5b 33 33 33 33 33 33 33 33 33 2e 33 33 33 33 33 33 33 2c 31
      65 2b 33 30 2c 34 2e 35 2c 30 2e 30 30 32 2c 31 65 2d 32 37
      5d 2c 22 73 74 72 69 6e 67 22 3a 22 e2 82 ac 24 5c 75 30 30
      30 66 5c 6e 41 27 42 5c 22 5c 5c 5c 5c 5c 22 2f 22 7d`
)

func TestSampleOfSection32(t *testing.T) {
	t.Parallel()
	want, err := hex.DecodeString(strings.Join(strings.Fields(sampleBytes), ""))
	if err != nil {
		t.Fatal(err)
	}
	got, err := canonical.Serialise([]byte(sample))
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("Serialise = %s, %v, want %s", got, err, want)
	}
	// Its first number is there to show that a double does not keep it, and that is what Params refuses.
	if _, err = canonical.Params([]byte(sample)); err == nil {
		t.Error("Params accepted 333333333.33333329, which is written as 333333333.3333333")
	}
	kept := strings.Replace(sample, "333333333.33333329", "333333333.3333333", 1)
	if got, err = canonical.Params([]byte(kept)); err != nil || !bytes.Equal(got, want) {
		t.Errorf("Params = %s, %v, want %s", got, err, want)
	}
}

// RFC 8785, section 3.2.3: names are ordered by their UTF-16 code units.
func TestSortingOfSection323(t *testing.T) {
	t.Parallel()
	got, err := canonical.Params([]byte(`{
      "\u20ac": "Euro Sign",
      "\r": "Carriage Return",
      "\ufb33": "Hebrew Letter Dalet With Dagesh",
      "1": "One",
      "\ud83d\ude00": "Emoji: Grinning Face",
      "\u0080": "Control",
      "\u00f6": "Latin Small Letter O With Diaeresis"
    }`))
	want := `{"\r":"Carriage Return","1":"One","` + "\u0080" + `":"Control","` +
		"\u00f6" + `":"Latin Small Letter O With Diaeresis","` + "\u20ac" + `":"Euro Sign","` +
		"\U0001f600" + `":"Emoji: Grinning Face","` + "\ufb33" + `":"Hebrew Letter Dalet With Dagesh"}`
	if err != nil || string(got) != want {
		t.Errorf("Params = %s, %v\nwant     %s", got, err, want)
	}
}

// The test data published with the RFC's reference implementations, where it is an object and not shown above.
func TestReferenceData(t *testing.T) {
	t.Parallel()
	for _, v := range []struct{ name, in, want string }{
		{
			"french", `{"peach": "This sorting order", "p\u00e9ch\u00e9": "is wrong according to French",
			 "p\u00eache": "but canonicalization MUST", "sin": "ignore locale"}`,
			`{"peach":"This sorting order","péché":"is wrong according to French",` +
				`"pêche":"but canonicalization MUST","sin":"ignore locale"}`,
		},
		{
			"structures", `{"1": {"f": {"f": "hi","F": 5} ,"\n": 56.0}, "10": { }, "": "empty", "a": { },
			 "111": [ {"e": "yes","E": "no" } ], "A": { } }`,
			`{"":"empty","1":{"\n":56,"f":{"F":5,"f":"hi"}},"10":{},"111":[{"E":"no","e":"yes"}],"A":{},"a":{}}`,
		},
		{"unicode", `{"Unnormalized Unicode":"A\u030a"}`, "{\"Unnormalized Unicode\":\"A\u030a\"}"},
		{"arrays", `{"a": [56, {"d": true, "10": null, "1": [ ]}]}`, `{"a":[56,{"1":[],"10":null,"d":true}]}`},
	} {
		got, err := canonical.Params([]byte(v.in))
		if err != nil || string(got) != v.want {
			t.Errorf("%s: Params = %s, %v\nwant     %s", v.name, got, err, v.want)
		}
	}
}
