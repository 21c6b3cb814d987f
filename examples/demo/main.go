// Command demo shows one confirmation, from the question to the skill: it starts a server on a
// temporary data folder, sets a policy and a PIN, asks, prints the link and its QR code, waits for
// the person, redeems, and says what happened.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/signal"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/config"
	"github.com/hydracore/hydrapin/internal/page/qr"
	"github.com/hydracore/hydrapin/internal/server"
	"github.com/hydracore/hydrapin/internal/service"
)

const demoPIN = "804615"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	folder, err := os.MkdirTemp("", "hydrapin-demo-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	if err := os.Chmod(folder, 0o700); err != nil { //nolint:gosec // a folder needs it to be entered
		return err
	}
	addr := "127.0.0.1:8080"
	if set := os.Getenv("HYDRAPIN_ADDR"); set != "" {
		addr = set
	}
	cfg, err := config.Load([]string{"HYDRAPIN_DATA_DIR=" + folder, "HYDRAPIN_ADDR=" + addr})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	started, stopped := make(chan server.Info, 1), make(chan error, 1)
	go func() {
		stopped <- server.Run(ctx, cfg, slog.New(slog.DiscardHandler), func(info server.Info) { started <- info })
	}()
	select {
	case info := <-started:
		err = confirm(ctx, cfg, info)
	case err = <-stopped:
		return err
	}
	cancel()
	return errors.Join(err, <-stopped)
}

// confirm plays the runtime of an agent, and its admin.
func confirm(ctx context.Context, cfg config.Config, info server.Info) error {
	instance, customer := uuid.NewString(), uuid.NewString()
	runtimeKey, err := mint(ctx, cfg, info.Tenant, uuid.MustParse(instance))
	if err != nil {
		return err
	}
	admin, agent := client{info.URL, info.FirstKey.Reveal()}, client{info.URL, runtimeKey}
	confirmations := "/internal/v1/instances/" + instance + "/confirmations"
	params := map[string]any{"to": "DE89 3704 0044 0532 0130 00", "amount": "250.00", "currency": "EUR"}
	if _, err := admin.call(ctx, "POST", "/v1/customers/"+customer+"/pin", map[string]any{"pin": demoPIN}); err != nil {
		return err
	}
	if _, err := admin.call(ctx, "PATCH", "/v1/instances/"+instance+"/pin-policy", map[string]any{"pin_required_skills": []string{"payments.*"}}); err != nil {
		return err
	}
	asked, err := agent.call(ctx, "POST", confirmations, map[string]any{
		"skill": "payments.transfer", "role": "customer", "customer_id": customer,
		"action": map[string]any{"summary": "Send 250.00 EUR to DE89 3704 0044 0532 0130 00", "params": params},
	})
	if err != nil {
		return err
	}
	code, err := qr.Terminal(asked.ConfirmURL)
	if err != nil {
		return err
	}
	fmt.Printf("The agent wants to send 250.00 EUR. Open this page and enter the PIN %s:\n\n  %s\n\n%s\n", demoPIN, asked.ConfirmURL, code)
	for asked.Status == "pending" {
		if asked, err = agent.call(ctx, "GET", confirmations+"/"+asked.ID+"?wait_seconds=30", nil); err != nil {
			return err
		}
	}
	if asked.Status != "approved" {
		fmt.Printf("The confirmation is %s (%s). The skill does not run.\n", asked.Status, asked.Reason)
		return nil
	}
	if _, err := agent.call(ctx, "POST", confirmations+"/"+asked.ID+"/redeem", map[string]any{"skill": "payments.transfer", "params": params}); err != nil {
		fmt.Printf("Redeem failed (%v). The skill does not run.\n", err)
		return nil
	}
	fmt.Println("Confirmed and redeemed: the skill runs now, once.")
	return nil
}

// mint makes the runtime key of the instance, as `hydrapin keys create --instance` does.
func mint(ctx context.Context, cfg config.Config, tenant, instance uuid.UUID) (string, error) {
	db, err := server.OpenStore(ctx, cfg, false)
	if err != nil {
		return "", err
	}
	defer func() { _ = db.Close() }()
	_, secret, err := service.New(service.Config{Store: db}).MintKey(ctx, service.Operator(tenant),
		service.KeySpec{Tenant: tenant, Instance: instance, Name: "demo"})
	return secret.Reveal(), err
}

type client struct{ url, key string }

type answer struct {
	ID         string `json:"id"`
	Status     string `json:"status"`
	Reason     string `json:"reason"`
	ConfirmURL string `json:"confirm_url"`
}

func (c client) call(ctx context.Context, method, path string, body any) (answer, error) {
	var a answer
	var reader io.Reader = http.NoBody
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return a, err
		}
		reader = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.url+path, reader)
	if err != nil {
		return a, err
	}
	req.Header.Set("X-Api-Key", c.key)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return a, err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode >= http.StatusMultipleChoices {
		return a, fmt.Errorf("%s %s: %s", method, path, resp.Status)
	}
	err = json.NewDecoder(resp.Body).Decode(&a)
	return a, err
}
