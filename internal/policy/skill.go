package policy

// ValidSkill says whether s can stand in a policy: 1 to 128 of A-Z, a-z, 0-9 and
// . _ : / -, or exactly "*".
func ValidSkill(s string) bool { return s == AllSkills || ValidRequestedSkill(s) }

// ValidRequestedSkill says whether s names one skill, as a runtime asks for it:
// 1 to 128 of A-Z, a-z, 0-9 and . _ : / -. "*" is every skill, and names none.
func ValidRequestedSkill(s string) bool {
	if s == "" || len(s) > MaxSkillLength {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case c == '.', c == '_', c == ':', c == '/', c == '-':
		default:
			return false
		}
	}
	return true
}
