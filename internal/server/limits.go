package server

import (
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"github.com/hydracore/hydrapin/internal/config"
	"github.com/hydracore/hydrapin/internal/limit"
	"github.com/hydracore/hydrapin/internal/page"
	"github.com/hydracore/hydrapin/internal/page/link"
	"github.com/hydracore/hydrapin/internal/problem"
	"github.com/hydracore/hydrapin/internal/telemetry"
)

const (
	// postsEach is how many forms one link of the person's pages takes within postsWithin.
	postsEach   = 10
	postsWithin = time.Minute
	// maxLinks is how many links are remembered for it.
	maxLinks = 32_768
)

// limits are the node's limits of requests. Probes, metrics and the documentation have none.
type limits struct {
	requests *limit.Requests
	// posts are of one link.
	posts *limit.Buckets[uuid.UUID]
}

func newLimits(cfg config.Config, now func() time.Time) limits {
	return limits{
		requests: limit.NewRequests(limit.Rates{
			Key: limit.PerSecond(cfg.RatePerKey), Address: limit.PerSecond(cfg.RatePerAddress),
		}, now),
		posts: limit.NewBuckets[uuid.UUID]("link", limit.Rate{Every: postsWithin / postsEach, Burst: postsEach}, maxLinks, now),
	}
}

// pages limits the person's pages: every request by its address, and what is sent by its link. The
// forms of other sites, which decide nothing, use up none of the person's.
func (l limits) pages(pages *page.Pages, links link.Ring) echo.HandlerFunc {
	return func(c echo.Context) error {
		w, req := c.Response(), c.Request()
		r, err := telemetry.From(req.Context())
		if err != nil {
			return err
		}
		err = l.requests.Take("", r.From)
		if err == nil && req.Method == http.MethodPost && pages.IsSameOrigin(req) {
			purpose, token, _ := strings.Cut(strings.TrimPrefix(req.URL.Path, "/"), "/")
			if id, ok := links.Verify(link.Purpose(purpose), token); ok {
				err = l.posts.Take(id)
			}
		}
		if err == nil {
			pages.ServeHTTP(w, req)
			return nil
		}
		r.Limited = true
		p := problem.Of(err)
		p.SetHeaders(w.Header())
		pages.Refuse(w, req, p.Status, p.RetryAfter())
		return nil
	}
}
