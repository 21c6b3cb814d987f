// Package hydrapin is the Go SDK of hydrapin: a person confirms with a PIN before an agent's skill runs.
//
// An agent's runtime makes a [Runtime] with the key of its instance and guards what it does:
//
//	person := runtime.For(hydrapin.Customer(id), hydrapin.RoleOwner)
//	person.OnPending = askForPIN // the PIN reaches [Runtime.Verify], never the model
//	err := person.Guard(ctx, "payments.transfer", action, transfer)
//
// A tenant's dashboard or back end makes an [Admin] with an API key or a token, and sets customers' PINs and the
// policy of each instance. Receipts are checked offline with the package receipt beside this one.
//
// The package guarantees that an answer which it does not know is an error, and that every error means no: whatever
// was lost, late, too long or never heard of does not let a skill run. It repeats by itself only what can be repeated
// without harm (see [WithRetries]); what spends an attempt, uses an approval up or changes a PIN or a policy is sent
// once. It follows no redirect, and its keys, PINs and receipts print as "[redacted]".
//
// All types are safe for concurrent use once they are made.
package hydrapin

// Version is the version of this package, as it is told to the server.
const Version = "0.1.0"
