package page

import (
	"embed"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
)

//go:embed messages/*.json
var messageFiles embed.FS

// languages are those of the message files; the first is shown where none fits.
var languages = []struct {
	tag  language.Tag
	name string // in the language itself
}{
	{language.English, "English"},
	{language.Spanish, "Español"},
	{language.Portuguese, "Português"},
	{language.German, "Deutsch"},
}

// texts gives the pages' messages in one language.
type texts struct {
	localizer *i18n.Localizer
	tag       language.Tag
	months    []string
}

// dictionary holds every language, and finds the reader's.
type dictionary struct {
	matcher language.Matcher
	texts   []*texts
}

func newDictionary() (*dictionary, error) {
	bundle := i18n.NewBundle(language.English)
	d := &dictionary{}
	var tags []language.Tag
	for _, l := range languages {
		name := "messages/" + l.tag.String() + ".json"
		if _, err := bundle.LoadMessageFileFS(messageFiles, name); err != nil {
			return nil, fmt.Errorf("page: messages: %w", err)
		}
		t := &texts{localizer: i18n.NewLocalizer(bundle, l.tag.String()), tag: l.tag}
		months, err := t.message("Months")
		if err != nil {
			return nil, err
		}
		if t.months = strings.Split(months, "|"); len(t.months) != 12 {
			return nil, fmt.Errorf("page: %s has %d months", name, len(t.months))
		}
		tags = append(tags, l.tag)
		d.texts = append(d.texts, t)
	}
	d.matcher = language.NewMatcher(tags)
	return d, nil
}

// choose returns the language of ?lang=, else the best of Accept-Language, and whether it is that of
// ?lang=, which links then keep. A value that is none of ours is ignored.
func (d *dictionary) choose(r *http.Request) (t *texts, explicit bool) {
	asked := r.URL.Query().Get("lang")
	for i, l := range languages {
		if strings.EqualFold(asked, l.tag.String()) {
			return d.texts[i], true
		}
	}
	// A header that cannot be read leaves what could be read of it.
	accepted, _, _ := language.ParseAcceptLanguage(r.Header.Get("Accept-Language"))
	_, i, _ := d.matcher.Match(accepted...)
	return d.texts[i], false
}

// direction is the value of the attribute dir.
func (t *texts) direction() string {
	switch script, _ := t.tag.Script(); script.String() {
	case "Arab", "Hebr", "Syrc", "Thaa", "Nkoo", "Adlm":
		return "rtl"
	default:
		return "ltr"
	}
}

// message returns a text; pairs are the names and values of its placeholders. Count chooses the plural
// form too.
func (t *texts) message(id string, pairs ...any) (string, error) {
	data := make(map[string]any, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		data[fmt.Sprint(pairs[i])] = pairs[i+1]
	}
	text, err := t.localizer.Localize(&i18n.LocalizeConfig{MessageID: id, TemplateData: data, PluralCount: data["Count"]})
	if err != nil {
		return "", fmt.Errorf("page: message: %w", err)
	}
	return text, nil
}

// moment is a message around a time: HTML shows the time as an element, which the script writes in the
// reader's own form and time zone.
type moment struct {
	Before, ISO, Text, After string
}

const aroundTime = "\x00"

// moment returns a message with the placeholder Time, divided there; the time is written in UTC.
func (t *texts) moment(id string, at time.Time) (moment, error) {
	whole, err := t.message(id, "Time", aroundTime)
	if err != nil {
		return moment{}, err
	}
	at = at.UTC()
	text, err := t.message("DateTime", "Day", at.Day(), "Month", t.months[at.Month()-1], "Year", at.Year(),
		"Clock", at.Format("15:04"))
	if err != nil {
		return moment{}, err
	}
	before, after, _ := strings.Cut(whole, aroundTime)
	return moment{Before: before, ISO: at.Format(time.RFC3339), Text: text, After: after}, nil
}
