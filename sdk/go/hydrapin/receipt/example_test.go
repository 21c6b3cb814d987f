package receipt_test

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/sdk/go/hydrapin/receipt"
)

// A skill that moves money checks, without a call to the server, that the customer confirmed exactly this transfer.
func ExampleVerifier_Verify() {
	// Once, when the skill's program starts. With a network, RemoteKeys takes the address of the key set.
	keys, err := receipt.KeysFromJWKS(publishedKeys)
	if err != nil {
		panic(err)
	}
	verifier, err := receipt.NewVerifier("https://pin.example.com", keys, receipt.NewMemorySeen())
	if err != nil {
		panic(err)
	}

	// For each call: what the skill is about to do, and for whom, from its own knowledge and never from the receipt.
	want := receipt.Expected{
		TenantID:   uuid.MustParse("11111111-1111-4111-8111-111111111111"),
		InstanceID: uuid.MustParse("22222222-2222-4222-8222-222222222222"),
		HolderType: receipt.Customer,
		HolderID:   uuid.MustParse("33333333-3333-4333-8333-333333333333"),
		Skill:      "transfer_funds",
		Action:     receipt.Params([]byte(`{"amount":"12.50","to":"DE00 1234"}`)),
	}
	token := tokenFromRuntime()
	confirmed, err := verifier.Verify(context.Background(), token, want)
	if err != nil {
		fmt.Println("not run:", err)
		return
	}
	fmt.Println("run:", confirmed.Skill, "confirmed by", confirmed.Method)

	// The same receipt does not work twice.
	_, err = verifier.Verify(context.Background(), token, want)
	fmt.Println("not run:", err)
	// Output:
	// run: transfer_funds confirmed by pin
	// not run: receipt: already used
}

// What the example is given from outside: a server's key set, and what a runtime hands over.
var publishedKeys = keySet(testKey(0))

func tokenFromRuntime() string { return sign(header(), payload()) }
