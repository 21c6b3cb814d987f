package service

import (
	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/policy"
)

// of is what the events of a confirmation are about.
func of(conf confirmation.Confirmation) about {
	return about{holder: conf.Holder, instance: conf.Instance, confirmation: conf.ID}
}

// question is what the events of a confirmation record of it.
func question(conf confirmation.Confirmation) audit.Question {
	return audit.Question{
		Skill: conf.Skill, Role: string(conf.Role), Status: string(conf.Status),
		Reason: string(conf.Reason), ActionDigest: conf.ActionDigest(),
	}
}

// policyState is a policy as events record it.
func policyState(p policy.Policy) audit.PolicyState {
	return audit.PolicyState{
		AppliesTo: string(p.AppliesTo), RequiredSkills: p.RequiredSkills,
		SessionTTLMinutes: p.SessionTTLMinutes, Version: p.Version,
		MustBeOwn: p.MustBeOwn, Channels: string(p.Channels),
	}
}
