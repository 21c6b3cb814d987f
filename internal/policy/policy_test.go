package policy_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/policy"
)

func TestDecide(t *testing.T) {
	t.Parallel()
	const (
		all, owner, customer = policy.AppliesToAll, policy.AppliesToOwner, policy.AppliesToCustomer
		required             = policy.Required
		excluded             = policy.RoleExcluded
		notListed            = policy.SkillNotListed
	)
	listed, every, none := []string{"mail.send", "Bank/Transfer"}, []string{"*"}, []string{}
	tests := []struct {
		name      string
		appliesTo policy.AppliesTo
		skills    []string
		role      policy.Role
		skill     string
		want      policy.Need
	}{
		{"all, listed, owner", all, listed, policy.Owner, "mail.send", required},
		{"all, listed, customer", all, listed, policy.Customer, "mail.send", required},
		{"owners only, owner", owner, listed, policy.Owner, "mail.send", required},
		{"owners only, customer", owner, listed, policy.Customer, "mail.send", excluded},
		{"customers only, customer", customer, listed, policy.Customer, "mail.send", required},
		{"customers only, owner", customer, listed, policy.Owner, "mail.send", excluded},
		{"the role comes before the skill", owner, none, policy.Customer, "mail.send", excluded},
		{"not listed", all, listed, policy.Owner, "mail.read", notListed},
		{"nothing listed", all, none, policy.Owner, "mail.send", notListed},
		{"nil list", all, nil, policy.Owner, "mail.send", notListed},
		{"another case of the listed", all, listed, policy.Owner, "bank/TRANSFER", required},
		{"a prefix is not the skill", all, listed, policy.Owner, "mail.sen", notListed},
		{"a longer one is not the skill", all, listed, policy.Owner, "mail.send2", notListed},
		{"a prefix, a skill below it", all, []string{"mail.*"}, policy.Owner, "Mail.Send", required},
		{"a prefix, the skill of that very name", all, []string{"mail.*"}, policy.Owner, "mail.", required},
		{"a prefix, a skill beside it", all, []string{"mail.*"}, policy.Owner, "mailer", notListed},
		{"a prefix, part of it", all, []string{"mail.*"}, policy.Owner, "mail", notListed},
		{"a prefix, elsewhere in the name", all, []string{"mail.*"}, policy.Owner, "e-mail.send", notListed},
		{"every skill", all, every, policy.Owner, "anything", required},
		{"every skill among others", all, []string{"a", "*"}, policy.Owner, "b", required},
		{"every skill, role excluded", customer, every, policy.Owner, "anything", excluded},
		// Whatever is not recognised needs a PIN.
		{"unknown role, all", all, listed, "admin", "mail.send", required},
		{"unknown role, owners only", owner, listed, "admin", "mail.send", required},
		{"unknown role, customers only", customer, listed, "OWNER", "mail.send", required},
		{"no role", customer, listed, "", "mail.send", required},
		{"unknown applies_to", "nobody", listed, policy.Owner, "mail.send", required},
		{"no applies_to", "", listed, policy.Customer, "mail.send", required},
		{"no skill", all, none, policy.Owner, "", required},
		{"a skill that ends in *", all, none, policy.Owner, "mail.*", required},
		{"a skill that is not Unicode", all, none, policy.Owner, "mail\xff", required},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := policy.Policy{AppliesTo: tt.appliesTo, RequiredSkills: tt.skills}
			if got := policy.Decide(p, tt.role, tt.skill); got != tt.want {
				t.Errorf("Decide = %s, want %s", got, tt.want)
			}
		})
	}
}

func TestDefault(t *testing.T) {
	t.Parallel()
	tenant, instance := uuid.New(), uuid.New()
	p := policy.Default(tenant, instance)
	if p.Tenant != tenant || p.Instance != instance || p.AppliesTo != policy.AppliesToAll ||
		p.RequiredSkills == nil || len(p.RequiredSkills) != 0 || p.SessionTTL() != 30*time.Minute || p.Version != 0 {
		t.Errorf("defaults %+v", p)
	}
	// The largest TTL that may be set is far from the longest duration.
	p.SessionTTLMinutes = policy.MaxSessionTTLMinutes
	if p.SessionTTL() != 24*time.Hour {
		t.Errorf("the longest TTL is %s", p.SessionTTL())
	}
}

func TestApply(t *testing.T) {
	t.Parallel()
	stored := policy.Policy{
		Tenant: uuid.New(), Instance: uuid.New(), AppliesTo: policy.AppliesToOwner,
		RequiredSkills: []string{"mail.send", "Bank/Transfer"}, SessionTTLMinutes: 10, Version: 7,
	}
	owner, all, ten, zero := policy.AppliesToOwner, policy.AppliesToAll, 10, 0
	tests := []struct {
		name  string
		patch policy.Patch
		// want changes a copy of stored; nil where nothing may change.
		want func(*policy.Policy)
	}{
		{"nothing", policy.Patch{}, nil},
		{"equal role", policy.Patch{AppliesTo: &owner}, nil},
		{"equal TTL", policy.Patch{SessionTTLMinutes: &ten}, nil},
		{"equal skills", policy.Patch{RequiredSkills: []string{"mail.send", "Bank/Transfer"}}, nil},
		{"skills equal once folded", policy.Patch{RequiredSkills: []string{"mail.send", "Bank/Transfer", "MAIL.SEND"}}, nil},
		{"all equal", policy.Patch{AppliesTo: &owner, RequiredSkills: []string{"mail.send", "Bank/Transfer"}, SessionTTLMinutes: &ten}, nil},
		{"role", policy.Patch{AppliesTo: &all}, func(p *policy.Policy) { p.AppliesTo = all }},
		{"TTL of none", policy.Patch{SessionTTLMinutes: &zero}, func(p *policy.Policy) { p.SessionTTLMinutes = 0 }},
		{"no skills", policy.Patch{RequiredSkills: []string{}}, func(p *policy.Policy) { p.RequiredSkills = []string{} }},
		{
			"another order",
			policy.Patch{RequiredSkills: []string{"Bank/Transfer", "mail.send"}},
			func(p *policy.Policy) { p.RequiredSkills = []string{"Bank/Transfer", "mail.send"} },
		},
		{
			"another spelling",
			policy.Patch{RequiredSkills: []string{"Mail.Send", "Bank/Transfer"}},
			func(p *policy.Policy) { p.RequiredSkills = []string{"Mail.Send", "Bank/Transfer"} },
		},
		{"one equal, one not", policy.Patch{AppliesTo: &owner, SessionTTLMinutes: &zero}, func(p *policy.Policy) { p.SessionTTLMinutes = 0 }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			want := stored
			if tt.want != nil {
				tt.want(&want)
				want.Version = 8
			}
			got, changed := stored.Apply(tt.patch)
			if changed != (tt.want != nil) || !equal(got, want) {
				t.Errorf("Apply = %+v, %v; want %+v", got, changed, want)
			}
			if !slices.Equal(stored.RequiredSkills, []string{"mail.send", "Bank/Transfer"}) {
				t.Error("the old policy was written to")
			}
			if len(tt.patch.RequiredSkills) > 0 && changed {
				tt.patch.RequiredSkills[0] = "written later"
				if got.RequiredSkills[0] == "written later" {
					t.Error("the policy shares its list with the patch")
				}
			}
		})
	}
}

func TestTheDefaultsStayTheDefaults(t *testing.T) {
	t.Parallel()
	all, ttl := policy.AppliesToAll, 30
	p := policy.Default(uuid.New(), uuid.New())
	got, changed := p.Apply(policy.Patch{AppliesTo: &all, RequiredSkills: []string{}, SessionTTLMinutes: &ttl})
	if changed || got.Version != 0 {
		t.Errorf("a patch with the defaults took version %d", got.Version)
	}
}

func equal(a, b policy.Policy) bool {
	return a.Tenant == b.Tenant && a.Instance == b.Instance && a.AppliesTo == b.AppliesTo &&
		slices.Equal(a.RequiredSkills, b.RequiredSkills) && a.SessionTTLMinutes == b.SessionTTLMinutes &&
		a.Version == b.Version
}

func TestFold(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ in, want []string }{
		{nil, []string{}},
		{[]string{}, []string{}},
		{[]string{"b", "a"}, []string{"b", "a"}},
		{[]string{"b", "a", "B", "A", "b"}, []string{"b", "a"}},
		{[]string{"Mail.Send", "mail.send"}, []string{"Mail.Send"}},
		{[]string{"*", "a", "*"}, []string{"*", "a"}},
		{[]string{"Straße", "STRASSE", "strasse ", "ＳＴＲＡＳＳＥ"}, []string{"Straße", "strasse "}},
		{[]string{"Send money", "send\u00a0 MONEY"}, []string{"Send money"}},
		{[]string{"mail.*", "Mail.＊", "mail.", "MAIL.﹡"}, []string{"mail.*", "mail."}},
		{[]string{"é*", "e\u0301*", "e*"}, []string{"é*", "e*"}},
		{[]string{"*", "＊", "\u200b*"}, []string{"*"}},
	} {
		if got := policy.Fold(tt.in); got == nil || !slices.Equal(got, tt.want) {
			t.Errorf("Fold(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}
