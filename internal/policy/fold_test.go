package policy_test

import (
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"

	"github.com/hydracore/hydrapin/internal/policy"
	"github.com/hydracore/hydrapin/internal/text"
)

func TestSameSkill(t *testing.T) {
	t.Parallel()
	for _, same := range [][]string{
		{"mail.send", "Mail.Send", "MAIL.SEND", "ｍａｉｌ．ｓｅｎｄ", "mail\u200b.send", "mail.send\ufe0f"},
		{"Send money", "send  MONEY", "send\u00a0money", "send\u2003\u3000money", "send \u200b money", "send\u1680money"},
		{"größe", "GRÖSSE", "gro\u0308sse", "GRO\u0308ẞE"},
		{"Straße", "STRASSE", "straſſe"},
		{"ΣΊΣΥΦΟΣ", "σίσυφος", "σι\u0301συφοσ"},
		{"K", "k", "\u212a"}, // the Kelvin sign
		{"Å", "å", "a\u030a", "\u212b"},
		{"ﬁle", "FILE", "file"},
		{"ᾴ", "α\u0301ι", "ᾼ\u0301", "Α\u0301Ι"},
		{"\u1e9b\u0323", "\u1e69", "s\u0323\u0307", "s\u0307\u0323"},
		{"각", "\u1100\u1161\u11a8"},
		{"ガ", "カ\u3099", "ｶﾞ"},
		{"№ 1", "no 1"},
		{"x²", "x2"},
	} {
		for _, other := range same[1:] {
			if !policy.SameSkill(same[0], other) {
				t.Errorf("%+q and %+q are two skills: %+q, %+q", same[0], other, policy.FoldSkill(same[0]), policy.FoldSkill(other))
			}
		}
	}
	for _, pair := range [][2]string{
		{"payments.transfer", "payment.transfer"},
		{"resume", "résumé"},
		{"send money", "sendmoney"},
		{"a.b", "a_b"},
		{"İ", "i"}, // a dotted capital I folds to i and a dot
		{"а", "a"}, // Cyrillic and Latin
		{"mail.send", "mail.sen"},
	} {
		if policy.SameSkill(pair[0], pair[1]) {
			t.Errorf("%+q and %+q are one skill", pair[0], pair[1])
		}
	}
}

// More marks on one letter than the stream-safe format of Unicode allows.
func TestManyMarks(t *testing.T) {
	t.Parallel()
	above, below := strings.Repeat("\u0301", 40), strings.Repeat("\u0323", 40)
	mixed := strings.Repeat("\u0301\u0323", 40)
	if !policy.SameSkill("a"+above+below, "a"+mixed) || !policy.SameSkill("a"+below+above, "a"+mixed) {
		t.Error("the order of marks makes two skills")
	}
}

// Every single character: folding is stable, and the forms of one character are one skill.
func TestFoldSkillOfEachCharacter(t *testing.T) {
	t.Parallel()
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if text.Forbidden(r) {
			continue
		}
		s := string(r)
		folded := policy.FoldSkill(s)
		if again := policy.FoldSkill(folded); again != folded {
			t.Fatalf("FoldSkill(%U) = %+q, then %+q", r, folded, again)
		}
		for _, form := range []norm.Form{norm.NFC, norm.NFD, norm.NFKC, norm.NFKD} {
			if got := policy.FoldSkill(form.String(s)); got != folded {
				t.Fatalf("%U is %+q, a normal form of it %+q", r, folded, got)
			}
		}
		for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
			if got := policy.FoldSkill(string(other)); got != folded {
				t.Fatalf("%U is %+q, in another case %+q", r, folded, got)
			}
		}
		if text.Ignorable(r) && folded != "" {
			t.Fatalf("the ignorable %U is %+q", r, folded)
		}
	}
}

// What folding may leave out: a decomposed character without a simple folding has no full one.
func TestNoFullFoldingWithoutASimpleOne(t *testing.T) {
	t.Parallel()
	for r := rune(0); r <= unicode.MaxRune; r++ {
		s := string(r)
		if norm.NFKD.IsNormalString(s) && unicode.SimpleFold(r) == r && cases.Fold().String(s) != s {
			t.Errorf("%U folds to %+q", r, cases.Fold().String(s))
		}
	}
}

func TestPrefixes(t *testing.T) {
	t.Parallel()
	for entry, names := range map[string]struct{ covered, not []string }{
		"*":          {[]string{"a", "送金", "\u00a8", "mail.send"}, nil},
		"＊":          {[]string{"a", "送金"}, nil},
		"payments.*": {[]string{"payments.transfer", "PAYMENTS.x", "payments.", "pay\u00admentS.x", "ｐayments．x", "payments\u2024x"}, []string{"payments", "payment.transfer", "my payments.x"}},
		"send *":     {[]string{"send money", "Send  x", "send\u00a0x", "send\u3000x", "send \u0301x", "send \u00a8", "send\u200b x", "send\u00a8"}, []string{"send", "sender", "sendmoney"}},
		"send  *":    {[]string{"send money"}, []string{"sender"}},
		"größe*":     {[]string{"GRÖSSEN", "gro\u0308ßenwahn", "größe"}, []string{"grosse", "größ"}},
		// The prefix ends within a sequence of marks, whatever order these come in.
		"e*":       {[]string{"é", "e\u0323\u0301x", "E\u0301"}, []string{"f"}},
		"é*":       {[]string{"é", "e\u0323\u0301x", "é\u0323x", "\u1eb9\u0301", "ế", "É\u0316\u0301"}, []string{"e", "è", "ex\u0301"}},
		"e\u0301*": {[]string{"é\u0323x"}, []string{"e\u0323x"}},
		"\u1fb3*":  {[]string{"ᾳ", "ᾴ", "ᾳ\u0301x", "α\u0323\u0345\u0301", "ΑΙ"}, []string{"α", "α\u0301x"}}, // alpha with iota subscript
		"가*":       {[]string{"가", "각", "\u1100\u1161\u11a8x"}, []string{"나"}},
		"s*":       {[]string{"ß", "ſ"}, []string{"z"}},
		"ﬁ*":       {[]string{"file", "FI"}, []string{"f"}},
		"\u0301*":  {[]string{"\u0323\u0301x", "\u0301"}, []string{"x\u0301"}},
		"résumé.*": {[]string{"RÉSUMÉ.read", "re\u0301sume\u0301.x"}, []string{"resume.x", "résumè.x"}},
		"resume.*": {[]string{"resume.x"}, []string{"résumé.x"}},
		"a\u200b*": {[]string{"ab"}, []string{"b"}},
		"a¨*":      {[]string{"a¨b", "a \u0308", "a¨\u0323"}, []string{"ab", "a b"}},
	} {
		if v := policy.CheckEntry(entry); v.Kind != text.OK {
			t.Errorf("CheckEntry(%+q) = %+v", entry, v)
		}
		p := policy.Policy{AppliesTo: policy.AppliesToAll, RequiredSkills: []string{entry}}
		for _, name := range names.covered {
			if policy.Decide(p, policy.Owner, name) != policy.Required {
				t.Errorf("%+q does not cover %+q", entry, name)
			}
		}
		for _, name := range names.not {
			if policy.Decide(p, policy.Owner, name) != policy.SkillNotListed {
				t.Errorf("%+q covers %+q", entry, name)
			}
		}
	}
}

// letters are characters that normalisation, case folding and ignorability treat in many ways.
var letters = []rune("aAeEiIkKsS.-_/ 0\u00a0\u3000\u200b\u200d\u00ad\ufe0f\u034f" +
	"\u0300\u0301\u0307\u0308\u0323\u0327\u0345\u0344\u0f73\u3099ﾞ" +
	"éÉßẞſİıǰΐΣσςᾳᾼᾴΑαιÅ\u212a\u212bﬁŉ½²№¨´\u037a가각\u1100\u1161\u11a8ガカｶ送Ａａՙևᏸꭰ")

func someText(least int) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		return string(rapid.SliceOfN(rapid.SampledFrom(letters), least, 12).Draw(t, "letters"))
	})
}

// respell draws another spelling of a name.
func respell(t *rapid.T, s string) string {
	var b strings.Builder
	form := rapid.SampledFrom([]norm.Form{norm.NFC, norm.NFD, norm.NFKC, norm.NFKD, -1}).Draw(t, "form")
	if form >= 0 {
		s = form.String(s)
	}
	for _, r := range s {
		// U+0345 becomes a letter in the other case, which is the same name only in NFD.
		if r != 0x345 && rapid.Bool().Draw(t, "case") {
			r = unicode.SimpleFold(r)
		}
		b.WriteRune(r)
		if rapid.IntRange(0, 4).Draw(t, "ignorable") == 0 {
			b.WriteRune(rapid.SampledFrom([]rune{0x200b, 0x200c, 0x200d, 0xad, 0x34f, 0xfe0f, 0x2060}).Draw(t, "which"))
		}
		if text.Space(r) && rapid.Bool().Draw(t, "space") {
			b.WriteRune(rapid.SampledFrom([]rune{' ', 0xa0, 0x2003, 0x3000}).Draw(t, "which space"))
		}
	}
	return b.String()
}

func TestAnotherSpellingNeverFailsOpen(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		skills := rapid.SliceOfN(someText(1), 1, 10).Draw(rt, "skills")
		asked := rapid.SampledFrom(skills).Draw(rt, "asked")
		spelled := respell(rt, asked)
		p, _ := policy.Default(uuid.UUID{1}, uuid.UUID{2}).Apply(policy.Patch{RequiredSkills: skills})
		role := rapid.SampledFrom([]policy.Role{policy.Owner, policy.Customer, "", "other"}).Draw(rt, "role")
		if got := policy.Decide(p, role, spelled); got != policy.Required {
			rt.Fatalf("%+q is listed in %+q, and %+q needs no PIN: %s", asked, p.RequiredSkills, spelled, got)
		}
		if !policy.SameSkill(asked, spelled) {
			rt.Fatalf("%+q and %+q are two skills", asked, spelled)
		}
	})
}

// Whatever follows a prefix, and however the whole is spelled, the entry covers it.
func TestPrefixNeverFailsOpen(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		prefix, rest := someText(0).Draw(rt, "prefix"), someText(0).Draw(rt, "rest")
		star := rapid.SampledFrom([]string{"*", "＊", "﹡"}).Draw(rt, "star")
		p := policy.Policy{AppliesTo: policy.AppliesToAll, RequiredSkills: []string{respell(rt, prefix) + star}}
		name := respell(rt, prefix+rest)
		if got := policy.Decide(p, policy.Owner, name); got != policy.Required {
			rt.Fatalf("%+q does not cover %+q, which is %+q: %s", p.RequiredSkills, name, policy.FoldSkill(name), got)
		}
	})
}

// An entry that is no prefix stands for its own name and no other; a prefix only for names that
// begin as it does when marks are left aside.
func TestEntriesCoverNoMore(t *testing.T) {
	t.Parallel()
	bare := func(s string) string {
		return strings.Map(func(r rune) rune {
			if norm.NFKD.PropertiesString(string(r)).CCC() != 0 {
				return -1
			}
			return r
		}, policy.FoldSkill(s))
	}
	rapid.Check(t, func(rt *rapid.T) {
		entry, name := someText(1).Draw(rt, "entry"), someText(1).Draw(rt, "name")
		if policy.CheckSkill(name).Kind != text.OK {
			return
		}
		need := func(e string) policy.Need {
			return policy.Decide(policy.Policy{AppliesTo: policy.AppliesToAll, RequiredSkills: []string{e}}, policy.Owner, name)
		}
		if (need(entry) == policy.Required) != policy.SameSkill(entry, name) {
			rt.Fatalf("%+q, %+q: %s", entry, name, need(entry))
		}
		if need(entry+"*") == policy.Required && !strings.HasPrefix(bare(name), bare(entry)) {
			rt.Fatalf("%+q covers %+q", entry+"*", name)
		}
	})
}

func TestFoldProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		skills := rapid.SliceOfN(someText(1), 0, 10).Draw(rt, "skills")
		for _, s := range slices.Clone(skills) {
			skills = append(skills, respell(rt, s))
		}
		folded := policy.Fold(skills)
		if !slices.Equal(policy.Fold(folded), folded) {
			rt.Fatal("folding twice is not folding once")
		}
		for i, s := range folded {
			if slices.ContainsFunc(folded[:i], func(o string) bool { return policy.SameSkill(o, s) }) {
				rt.Fatalf("%+q is twice in %+q", s, folded)
			}
		}
		for _, s := range skills {
			if !slices.ContainsFunc(folded, func(o string) bool { return policy.SameSkill(o, s) }) {
				rt.Fatalf("%+q is lost from %+q", s, folded)
			}
		}
	})
}

func FuzzFoldSkill(f *testing.F) {
	for _, s := range []string{"", "Mail.Send", "ᾼ\u0301", "\xff", "a \u00a8", "e" + strings.Repeat("\u0301", 70), "\u0345a"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		folded := policy.FoldSkill(s)
		if !utf8.ValidString(s) {
			return
		}
		if again := policy.FoldSkill(folded); again != folded {
			t.Fatalf("FoldSkill(%+q) = %+q, then %+q", s, folded, again)
		}
		if !policy.SameSkill(s, norm.NFC.String(s)) && !strings.Contains(norm.NFC.String(s), "\u034f") {
			t.Fatalf("%+q is not its own NFC", s)
		}
		if strings.ContainsFunc(folded, text.Ignorable) || strings.Contains(folded, "  ") {
			t.Fatalf("FoldSkill(%+q) = %+q", s, folded)
		}
	})
}
