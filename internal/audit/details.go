package audit

// The details of each type of event.
type (
	// PINSet says that a PIN was set. Replaced says that it replaced another.
	PINSet struct {
		Replaced bool   `json:"replaced"`
		SetBy    string `json:"set_by,omitempty"`
	}
	// PINLinkCreated says that a link was created with which its holder's PIN can be chosen. The
	// event's actor is who created it.
	PINLinkCreated struct {
		Link      string `json:"link"`
		Kind      string `json:"kind"`
		ExpiresAt string `json:"expires_at"`
	}
	// PINLinkEnded says that a link was ended before its time, by hand or by a newer one.
	PINLinkEnded struct {
		Link string `json:"link"`
		Kind string `json:"kind"`
	}
	// PINRemoved says that a PIN was removed, or what its runtime's removal had left of it.
	PINRemoved struct {
		Was      string `json:"was"`
		Failures int    `json:"failures"`
	}
	// PINAttempted says that an attempt was spent, before anything was hashed. Failures is
	// the count of consecutive failures with it.
	PINAttempted struct {
		Failures int `json:"failures"`
	}
	// PINVerified says that the PIN that was entered is correct.
	PINVerified struct{}
	// PINFailed says that the PIN that was entered is incorrect.
	PINFailed struct {
		AttemptsRemaining int `json:"attempts_remaining"`
	}
	// PINRefused says that a PIN was entered and did not count. Reason is the state of the
	// record, for which it was not compared, or changed-since-spend: it was correct, and
	// something changed after the attempt was spent.
	PINRefused struct {
		Reason string `json:"reason"`
	}
	// PINLocked says that a spent attempt locked the PIN.
	PINLocked struct {
		LockedUntil string `json:"locked_until"`
	}
	// PINDeactivated says that a spent attempt deactivated the PIN.
	PINDeactivated struct{}
	// PINUnlocked says that a lock or deactivation was lifted. Reason is empty where an admin
	// lifted it.
	PINUnlocked struct {
		Was      string `json:"was"`
		Reason   string `json:"reason,omitempty"`
		Failures int    `json:"failures"`
	}

	// PolicyUpdated says that the policy of an instance changed.
	PolicyUpdated struct {
		Before PolicyState `json:"before"`
		After  PolicyState `json:"after"`
	}
	// PolicyState is a policy as events record it.
	PolicyState struct {
		AppliesTo         string   `json:"pin_applies_to"`
		RequiredSkills    []string `json:"pin_required_skills"`
		SessionTTLMinutes int      `json:"pin_session_ttl_minutes"`
		MustBeOwn         bool     `json:"pin_must_be_own"`
		Channels          string   `json:"pin_channels"`
		Version           int64    `json:"version"`
	}

	// FreezeSet says that an instance was frozen, or a tenant where the event has no instance.
	FreezeSet struct {
		Reason string `json:"reason,omitempty"`
	}
	// FreezeLifted says that a freeze was lifted.
	FreezeLifted struct{}

	// InstanceSpraying says that no guess is taken on the instance until a time, because that many
	// holders' PINs were guessed incorrectly there within an hour.
	InstanceSpraying struct {
		Holders int    `json:"holders"`
		Until   string `json:"until"`
	}

	// SessionOpened says that a correct PIN opened a session.
	SessionOpened struct {
		Session string `json:"session"`
		Role    string `json:"role"`
		Until   string `json:"until"`
	}
	// SessionEnded says that a session ended before its time.
	SessionEnded struct {
		Session string `json:"session"`
		Reason  string `json:"reason"`
	}

	// KeyMinted says that a key was made.
	KeyMinted struct {
		Key    string   `json:"key"`
		Kind   string   `json:"kind"`
		Name   string   `json:"name"`
		Scopes []string `json:"scopes,omitempty"`
	}
	// KeyRevoked says that a key was revoked.
	KeyRevoked struct {
		Key  string `json:"key"`
		Kind string `json:"kind"`
		Name string `json:"name"`
	}

	// DatabaseRestored says that the database is a backup that was restored: what happened
	// after the backup was made is not in the trail.
	DatabaseRestored struct{}

	// AccessDenied says that a valid credential was refused an operation.
	AccessDenied struct {
		Operation string `json:"operation"`
	}
	// RefusalsCounted says how many refusals of a credential, of one type of event, are no
	// events of their own, because there were too many in a minute.
	RefusalsCounted struct {
		Of    string `json:"of"`
		Count int    `json:"count"`
		Since string `json:"since"`
	}

	// AuditSealed says that the first Size events of the trail were exported and verified
	// against the head with this root.
	AuditSealed struct {
		Size int64  `json:"size"`
		Root string `json:"root"`
	}
	// AuditPruned says that the events from From up to To, which is not among them, were removed
	// after their retention. Their hashes stay.
	AuditPruned struct {
		From int64 `json:"from"`
		To   int64 `json:"to"`
	}
)

// Question is what the events of a confirmation record of it.
type Question struct {
	Skill        string `json:"skill"`
	Role         string `json:"role"`
	Status       string `json:"status"`
	Reason       string `json:"reason,omitempty"`
	ActionDigest string `json:"action_digest,omitempty"`
}

// The details of the events of confirmations.
type (
	// ConfirmationNotRequired says that a runtime asked, and no PIN was needed.
	ConfirmationNotRequired struct{ Question }
	// ConfirmationBlocked says that a runtime asked, and no PIN could be entered.
	ConfirmationBlocked struct{ Question }
	// ConfirmationAsked says that a runtime asked, and the question was stored.
	ConfirmationAsked struct{ Question }
	// ConfirmationApproved says that it was approved by a PIN or by a session.
	ConfirmationApproved struct{ Question }
	// ConfirmationDeclined says that it was ended by the runtime, the holder or a change.
	ConfirmationDeclined struct{ Question }
	// ConfirmationDisputed says that a holder declined what they did not ask for.
	ConfirmationDisputed struct{ Question }
	// ConfirmationExpired says that it ran out.
	ConfirmationExpired struct{ Question }
	// ConfirmationRedeemed says that its approval was used.
	ConfirmationRedeemed struct{ Question }
	// ConfirmationOutcome says that the runtime reported what became of the skill.
	ConfirmationOutcome struct {
		Outcome string `json:"outcome"`
	}
	// ConfirmationRefused says that a redeem, or a correct PIN, changed nothing.
	ConfirmationRefused struct {
		Question
		Refusal string `json:"refusal"`
	}
)

// Type implements [Details].
func (PINSet) Type() Type { return TypePINSet }

// Type implements [Details].
func (PINLinkCreated) Type() Type { return TypePINLinkCreated }

// Type implements [Details].
func (PINLinkEnded) Type() Type { return TypePINLinkEnded }

// Type implements [Details].
func (ConfirmationDisputed) Type() Type { return TypeConfirmationDisputed }

// Type implements [Details].
func (PINRemoved) Type() Type { return TypePINRemoved }

// Type implements [Details].
func (PINAttempted) Type() Type { return TypePINAttempted }

// Type implements [Details].
func (PINVerified) Type() Type { return TypePINVerified }

// Type implements [Details].
func (PINFailed) Type() Type { return TypePINFailed }

// Type implements [Details].
func (PINRefused) Type() Type { return TypePINRefused }

// Type implements [Details].
func (PINLocked) Type() Type { return TypePINLocked }

// Type implements [Details].
func (PINDeactivated) Type() Type { return TypePINDeactivated }

// Type implements [Details].
func (PINUnlocked) Type() Type { return TypePINUnlocked }

// Type implements [Details].
func (PolicyUpdated) Type() Type { return TypePolicyUpdated }

// Type implements [Details].
func (SessionOpened) Type() Type { return TypeSessionOpened }

// Type implements [Details].
func (SessionEnded) Type() Type { return TypeSessionEnded }

// Type implements [Details].
func (ConfirmationNotRequired) Type() Type { return TypeConfirmationNotRequired }

// Type implements [Details].
func (ConfirmationBlocked) Type() Type { return TypeConfirmationBlocked }

// Type implements [Details].
func (ConfirmationAsked) Type() Type { return TypeConfirmationAsked }

// Type implements [Details].
func (ConfirmationApproved) Type() Type { return TypeConfirmationApproved }

// Type implements [Details].
func (ConfirmationDeclined) Type() Type { return TypeConfirmationDeclined }

// Type implements [Details].
func (ConfirmationExpired) Type() Type { return TypeConfirmationExpired }

// Type implements [Details].
func (ConfirmationRedeemed) Type() Type { return TypeConfirmationRedeemed }

// Type implements [Details].
func (ConfirmationRefused) Type() Type { return TypeConfirmationRefused }

// Type implements [Details].
func (KeyMinted) Type() Type { return TypeKeyMinted }

// Type implements [Details].
func (KeyRevoked) Type() Type { return TypeKeyRevoked }

// Type implements [Details].
func (AccessDenied) Type() Type { return TypeAccessDenied }

// Type implements [Details].
func (FreezeSet) Type() Type { return TypeFreezeSet }

// Type implements [Details].
func (FreezeLifted) Type() Type { return TypeFreezeLifted }

// Type implements [Details].
func (InstanceSpraying) Type() Type { return TypeInstanceSpraying }

// Type implements [Details].
func (ConfirmationOutcome) Type() Type { return TypeConfirmationOutcome }

// Type implements [Details].
func (DatabaseRestored) Type() Type { return TypeDatabaseRestored }

// Type implements [Details].
func (RefusalsCounted) Type() Type { return TypeRefusalsCounted }

// Type implements [Details].
func (AuditSealed) Type() Type { return TypeAuditSealed }

// Type implements [Details].
func (AuditPruned) Type() Type { return TypeAuditPruned }
