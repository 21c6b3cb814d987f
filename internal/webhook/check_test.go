package webhook_test

import (
	"strings"
	"testing"

	"github.com/hydracore/hydrapin/internal/text"
	"github.com/hydracore/hydrapin/internal/webhook"
)

func TestURLs(t *testing.T) {
	t.Parallel()
	for url, fine := range map[string]bool{
		"https://hooks.example.com": true, "https://hooks.example.com:8443/a?token=b": true, "https://[2606:4700::1]/": true,
		"HTTPS://hooks.example.com": true,
		"http://hooks.example.com":  false, "https://": false, "https:///a": false, "//hooks.example.com": false, "": false,
		"ftp://a.example": false, "https://user@a.example": false, "https://u:p@a.example": false,
		"https://a.example/#x": false, "https://a.example\n": false, "https:a.example": false, "https://a.example:port": false,
	} {
		if got := webhook.CheckURL(url); (got == "") != fine {
			t.Errorf("%q: %q", url, got)
		}
	}
}

func TestDescriptions(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]text.Kind{
		"": text.OK, "Alerts": text.OK, "a\u0007": text.Unsafe, strings.Repeat("x", 201): text.TooLong,
	} {
		if got := webhook.CheckDescription(s); got.Kind != want {
			t.Errorf("%q: %+v", s, got)
		}
	}
}
