package policy_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/hydracore/hydrapin/internal/policy"
	"github.com/hydracore/hydrapin/internal/text"
)

func TestCheckNames(t *testing.T) {
	t.Parallel()
	const (
		ok     = text.OK
		form   = text.Form
		unsafe = text.Unsafe
	)
	for s, want := range map[string]struct{ entry, skill text.Kind }{
		"mail.send":                    {ok, ok},
		"A":                            {ok, ok},
		"org:Bank/transfer_2-x.":       {ok, ok},
		"Send money":                   {ok, ok},
		"@scope/tool":                  {ok, ok},
		"größe":                        {ok, ok},
		"перевод денег":                {ok, ok},
		"送金":                           {ok, ok},
		"إرسال":                        {ok, ok},
		"a,b\\c\"d'e<f>":               {ok, ok},
		"💸":                            {ok, ok},
		"می\u200cخواهم":                {ok, ok}, // ZWNJ is part of the spelling
		"e\u0301":                      {ok, ok},
		"\ufffd":                       {ok, ok},
		strings.Repeat("a", 128):       {ok, ok},
		strings.Repeat("語", 128):       {ok, ok}, // characters, not bytes
		strings.Repeat("a", 129):       {text.TooLong, text.TooLong},
		strings.Repeat("語", 129):       {text.TooLong, text.TooLong},
		"":                             {text.TooShort, text.TooShort},
		"mail.send\n":                  {unsafe, unsafe},
		"mail\x00":                     {unsafe, unsafe},
		"mail\tsend":                   {unsafe, unsafe},
		"mail\x7f":                     {unsafe, unsafe},
		"mail\u0085send":               {unsafe, unsafe},
		"mail\ue000":                   {unsafe, unsafe},
		"mail\U0010fffd":               {unsafe, unsafe},
		"mail\u0378":                   {unsafe, unsafe},
		"mail\ufdd0":                   {unsafe, unsafe},
		"mail\xff":                     {unsafe, unsafe},
		"\u200b":                       {unsafe, unsafe},
		"\u00ad\u2060\ufe0f":           {unsafe, unsafe},
		" ":                            {form, form},
		" mail":                        {form, form},
		"mail ":                        {form, form},
		"\u00a0mail":                   {form, form},
		"mail\u3000":                   {form, form},
		"mail\u2028":                   {form, form},
		"\u200b mail":                  {form, form}, // an invisible character does not hide a space
		"mail \u200d":                  {form, form},
		"*":                            {ok, form},
		"mail.*":                       {ok, form},
		"mail *":                       {ok, form},
		"送*":                           {ok, form},
		"mail.＊":                       {ok, form}, // full width
		"mail.﹡":                       {ok, form}, // small
		"\u200b*":                      {ok, form},
		strings.Repeat("a", 127) + "*": {ok, form},
		"**":                           {form, form},
		"mail.**":                      {form, form},
		"mail.＊*":                      {form, form},
		"mail.*＊":                      {form, form},
		"*mail":                        {form, ok},
		"ma*il":                        {form, ok},
		"ma＊il":                        {form, ok},
		"mail.*\u200b":                 {form, form},
		"mail.* ":                      {form, form},
		"mail*\u0301":                  {form, ok},
	} {
		entry, skill := policy.CheckEntry(s), policy.CheckSkill(s)
		if entry.Kind != want.entry {
			t.Errorf("CheckEntry(%+q) = %+v, want %q", s, entry, want.entry)
		}
		if skill.Kind != want.skill {
			t.Errorf("CheckSkill(%+q) = %+v, want %q", s, skill, want.skill)
		}
	}
}

func TestCheckSize(t *testing.T) {
	t.Parallel()
	most := make([]string, policy.MaxSkills)
	for i := range most {
		most[i] = strings.Repeat("a", policy.MaxSkillsBytes/policy.MaxSkills)
	}
	if v := policy.CheckSize(most); v.Kind != text.OK {
		t.Errorf("32 KiB: %+v", v)
	}
	most[0] += "b"
	if v := policy.CheckSize(most); v.Kind != text.Value || v.Message == "" {
		t.Errorf("one byte more: %+v", v)
	}
}

func FuzzCheckNames(f *testing.F) {
	for _, s := range []string{"", "*", "mail.*", "mail.send", "é", "\xff", "a b", " a", "＊", "\u200b*", "\u00a8", strings.Repeat("a", 129)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		entry, skill := policy.CheckEntry(s), policy.CheckSkill(s)
		if entry.Kind == text.OK || skill.Kind == text.OK {
			if n := utf8.RuneCountInString(s); n < 1 || n > 128 || !utf8.ValidString(s) || strings.ContainsFunc(s, text.Forbidden) {
				t.Fatalf("%+q is accepted", s)
			}
			if policy.FoldSkill(s) == "" {
				t.Fatalf("%+q is accepted, and compared as nothing", s)
			}
		}
		if skill.Kind == text.OK && strings.HasSuffix(policy.FoldSkill(s), "*") {
			t.Fatalf("%+q can be asked for", s)
		}
		if entry.Kind == text.OK && strings.Count(policy.FoldSkill(s), "*") > 1 {
			t.Fatalf("%+q can stand in a policy", s)
		}
		// What can be both is listed for itself, and not for anything else's sake.
		if entry.Kind == text.OK && skill.Kind == text.OK {
			p := policy.Policy{AppliesTo: policy.AppliesToAll, RequiredSkills: []string{s}}
			if policy.Decide(p, policy.Owner, s) != policy.Required || policy.Decide(p, policy.Owner, s+"x") != policy.SkillNotListed && utf8.RuneCountInString(s) < 128 {
				t.Fatalf("the entry %+q does not stand for itself alone", s)
			}
		}
	})
}
