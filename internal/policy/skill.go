package policy

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/hydracore/hydrapin/internal/text"
)

// AllSkills is the entry of a policy that stands for every skill.
const AllSkills = "*"

// CheckSkill returns the first rule broken by the name of a skill that a runtime asks for: 1 to
// [MaxSkillLength] characters of any script; no control, private-use or unassigned character;
// something visible; no space at either end; no "*" at the end, which in a policy stands for every
// skill with that beginning. The rules apply to what remains without invisible characters, and a
// full-width asterisk is an asterisk.
func CheckSkill(s string) text.Violation {
	v, shown := checkName(s)
	if v.Kind == text.OK && strings.HasSuffix(norm.NFKC.String(shown), AllSkills) {
		v = text.Violation{Kind: text.Form, Message: "the name of a skill cannot end in '*'"}
	}
	return v
}

// CheckEntry returns the first rule broken by an entry of a policy: those of [CheckSkill], but
// "*" is allowed as the last character, and nowhere else.
func CheckEntry(s string) text.Violation {
	v, _ := checkName(s)
	if v.Kind != text.OK {
		return v
	}
	if compatible := norm.NFKC.String(s); strings.Contains(strings.TrimSuffix(compatible, AllSkills), AllSkills) {
		v = text.Violation{Kind: text.Form, Message: "only the last character can be '*'"}
	}
	return v
}

// CheckSize returns a violation when the entries of a policy are longer than [MaxSkillsBytes]
// together.
func CheckSize(entries []string) text.Violation {
	n := 0
	for _, s := range entries {
		n += len(s)
	}
	if n > MaxSkillsBytes {
		return text.Violation{Kind: text.Value, Message: fmt.Sprintf("the skills are longer than %d KiB in UTF-8", MaxSkillsBytes>>10)}
	}
	return text.Violation{}
}

// checkName checks what names and entries have in common. It returns the name without ignorable
// characters too.
func checkName(s string) (v text.Violation, shown string) {
	if v := text.Length(s, MinSkillLength, MaxSkillLength); v.Kind != text.OK {
		return v, ""
	}
	if !utf8.ValidString(s) || strings.ContainsFunc(s, text.Forbidden) {
		return text.Violation{Kind: text.Unsafe, Message: "the name has a control, private-use or unassigned character"}, ""
	}
	shown = withoutIgnorable(s)
	switch {
	case shown == "":
		v = text.Violation{Kind: text.Unsafe, Message: "the name has no visible character"}
	case strings.TrimFunc(shown, text.Space) != shown:
		v = text.Violation{Kind: text.Form, Message: "the name begins or ends with a space"}
	}
	return v, shown
}

// SameSkill reports whether two spellings name one skill.
func SameSkill(a, b string) bool { return a == b || FoldSkill(a) == FoldSkill(b) }

// Fold drops the entries that mean the same as an earlier one. The order and the first spelling
// are kept.
func Fold(entries []string) []string {
	seen := make(map[string]bool, len(entries))
	folded := make([]string, 0, len(entries))
	for _, s := range entries {
		if key := parseEntry(s).key(); !seen[key] {
			seen[key] = true
			folded = append(folded, s)
		}
	}
	return folded
}

// entry is an entry of a policy, folded once so that it can be compared with a folded name.
type entry struct {
	// head is the whole name of a skill or, of a prefix, all but its last character with the marks
	// on it, which are tail.
	head, tail string
	prefix     bool
}

func parseEntry(s string) entry {
	spelled, ok := cutStar(s)
	if !ok {
		return entry{head: FoldSkill(s)}
	}
	// The split comes before case folding, which turns one mark (U+0345) into a letter.
	decomposed := decompose(spelled)
	last := strings.LastIndexFunc(decomposed, func(r rune) bool { return !isMark(r) })
	last = max(0, last)
	return entry{head: FoldSkill(decomposed[:last]), tail: FoldSkill(decomposed[last:]), prefix: true}
}

// cutStar removes the "*" at the end of an entry, in whatever compatibility form it is spelled.
func cutStar(s string) (prefix string, ok bool) {
	r, size := utf8.DecodeLastRuneInString(s)
	if r != '*' && (r < utf8.RuneSelf || norm.NFKC.String(string(r)) != AllSkills) {
		return s, false
	}
	return s[:len(s)-size], true
}

// key is equal for entries that mean the same. Only a prefix ends in "*".
func (e entry) key() string {
	if e.prefix {
		return e.head + e.tail + AllSkills
	}
	return e.head
}

// covers reports whether the entry stands for the skill with that folded name.
//
// A name that begins with the prefix may have further marks on the prefix's last character, and
// normalisation may have put them before the prefix's own: "é" followed by a dot below becomes e,
// dot below, acute. So marks in between are skipped there.
func (e entry) covers(folded string) bool {
	if !e.prefix {
		return folded == e.head
	}
	rest, ok := strings.CutPrefix(folded, e.head)
	if !ok {
		return false
	}
	for _, want := range e.tail {
		for {
			r, size := utf8.DecodeRuneInString(rest)
			rest = rest[size:]
			if size > 0 && r == want {
				break
			}
			if size == 0 || !isMark(r) {
				return false
			}
		}
	}
	return true
}
