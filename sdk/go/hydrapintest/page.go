package hydrapintest

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/hydracore/hydrapin/sdk/go/hydrapin"
)

const pageBytes = 1 << 20

// used is the hidden field that makes a form good for one state of the page.
var used = regexp.MustCompile(`name="used" value="([0-9]+)"`)

// answer does what a person does: it opens the page with everything shown, and sends its form.
func (p *Person) answer(ctx context.Context, address string, decision url.Values) error {
	// The page answers a decision with a redirect to itself.
	client := &http.Client{
		Transport:     p.server.transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	open, err := http.NewRequestWithContext(ctx, http.MethodGet, address+"?all=1", nil)
	if err != nil {
		return err
	}
	status, page, err := fetch(client, open)
	if err != nil {
		return err
	}
	field := used.FindStringSubmatch(page)
	if field == nil || decision.Has("pin") && !strings.Contains(page, `name="pin"`) {
		return fmt.Errorf("hydrapintest: the page does not ask: status %d", status)
	}
	decision.Set("used", field[1])
	send, err := http.NewRequestWithContext(ctx, http.MethodPost, address+"?all=1", strings.NewReader(decision.Encode()))
	if err != nil {
		return err
	}
	send.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	switch status, _, err = fetch(client, send); {
	case err != nil:
		return err
	case status == http.StatusSeeOther:
		return nil
	case status == http.StatusForbidden:
		return &hydrapin.WrongPINError{APIError: hydrapin.APIError{
			Operation: "page", Status: status, Code: hydrapin.ErrWrongPIN, Detail: "The PIN is incorrect.",
		}}
	case status == http.StatusLocked:
		return &hydrapin.LockedError{APIError: hydrapin.APIError{
			Operation: "page", Status: status, Code: hydrapin.ErrPINLocked, Detail: "The PIN is locked.",
		}}
	default:
		return fmt.Errorf("hydrapintest: the page answered %d", status)
	}
}

func fetch(client *http.Client, r *http.Request) (status int, body string, err error) {
	response, err := client.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(response.Body, pageBytes))
	return response.StatusCode, string(text), err
}
