package page

import (
	"fmt"
	"net/http"
	"time"

	"github.com/hydracore/hydrapin/internal/pin"
)

// view is what the template "page" needs. Exactly one of Message, Question and Choice is set.
type view struct {
	texts                     *texts
	Lang, Dir                 string
	Name, SupportURL          string
	Style, Script, Icon, Logo string
	Picture                   *Logo
	Languages                 []languageLink
	// Open is the link to the whole question, Back that to the page itself.
	Open, Back string

	Message  *messageView
	Question *questionView
	Choice   *choiceView
}

type languageLink struct {
	Tag, Name, Link string
	Current         bool
}

// T returns a message in the reader's language.
func (v *view) T(id string, pairs ...any) (string, error) { return v.texts.message(id, pairs...) }

// At returns a message around a time.
func (v *view) At(id string, at time.Time) (moment, error) { return v.texts.moment(id, at) }

// listed is rows with the view that they are shown in.
type listed struct {
	Rows []viewedRow
}

type viewedRow struct {
	View *view
	Row  row
}

// Listed gives a template of rows the view too, which has the reader's language.
func (v *view) Listed(rows []row) listed {
	viewed := make([]viewedRow, len(rows))
	for i, r := range rows {
		viewed[i] = v.Row(r)
	}
	return listed{viewed}
}

// Row gives a template of one row the view too.
func (v *view) Row(r row) viewedRow { return viewedRow{v, r} }

// Nested are the rows of a value.
func (r viewedRow) Nested() listed { return r.View.Listed(r.Row.Rows) }

// Word is the message for a value that has no text of its own.
func (r viewedRow) Word() string { return string(r.Row.Kind) }

// Width and Height are the logo's, so that nothing moves when it is there.
func (l *Logo) Width() int { return l.width }

// Height is the logo's height in pixels.
func (l *Logo) Height() int { return l.height }

// messageView is a page that says one thing: the messages ID+"Title" and ID+"Text".
type messageView struct {
	ID   string
	Mark string // the sign beside it: "done", "stopped" or "over"
	// Lead is a message above the text, or "".
	Lead string
	// Retry offers the way back to the page.
	Retry bool
}

var (
	notFound         = messageView{ID: "NotFound", Mark: "over"}
	methodNotAllowed = messageView{ID: "Method", Mark: "over", Retry: true}
	badForm          = messageView{ID: "BadForm", Mark: "over", Retry: true}
	formTooLarge     = messageView{ID: "TooLarge", Mark: "over", Retry: true}
	notForm          = messageView{ID: "NotForm", Mark: "over", Retry: true}
	crossSite        = messageView{ID: "CrossSite", Mark: "over", Retry: true}
	tooMany          = messageView{ID: "TooMany", Mark: "over", Retry: true}
	unavailable      = messageView{ID: "Unavailable", Mark: "over", Retry: true}
	internal         = messageView{ID: "Internal", Mark: "over", Retry: true}

	confirmed     = messageView{ID: "Confirmed", Mark: "done"}
	notCarriedOut = messageView{ID: "NotCarriedOut", Mark: "over"}
	declined      = messageView{ID: "Declined", Mark: "stopped"}
	expired       = messageView{ID: "Expired", Mark: "over"}
	pinSet        = messageView{ID: "SetDone", Mark: "done"}
	linkEnded     = messageView{ID: "LinkEnded", Mark: "over"}
)

// messageOf is the page of a status that middleware or the back end gives.
func messageOf(status int) messageView {
	switch status {
	case http.StatusNotFound:
		return notFound
	case http.StatusMethodNotAllowed:
		return methodNotAllowed
	case http.StatusRequestEntityTooLarge:
		return formTooLarge
	case http.StatusUnsupportedMediaType:
		return notForm
	case http.StatusTooManyRequests:
		return tooMany
	case http.StatusServiceUnavailable:
		return unavailable
	default:
		return internal
	}
}

func (x *exchange) message(status int, m messageView) { x.write(status, view{Message: &m}) }

// questionError is what to say beside the question: a notice above the form, and an error of the PIN
// field, each the id of a message.
type questionError struct{ notice, field string }

// questionView is a pending question.
type questionView struct {
	Summary, Skill  []piece
	Rows            []row
	Hidden          int
	ExpiresAt       time.Time
	SecondsLeft     int
	Session         *sessionView
	Obstacle        string // a message, or ""
	LockedUntil     time.Time
	Notice          string
	Folded          bool
	CanConfirm      bool
	FieldError      string
	TriesUsed       int
	TriesLeft       int
	StatesTriesLeft bool
}

type sessionView struct {
	Until          time.Time
	Skills, Others []row
	// OtherCount is of all of them, shown or not.
	OtherCount int
}

// showsAll says whether the page of this request shows the whole question.
func (x *exchange) showsAll(q Question) bool {
	v, err := newQuestionView(q, x.all)
	return err == nil && !v.Folded
}

func newQuestionView(q Question, all bool) (*questionView, error) {
	l := &listing{open: all}
	v := &questionView{
		Skill: pieces(q.Skill), ExpiresAt: q.ExpiresAt, LockedUntil: q.LockedUntil,
		TriesUsed: q.TriesUsed, TriesLeft: q.TriesLeft,
	}
	if q.Summary != "" {
		v.Summary = pieces(q.Summary)
	}
	if len(q.Params) > 0 {
		rows, err := l.params(q.Params)
		if err != nil {
			return nil, err
		}
		v.Rows = rows
	}
	if s := q.Opens; s != nil {
		v.Session = &sessionView{
			Until: s.Until, Skills: l.skills(s.Skills), Others: l.skills(s.Others), OtherCount: len(s.Others),
		}
	}
	v.Hidden, v.Folded = l.hidden, l.folded
	switch q.Obstacle {
	case NoObstacle:
	case Frozen:
		v.Obstacle = "Frozen"
	case PINLocked:
		v.Obstacle = "LockedUntil"
	case PINInactive:
		v.Obstacle = "Inactive"
	case PINNotOwn:
		v.Obstacle = "NotOwn"
	default:
		return nil, fmt.Errorf("page: obstacle %d", q.Obstacle)
	}
	v.CanConfirm = v.Obstacle == "" && !v.Folded
	return v, nil
}

// question answers with a confirmation as it is. Once it is decided or expired, nothing of what was
// asked is shown again.
func (x *exchange) question(status int, q Question, wrong questionError) {
	var m messageView
	switch q.State {
	case Confirmed:
		m = confirmed
	case NotCarriedOut:
		m = notCarriedOut
	case Declined:
		m = declined
		if wrong.field == "Incorrect" {
			m.Lead = "LastTry"
		}
	case Expired:
		m = expired
	case Pending:
		x.pending(status, q, wrong)
		return
	default:
		x.fail(fmt.Errorf("page: state %d", q.State))
		return
	}
	x.message(status, m)
}

func (x *exchange) pending(status int, q Question, wrong questionError) {
	v, err := newQuestionView(q, x.all)
	if err != nil {
		x.fail(err)
		return
	}
	now := x.pages.now()
	v.SecondsLeft = max(0, int((q.ExpiresAt.Sub(now)+time.Second-1)/time.Second))
	if q.Obstacle == PINLocked && status != http.StatusOK {
		x.retryAfter(q.LockedUntil.Sub(now))
	}
	v.Notice, v.FieldError = wrong.notice, wrong.field
	v.StatesTriesLeft = q.TriesUsed > 0 || wrong.field == "Incorrect"
	x.write(status, view{Question: v})
}

// choiceErrors are what is wrong with the form that sets a PIN: a notice above it, and errors of its
// fields, each the id of a message. limit is the length that the error of pin is about.
type choiceErrors struct {
	notice, pin, again, current string
	limit                       int
}

// choiceView is the form that sets a PIN.
type choiceView struct {
	Min, Max                              int
	NeedsCurrent                          bool
	TriesLeft                             int
	Obstacle                              string
	LockedUntil                           time.Time
	Notice                                string
	PINError, AgainError, CurrentError    string
	Limit                                 int
	FocusPIN, FocusAgain, FocusCurrentPIN bool
}

// choice answers with a link for setting a PIN as it is.
func (x *exchange) choice(status int, l PINLink, wrong choiceErrors) {
	switch l.State {
	case LinkUsed:
		x.message(status, pinSet)
		return
	case LinkEnded:
		x.message(status, linkEnded)
		return
	case LinkOpen:
	default:
		x.fail(fmt.Errorf("page: state of a PIN link: %d", l.State))
		return
	}
	v := &choiceView{
		Min: max(l.Rules.MinLength, pin.MinLength), Max: min(l.Rules.MaxLength, pin.MaxLength), NeedsCurrent: l.NeedsCurrent, TriesLeft: l.TriesLeft,
		LockedUntil: l.LockedUntil, Notice: wrong.notice, PINError: wrong.pin, AgainError: wrong.again,
		CurrentError: wrong.current, Limit: wrong.limit,
	}
	// The first field that is wrong is where the person goes on.
	v.FocusCurrentPIN = wrong.current != ""
	v.FocusPIN = wrong.pin != "" && !v.FocusCurrentPIN
	v.FocusAgain = wrong.again != "" && !v.FocusCurrentPIN && !v.FocusPIN
	switch l.Obstacle {
	case NoObstacle:
	case PINLocked:
		v.Obstacle = "LockedUntil"
		if status != http.StatusOK {
			x.retryAfter(l.LockedUntil.Sub(x.pages.now()))
		}
	case PINInactive:
		v.Obstacle = "Inactive"
	case Frozen, PINNotOwn:
		fallthrough
	default:
		x.fail(fmt.Errorf("page: obstacle of a PIN link: %d", l.Obstacle))
		return
	}
	x.write(status, view{Choice: v})
}
