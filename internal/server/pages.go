package server

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"github.com/labstack/echo/v4"

	"github.com/hydracore/hydrapin/internal/config"
	"github.com/hydracore/hydrapin/internal/keyring"
	"github.com/hydracore/hydrapin/internal/page"
	"github.com/hydracore/hydrapin/internal/page/backend"
	"github.com/hydracore/hydrapin/internal/page/link"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/telemetry"
)

// pageLinks returns what makes the links of the person's pages. Their keys are derived from the
// receipt keys, so that every node has the same.
func pageLinks(cfg config.Config) (page.Links, error) {
	keys, err := keyring.Parse("receipt-keys", cfg.ReceiptKeys.Reveal(), func(seed []byte) []byte { return seed })
	if err != nil {
		return page.Links{}, fmt.Errorf("HYDRAPIN_RECEIPT_KEYS: %w", err)
	}
	var seeds [][]byte
	for _, key := range keys.All() {
		seeds = append(seeds, key.Key())
	}
	ring, err := link.NewRing(seeds...)
	if err != nil {
		return page.Links{}, fmt.Errorf("HYDRAPIN_RECEIPT_KEYS: %w", err)
	}
	return page.Links{PublicURL: cfg.PublicURL, Ring: ring}, nil
}

// brand returns how the person's pages look, and every setting of it that is wrong.
func brand(cfg config.Config) (page.Brand, []config.Problem) {
	b := page.Brand{Name: cfg.PageName, Color: cfg.PageColor, SupportURL: cfg.PageSupportURL}
	var problems []config.Problem
	wrong := func(setting string, err error) {
		if err != nil {
			problems = append(problems, config.Problem{Setting: setting, Text: "cannot be used: " + err.Error()})
		}
	}
	wrong("HYDRAPIN_PAGE_NAME", page.Brand{Name: b.Name}.Check())
	wrong("HYDRAPIN_PAGE_COLOR", page.Brand{Color: b.Color}.Check())
	wrong("HYDRAPIN_PAGE_SUPPORT_URL", page.Brand{SupportURL: b.SupportURL}.Check())
	if cfg.PageLogoFile != "" {
		content, err := os.ReadFile(cfg.PageLogoFile)
		if err == nil {
			b.Logo, err = page.NewLogo(content)
		}
		wrong("HYDRAPIN_PAGE_LOGO_FILE", err)
	}
	return b, problems
}

// pages registers the person's pages, for every method. They are named by their route: their paths
// hold tokens, of which a PIN link's is a credential.
func (n *Node) pages(e *echo.Echo, cfg config.Config, links page.Links, rules pin.Rules) error {
	look, problems := brand(cfg)
	if len(problems) > 0 {
		return &config.Error{Problems: problems}
	}
	pages, err := page.New(page.Options{
		PublicURL: cfg.PublicURL, Links: links.Ring, Backend: backend.New(n.service, rules), Brand: look,
		Now: n.now, Report: reportPage,
	})
	if err != nil {
		return err
	}
	for _, prefix := range page.Prefixes() {
		e.Any(prefix+"*", n.limits.pages(pages, links.Ring))
		e.RouteNotFound(prefix+"*", n.limits.pages(pages, links.Ring))
	}
	return nil
}

// reportPage puts the cause of a 500 into the log line of its request.
func reportPage(ctx context.Context, err error) {
	if r, unobserved := telemetry.From(ctx); unobserved == nil {
		r.Refuse(slog.LevelError, "internal", slog.Any("error", err))
	}
}
