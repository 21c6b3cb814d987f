package webhook

import (
	"net/url"

	"github.com/hydracore/hydrapin/internal/text"
)

// CheckURL says what is wrong with the URL of an endpoint, or "".
func CheckURL(s string) string {
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return "the URL cannot be read"
	case u.Scheme != "https" || u.Hostname() == "":
		return "the URL must begin with https:// and name a host"
	case u.User != nil:
		return "the URL must not have a user name or password"
	case u.Fragment != "":
		return "the URL must not have a fragment"
	}
	return ""
}

// CheckDescription returns the first rule of [text.CheckShown] that a description breaks. It may be
// empty.
func CheckDescription(s string) text.Violation {
	if s == "" {
		return text.Violation{}
	}
	return text.CheckShown(s, MaxDescriptionLength)
}
