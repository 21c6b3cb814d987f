package bench_test

import (
	"testing"
	"time"

	"github.com/hydracore/hydrapin/internal/hydratest"
)

// startLimitMS is how long a start may take, in milliseconds.
const startLimitMS = 200

// BenchmarkColdStart measures from exec until the server is ready, in embedded
// mode.
func BenchmarkColdStart(b *testing.B) {
	b.Run("first", func(b *testing.B) {
		coldStarts(b, func() []string { return onSQLite.env(b) })
	})
	b.Run("second", func(b *testing.B) {
		folder := onSQLite.env(b)
		p := launch(b, environ(folder...))
		p.awaitOK(b, "/readyz")
		p.stop(b)
		coldStarts(b, func() []string { return folder })
	})
}

func coldStarts(b *testing.B, settings func() []string) {
	b.Helper()
	hydratest.Binary(b) // built before the clock runs
	var total, longest time.Duration
	for b.Loop() {
		env := environ(settings()...)
		began := time.Now()
		p := launch(b, env)
		p.awaitOK(b, "/readyz")
		took := time.Since(began)
		total, longest = total+took, max(longest, took)
		p.stop(b)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(total.Seconds()*1000/float64(b.N), "mean-ms")
	b.ReportMetric(longest.Seconds()*1000, "max-ms")
	b.ReportMetric(startLimitMS, "limit-ms")
}
