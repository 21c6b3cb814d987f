// Package hydrapin is the Go SDK of hydrapin, which makes a person confirm with a PIN before an
// agent's skill runs.
//
// The runtime of an agent creates a [Runtime] with the key of its instance, and guards its skills:
//
//	person := runtime.For(hydrapin.Customer(id), hydrapin.RoleOwner)
//	person.OnPending = askForPIN // the PIN reaches [Runtime.Verify], never the model
//	err := person.Guard(ctx, "payments.transfer", action, transfer)
//
// A tenant's dashboard or back end creates an [Admin] with an API key or a token, and sets
// customers' PINs and the policy of each instance. Package receipt checks receipts offline.
//
// The package guarantees that an unrecognised answer is an error, and that every error means "no":
// if an answer is lost, late, too long or unknown, the skill does not run. The package retries only
// what is safe to repeat (see [WithRetries]). It sends once what spends an attempt, uses an
// approval, or changes a PIN or a policy. It follows no redirect. Its keys, PINs and receipts print
// as "[redacted]".
//
// All types are safe for concurrent use once they are created.
package hydrapin

// Version is the version of this package. It is part of the User-Agent.
const Version = "0.1.0"
