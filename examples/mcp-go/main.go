// An MCP server that can send money, and does so only after a person confirmed with a PIN.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"

	"github.com/google/uuid"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/hydracore/hydrapin/sdk/go/hydrapin"
)

type transfer struct {
	Amount   string `json:"amount"`
	Currency string `json:"currency"`
	IBAN     string `json:"iban"`
}

func newServer(person hydrapin.Person) *mcp.Server {
	server := mcp.NewServer(&mcp.Implementation{Name: "bank", Version: "1.0.0"}, nil)
	tool := &mcp.Tool{Name: "send_money", Description: "Sends money to an IBAN."}
	mcp.AddTool(server, tool, func(ctx context.Context, _ *mcp.CallToolRequest, in transfer) (*mcp.CallToolResult, any, error) {
		summary, err := hydrapin.Summary("Send {amount} {currency} to {iban}", in)
		if err != nil {
			return nil, nil, err
		}
		said := ""
		err = person.Guard(ctx, "payments.transfer", &hydrapin.Action{Summary: summary, Params: in},
			func(_ context.Context, a hydrapin.Approval) error {
				// Replace this line by your bank's call. It gets exactly what the person confirmed.
				said = fmt.Sprintf("Sent %s.", a.Params)
				return nil
			})
		var no *hydrapin.NotConfirmedError
		if errors.As(err, &no) {
			said, err = no.Sentence(), nil // an error would make the model try again
		}
		return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: said}}}, nil, err
	})
	return server
}

func main() {
	runtime, err := hydrapin.RuntimeFromEnv()
	if err != nil {
		log.Fatal(err)
	}
	person := runtime.For(hydrapin.Customer(uuid.MustParse(os.Getenv("CUSTOMER"))), hydrapin.RoleOwner)
	// Send the link by a channel of your own: it is for the person, not for the model.
	person.OnPending = func(_ context.Context, c hydrapin.Confirmation) error {
		log.Print("Confirm here: ", c.ConfirmURL)
		return nil
	}
	log.Fatal(newServer(person).Run(context.Background(), &mcp.StdioTransport{}))
}
