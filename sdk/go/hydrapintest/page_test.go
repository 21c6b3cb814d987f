package hydrapintest_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/sdk/go/hydrapin"
	"github.com/hydracore/hydrapin/sdk/go/hydrapintest"
)

// A policy that accepts PINs on the page alone, and people who answer there.
func TestPeopleAnswerOnThePage(t *testing.T) {
	t.Parallel()
	srv := hydrapintest.Start(t)
	srv.Require(skill)
	p, err := srv.Admin.UpdatePolicy(t.Context(), srv.Instance, hydrapin.PolicyUpdate{Channels: hydrapin.ChannelsPage})
	if err != nil || p.Channels != hydrapin.ChannelsPage || p.MustBeOwn {
		t.Fatalf("%+v, %v", p, err)
	}
	ada := srv.Person("804615")
	person := srv.Runtime.For(ada.Holder(), hydrapin.RoleOwner)
	var r ran
	var asked hydrapin.Confirmation
	person.OnPending = func(ctx context.Context, c hydrapin.Confirmation) error {
		asked = c
		if !strings.HasPrefix(c.ConfirmURL, srv.URL+"/confirm/") {
			t.Errorf("the page is at %s", c.ConfirmURL)
		}
		if image, err := srv.Runtime.QR(ctx, c.ID); err != nil || !bytes.Contains(image, []byte("<svg")) {
			t.Errorf("QR: %s, %v", image, err)
		}
		if _, err := srv.Runtime.Verify(ctx, c.ID, hydrapin.NewPIN("804615")); !errors.Is(err, hydrapin.ErrPageOnly) {
			t.Errorf("verify: %v", err)
		}
		var wrong *hydrapin.WrongPINError
		if err := ada.Enter(ctx, c, "111222"); !errors.As(err, &wrong) || !errors.Is(err, hydrapin.ErrWrongPIN) {
			t.Errorf("an incorrect PIN: %v", err)
		}
		return ada.Confirm(ctx, c)
	}
	must(t, person.Guard(t.Context(), skill, transfer, r.fn))
	if r.count != 1 {
		t.Errorf("ran %d times", r.count)
	}
	if err := ada.Confirm(t.Context(), asked); err == nil {
		t.Error("a question was answered twice")
	}
	if _, err := srv.Runtime.QR(t.Context(), asked.ID); !errors.Is(err, hydrapin.ErrExpired) {
		t.Errorf("QR of a question that is over: %v", err)
	}
	person.OnPending = ada.Decline
	r = ran{}
	if no := r.wantNo(t, person.Guard(t.Context(), skill, transfer, r.fn)); no.Detail != hydrapin.ReasonHolder {
		t.Errorf("%v", no)
	}
}

// The policy accepts only PINs of people's own; they choose theirs through a link.
func TestPeopleChooseTheirOwnPIN(t *testing.T) {
	t.Parallel()
	srv := hydrapintest.Start(t)
	srv.Require(skill)
	ctx := t.Context()
	p, err := srv.Admin.UpdatePolicy(ctx, srv.Instance, hydrapin.PolicyUpdate{MustBeOwn: new(true)})
	if err != nil || !p.MustBeOwn || p.Channels != hydrapin.ChannelsAny {
		t.Fatalf("%+v, %v", p, err)
	}
	ada := srv.Person("804615")
	ask := func() hydrapin.Confirmation {
		c, err := srv.Runtime.Ask(ctx, hydrapin.Question{Holder: ada.Holder(), Role: hydrapin.RoleOwner, Skill: skill})
		must(t, err)
		return c
	}
	if c := ask(); c.Status != hydrapin.StatusBlocked || c.Reason != hydrapin.ReasonPINNotOwn {
		t.Errorf("%+v", c)
	}
	ended, err := srv.Admin.CreateCustomerPINLink(ctx, ada.ID(), time.Hour)
	must(t, err)
	must(t, srv.Admin.EndCustomerPINLinks(ctx, ada.ID()))
	if status := choose(t, ended, "492750"); status != http.StatusGone {
		t.Errorf("a link that was ended: %d", status)
	}
	link, err := srv.Admin.CreateCustomerPINLink(ctx, ada.ID(), 0)
	if err != nil || time.Until(link.ExpiresAt) < 23*time.Hour {
		t.Fatalf("%+v, %v", link, err)
	}
	if status := choose(t, link, "492750"); status != http.StatusSeeOther {
		t.Fatalf("the link answered %d", status)
	}
	if status := choose(t, link, "271828"); status != http.StatusGone {
		t.Errorf("a used link: %d", status)
	}
	if s, err := srv.Admin.CustomerPIN(ctx, ada.ID()); err != nil || s.SetBy != hydrapin.SetByHolder {
		t.Errorf("%+v, %v", s, err)
	}
	must(t, ada.Enter(ctx, ask(), "492750"))
}

// choose sends the form of a PIN link, and returns the status of the answer.
func choose(t *testing.T, l hydrapin.PINLink, digits string) int {
	t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	send := func(method string, form url.Values) (int, string) {
		r, err := http.NewRequestWithContext(t.Context(), method, l.URL.Reveal(), strings.NewReader(form.Encode()))
		must(t, err)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		response, err := client.Do(r)
		must(t, err)
		defer func() { must(t, response.Body.Close()) }()
		text, err := io.ReadAll(response.Body)
		must(t, err)
		return response.StatusCode, string(text)
	}
	form := url.Values{"pin": {digits}, "pin_again": {digits}}
	_, page := send(http.MethodGet, nil)
	for _, field := range regexp.MustCompile(`type="hidden" name="([a-z]+)" value="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		form.Set(field[1], field[2])
	}
	status, _ := send(http.MethodPost, form)
	return status
}

func TestIdentitiesChooseTheirPIN(t *testing.T) {
	t.Parallel()
	s := start(t)
	ctx := t.Context()
	for name, create := range map[string]func() (hydrapin.PINLink, error){
		"an admin's": func() (hydrapin.PINLink, error) {
			return s.admin.CreateIdentityPINLink(ctx, s.instance, s.identity, time.Hour)
		},
		"the runtime's": func() (hydrapin.PINLink, error) { return s.runtime.CreatePINLink(ctx, s.identity, time.Hour) },
	} {
		l, err := create()
		if err != nil || !strings.HasPrefix(l.URL.Reveal(), issuer+"/set-pin/") || time.Until(l.ExpiresAt) < 59*time.Minute {
			t.Errorf("%s: %+v, %v", name, l, err)
		}
	}
	must(t, s.runtime.EndPINLinks(ctx, s.identity))
	must(t, s.admin.EndIdentityPINLinks(ctx, s.instance, s.identity))
	if _, err := s.runtime.CreatePINLink(ctx, s.identity, 2*time.Hour); !errors.Is(err, hydrapin.ErrInvalid) {
		t.Errorf("too long a life: %v", err)
	}
}

func TestPeopleReplaceTheirPIN(t *testing.T) {
	t.Parallel()
	s := start(t)
	ctx := t.Context()
	me, err := hydrapin.NewAdmin(s.url, s.token(t, func(c *auth.Claims) { c.CustomerID = s.customer }), s.client())
	must(t, err)
	if _, err := me.SetMyPIN(ctx, hydrapin.PIN{}, goodPIN); !errors.Is(err, hydrapin.ErrPINNotSet) {
		t.Errorf("a first PIN: %v", err)
	}
	_, err = s.admin.SetCustomerPIN(ctx, s.customer, goodPIN)
	must(t, err)
	var wrong *hydrapin.WrongPINError
	if _, err := me.SetMyPIN(ctx, wrongPIN, hydrapin.NewPIN("492750")); !errors.As(err, &wrong) {
		t.Errorf("an incorrect PIN: %v", err)
	}
	if got, err := me.SetMyPIN(ctx, goodPIN, hydrapin.NewPIN("492750")); err != nil || got.SetBy != hydrapin.SetByHolder {
		t.Errorf("%+v, %v", got, err)
	}
}
