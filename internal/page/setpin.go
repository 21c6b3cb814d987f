package page

import (
	"fmt"
	"net/http"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/pin"
)

// pinLink answers /set-pin/{token}.
func (x *exchange) pinLink(id uuid.UUID) {
	if x.r.Method == http.MethodPost {
		x.setPIN(id)
		return
	}
	l, err := x.pages.backend.PINLink(x.r.Context(), id)
	if err != nil {
		x.fail(err)
		return
	}
	x.choice(linkStatus(l), l, choiceErrors{})
}

// linkStatus is the status of a GET.
func linkStatus(l PINLink) int {
	if l.State == LinkEnded {
		return http.StatusGone
	}
	return http.StatusOK
}

func (x *exchange) setPIN(id uuid.UUID) {
	fields, ok := x.form()
	if !ok {
		return
	}
	// The length that is allowed, and whether the present PIN is needed, are those of now.
	l, err := x.pages.backend.PINLink(x.r.Context(), id)
	if err != nil {
		x.fail(err)
		return
	}
	if l.State == LinkUsed || l.State == LinkEnded {
		x.choice(http.StatusGone, PINLink{State: LinkEnded}, choiceErrors{})
		return
	}
	if l.State == LinkOpen && l.Obstacle != NoObstacle {
		x.choice(obstacleStatus(l.Obstacle), l, choiceErrors{})
		return
	}
	choice, wrong := readChoice(fields, l)
	if wrong != (choiceErrors{}) {
		x.choice(http.StatusUnprocessableEntity, l, wrong)
		return
	}
	choice.Link = id
	verdict, err := x.pages.backend.SetPIN(x.r.Context(), choice)
	switch {
	case err != nil && x.isBusy(err):
		x.choice(http.StatusServiceUnavailable, l, choiceErrors{notice: "SetBusy"})
	case err != nil:
		x.fail(err)
	default:
		x.chosen(verdict)
	}
}

// readChoice reads the form against the link, and names every field that is wrong.
func readChoice(fields fields, l PINLink) (Choice, choiceErrors) {
	var c Choice
	var wrong choiceErrors
	entered := fields.one("pin")
	chosen, fault := pin.ParseNew(entered, l.Rules)
	switch fault.Kind {
	case pin.NoFault:
		c.PIN = chosen
		if fields.one("pin_again") != entered {
			wrong.again = "Unequal"
		}
	case pin.TooShort:
		wrong.pin, wrong.limit = "TooShort", fault.Limit
	case pin.TooLong:
		wrong.pin, wrong.limit = "TooLong", fault.Limit
	case pin.NotDigits:
		wrong.pin = "OnlyDigits"
	default:
		wrong.pin = "Weak"
	}
	if l.NeedsCurrent {
		current, ok := fields.pin("current_pin")
		if !ok {
			wrong.current = "CurrentMissing"
		}
		c.Current = current
	}
	return c, wrong
}

func (x *exchange) chosen(v SetVerdict) {
	switch v.Outcome {
	case PINSet:
		x.seeOther()
	case PINWeak:
		x.choice(http.StatusUnprocessableEntity, v.Link, choiceErrors{pin: "Weak"})
	case PINUnchanged:
		x.choice(http.StatusUnprocessableEntity, v.Link, choiceErrors{pin: "Unchanged"})
	case CurrentMissing:
		v.Link.NeedsCurrent = true
		x.choice(http.StatusUnprocessableEntity, v.Link, choiceErrors{current: "CurrentMissing"})
	case CurrentIncorrect:
		x.choice(http.StatusForbidden, v.Link, choiceErrors{current: "Incorrect"})
	case SetRefused:
		x.choice(obstacleStatus(v.Link.Obstacle), v.Link, choiceErrors{})
	case LinkOver:
		x.choice(http.StatusGone, PINLink{State: LinkEnded}, choiceErrors{})
	default:
		x.fail(fmt.Errorf("page: outcome of a PIN link: %d", v.Outcome))
	}
}
