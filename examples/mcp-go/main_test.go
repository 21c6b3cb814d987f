package main

import (
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/hydracore/hydrapin/sdk/go/hydrapin"
	"github.com/hydracore/hydrapin/sdk/go/hydrapintest"
)

// The model is scripted: it calls the tool, and reads what the tool says.
func TestSendMoney(t *testing.T) {
	t.Parallel()
	srv := hydrapintest.Start(t)
	srv.Require("payments.transfer")
	ada := srv.Person("804615")
	for want, answer := range map[string]func(p *hydrapin.Person){
		`Sent {"amount":"250.00","currency":"EUR","iban":"DE89370400440532013000"}.`: func(p *hydrapin.Person) { p.OnPending = ada.Confirm },
		"declined": func(p *hydrapin.Person) { p.OnPending = ada.Decline },
	} {
		person := srv.Runtime.For(ada.Holder(), hydrapin.RoleOwner)
		answer(&person)
		here, there := mcp.NewInMemoryTransports()
		session, err := newServer(person).Connect(t.Context(), here, nil)
		if err != nil {
			t.Fatal(err)
		}
		model, err := mcp.NewClient(&mcp.Implementation{Name: "model", Version: "1"}, nil).Connect(t.Context(), there, nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := model.CallTool(t.Context(), &mcp.CallToolParams{Name: "send_money", Arguments: map[string]string{
			"amount": "250.00", "currency": "EUR", "iban": "DE89370400440532013000",
		}})
		if err != nil || got.IsError {
			t.Fatalf("%+v, %v", got, err)
		}
		if text, ok := got.Content[0].(*mcp.TextContent); !ok || !strings.Contains(text.Text, want) || strings.Contains(text.Text, "/confirm/") {
			t.Errorf("%+v, want %s", text, want)
		}
		_ = model.Close()
		_ = session.Close()
	}
}
