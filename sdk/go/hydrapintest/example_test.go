package hydrapintest_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/hydratest"
	"github.com/hydracore/hydrapin/sdk/go/hydrapin"
)

// In these examples exampleStack starts the real server with an empty database; it stands for yours.

// An agent's runtime guards a skill that moves money.
func ExamplePerson_Guard() {
	server := exampleStack()
	defer server.stop()
	server.adminRequires("payments.transfer")
	ctx := context.Background()

	runtime, err := hydrapin.NewRuntime(server.url, server.agentKey, server.instance, server.client())
	if err != nil {
		panic(err)
	}
	person := runtime.For(hydrapin.Customer(server.customer), hydrapin.RoleOwner)
	person.OnPending = func(ctx context.Context, c hydrapin.Confirmation) error {
		fmt.Println("Please confirm with your PIN:", c.ActionSummary)
		_, err := runtime.Verify(ctx, c.ID, enteredByTheCustomer()) // or later, from the handler that gets the PIN
		return err
	}
	transfer := &hydrapin.Action{
		Summary: "Send 250.00 EUR to DE89 3704 0044 0532 0130 00",
		Params:  map[string]string{"amount": "250.00", "to": "DE89370400440532013000"},
	}
	err = person.Guard(ctx, "payments.transfer", transfer, func(_ context.Context, a hydrapin.Approval) error {
		fmt.Printf("transferring %s\n", a.Params)
		return nil
	})
	fmt.Println(err)
	// Output:
	// Please confirm with your PIN: Send 250.00 EUR to DE89 3704 0044 0532 0130 00
	// transferring {"amount":"250.00","to":"DE89370400440532013000"}
	// <nil>
}

// What a runtime tells the person when a skill did not run.
func ExampleNotConfirmedError() {
	server := exampleStack()
	defer server.stop()
	server.adminRequires("payments.transfer")
	ctx := context.Background()

	person := server.runtime.For(hydrapin.Customer(server.customer), hydrapin.RoleOwner)
	person.OnPending = func(ctx context.Context, c hydrapin.Confirmation) error {
		_, err := server.runtime.Verify(ctx, c.ID, hydrapin.NewPIN("111222"))
		return err // one guess only; a real one lets the person try again while err is a WrongPINError
	}
	err := person.Guard(ctx, "payments.transfer", nil, func(context.Context, hydrapin.Approval) error {
		fmt.Println("transferring")
		return nil
	})
	var no *hydrapin.NotConfirmedError
	switch {
	case err == nil:
		fmt.Println("done")
	case !errors.As(err, &no):
		fmt.Println("the skill itself failed:", err)
	case no.Reason == hydrapin.BecauseIncorrectPIN:
		var wrong *hydrapin.WrongPINError
		errors.As(err, &wrong)
		fmt.Println("incorrect PIN; attempts left:", wrong.Remaining)
	case no.Reason == hydrapin.BecauseExpired:
		fmt.Println("you did not answer in time")
	default:
		fmt.Println("not confirmed:", no.Reason, no.Detail)
	}
	// Output:
	// incorrect PIN; attempts left: 4
}

// A runtime that does each step by itself.
func ExampleRuntime_Ask() {
	server := exampleStack()
	defer server.stop()
	server.adminRequires("mail.send")
	ctx, runtime := context.Background(), server.runtime

	c, err := runtime.Ask(ctx, hydrapin.Question{
		Holder: hydrapin.Customer(server.customer), Role: hydrapin.RoleOwner, Skill: "mail.send",
		IdempotencyKey: "run-7f3a-step-4",
	})
	if err != nil {
		panic(err)
	}
	fmt.Println("asked:", c.Status)

	// The handler that gets the PIN, in whatever process.
	if _, err := runtime.Verify(ctx, c.ID, enteredByTheCustomer()); err != nil {
		panic(err)
	}

	if c, err = runtime.Wait(ctx, c.ID); err != nil {
		panic(err)
	}
	fmt.Println("outcome:", c.Status, "by", c.Reason)

	// As the skill runs, and only if this says so.
	if c, err = runtime.Redeem(ctx, c.ID, "mail.send", nil); err != nil {
		panic(err)
	}
	fmt.Println("run it:", c.Status)
	// Output:
	// asked: pending
	// outcome: approved by pin
	// run it: redeemed
}

// A tenant's back end sets a customer's PIN, with an API key.
func ExampleAdmin_SetCustomerPIN() {
	server := exampleStack()
	defer server.stop()
	ctx := context.Background()

	admin, err := hydrapin.NewAdmin(server.url, server.key, server.client())
	if err != nil {
		panic(err)
	}
	_, err = admin.SetCustomerPIN(ctx, server.customer, hydrapin.NewPIN("123456"))
	var invalid *hydrapin.ValidationError
	if errors.As(err, &invalid) {
		fmt.Println("choose another:", invalid.Faults[0].Type)
	}
	status, err := admin.SetCustomerPIN(ctx, server.customer, hydrapin.NewPIN("804615"))
	fmt.Println("set:", status.HasPIN, err)
	// Output:
	// choose another: pin_too_weak
	// set: true <nil>
}

// A dashboard changes an instance's policy in the name of the admin who uses it, without overwriting another's change.
func ExampleAdmin_UpdatePolicy() {
	server := exampleStack()
	defer server.stop()
	ctx := context.Background()

	tokens := hydrapin.TokenSource(func(context.Context) (string, error) { return server.adminsToken() })
	admin, err := hydrapin.NewAdmin(server.url, tokens, server.client())
	if err != nil {
		panic(err)
	}
	policy, err := admin.Policy(ctx, server.instance)
	if err != nil {
		panic(err)
	}
	update := hydrapin.PolicyUpdate{
		RequiredSkills: append(policy.RequiredSkills, "payments.transfer"),
		SessionTTL:     new(15 * time.Minute),
		IfMatch:        policy.ETag,
	}
	changed, err := admin.UpdatePolicy(ctx, server.instance, update)
	fmt.Println(changed.RequiredSkills, changed.SessionTTL, err)

	// The version that was read is no longer the last one.
	_, err = admin.UpdatePolicy(ctx, server.instance, update)
	fmt.Println(errors.Is(err, hydrapin.ErrPreconditionFailed))
	// Output:
	// [payments.transfer] 15m0s <nil>
	// true
}

// A person whose channel identity has a PIN of its own, and "lock now".
func ExampleRuntime_EndSessions() {
	server := exampleStack()
	defer server.stop()
	server.adminRequires("mail.send")
	ctx, runtime := context.Background(), server.runtime

	if _, err := runtime.SetPIN(ctx, server.identity, hydrapin.NewPIN("492750")); err != nil {
		panic(err)
	}
	person := runtime.For(hydrapin.Identity(server.identity), hydrapin.RoleCustomer)
	person.OnPending = func(ctx context.Context, c hydrapin.Confirmation) error {
		fmt.Println("asked for the PIN")
		_, err := runtime.Verify(ctx, c.ID, hydrapin.NewPIN("492750"))
		return err
	}
	send := func(context.Context, hydrapin.Approval) error {
		fmt.Println("sent")
		return nil
	}
	fmt.Println(person.Guard(ctx, "mail.send", nil, send))
	fmt.Println(person.Guard(ctx, "mail.send", nil, send)) // within the session
	fmt.Println(runtime.EndSessions(ctx, hydrapin.Identity(server.identity)))
	fmt.Println(person.Guard(ctx, "mail.send", nil, send))
	// Output:
	// asked for the PIN
	// sent
	// <nil>
	// sent
	// <nil>
	// <nil>
	// asked for the PIN
	// sent
	// <nil>
}

// What the examples are given from outside.

func enteredByTheCustomer() hydrapin.PIN { return hydrapin.NewPIN("804615") }

func (s *stack) adminRequires(skill string) {
	ctx := context.Background()
	if _, err := s.admin.SetCustomerPIN(ctx, s.customer, enteredByTheCustomer()); err != nil {
		panic(err)
	}
	if _, err := s.admin.UpdatePolicy(ctx, s.instance, hydrapin.PolicyUpdate{RequiredSkills: []string{skill}}); err != nil {
		panic(err)
	}
}

func (s *stack) adminsToken() (string, error) {
	return auth.MintHS256(auth.NewSecret([]byte(hydratest.JWTSecret)), auth.Claims{Subject: "admin-1", Tenant: s.tenant, Admin: true}, time.Hour)
}
