package policy_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hydracore/hydrapin/internal/policy"
)

// The longest policies that can be stored, of which no entry matches.
func BenchmarkDecide(b *testing.B) {
	for name, letter := range map[string]string{"ASCII": "a", "accents": "é", "Hangul": "각", "prefixes": "é"} {
		b.Run(name, func(b *testing.B) {
			p := policy.Policy{AppliesTo: policy.AppliesToAll}
			length := policy.MaxSkillsBytes/policy.MaxSkills/len(letter) - 5
			for i := range policy.MaxSkills {
				s := fmt.Sprint(i, strings.Repeat(letter, length))
				if name == "prefixes" {
					s += "*"
				}
				p.RequiredSkills = append(p.RequiredSkills, s)
			}
			for b.Loop() {
				if policy.Decide(p, policy.Owner, "mail.send") != policy.SkillNotListed {
					b.Fatal("it is listed")
				}
			}
		})
	}
}
