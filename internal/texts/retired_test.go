package texts_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// retired are the words that no text has, each with what to write instead. They are
// matched in any case, in text whose line ends have become spaces.
var retired = []struct{ pattern, instead string }{
	{`\bright (PINs?|guess(es)?|attempts?|current_pin)\b`, `correct PIN`},
	{`\bwrong (PINs?|guess(es)?|attempts?|current_pin)\b`, `incorrect PIN, incorrect attempt (the codes wrong-pin and wrong_pin stay)`},
	{`\b(PIN|guess|current_pin` + "`?" + `) (is|was|were) (right|wrong)\b`, `the PIN is correct, or incorrect`},
	{`\btold\b`, `returned, recorded, reported, gets an answer`},
	{`\btells? of\b`, `records, reports, describes`},
	{`\bjust so\b`, `gets the same answer`},
	{`(?-i:\bfaults?\b|\bFaults? (of|in|at)\b)`, `error, validation error`},
	{`\b(do|does) not know for\b`, `treat any unrecognised answer as "no"`},
	{`\bwho(ever)? takes\b`, `anyone who copies this folder`},
	{`\bunusable for\b`, `a database migrated by a newer version`},
	{`'s to say\b`, `the server decides`},
	{`\b(folder|journal|file|database)\S* is the whole\b`, `the folder contains everything`},
	{`\bbeliev(e|es|ed|ing)\b`, `accepted, rejected, trusted`},
	{`\bthe seed('s|s')? (six|operations|page|API)|\bseed's\b`, `the six HydraCore operations`},
	{`\bPIN (does not|must not|begins to) count\b|\bcounts? only (later|after)\b`, `the cooling-off period for a PIN that …`},
	{`\bheed(s|ed|ing|less)?\b`, `follow, respect`},
	{`\bin vain\b`, `without effect`},
	{`\bnobody is\b|\bno JWT is\b`, `JWTs are rejected`},
}

var patterns = compilePatterns()

func compilePatterns() []*regexp.Regexp {
	all := make([]*regexp.Regexp, len(retired))
	for i, r := range retired {
		all[i] = regexp.MustCompile(`(?i)` + r.pattern)
	}
	return all
}

// findings are the retired words of a text, each with what stands around it.
func findings(text string) []string {
	text = strings.Join(strings.Fields(text), " ")
	var found []string
	for i, pattern := range patterns {
		for _, at := range pattern.FindAllStringIndex(text, -1) {
			around := text[max(0, at[0]-30):min(len(text), at[1]+30)]
			found = append(found, fmt.Sprintf("%q in %q: write %s", text[at[0]:at[1]], around, retired[i].instead))
		}
	}
	return found
}

func TestRetiredWords(t *testing.T) {
	t.Parallel()
	for _, text := range texts(t) {
		for _, found := range findings(text.content) {
			t.Errorf("%s: %s", text.place, found)
		}
	}
}

// Each row of style's table is found, in the words of its left column.
func TestRetiredWordsAreFound(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"when the right PIN comes", "a wrong PIN", "the wrong guesses of a day", "the PIN was wrong", "`current_pin` is right",
		"the client is told", "an event that tells of it", "is answered just so", "every fault", "faults of a request",
		"take any answer that you do not know for no", "who takes the folder has the PINs", "Whoever takes the database",
		"a database that a newer program made unusable for this one", "what may be a PIN is the server's to say",
		"the folder is the whole", "no forwarded address is believed", "nobody is believed", "no JWT is believed",
		"the seed's six operations", "the seed's page", "how long a PIN does not count that was set anew", "nobody heeds it",
		"a line's\n\tend does not hide that it is\n told",
	} {
		if len(findings(text)) == 0 {
			t.Errorf("not found in %q", text)
		}
	}
	for _, text := range []string{
		"urn:hydrapin:problem:wrong-pin", "`wrong_pin`", "an Ed25519 seed", "the correct PIN", "SYSTEST_SEED", "default", "wrongPIN",
		"the wrong kind of credential", "the right to unlock", "marigold",
	} {
		if found := findings(text); len(found) > 0 {
			t.Errorf("%q: %v", text, found)
		}
	}
}
