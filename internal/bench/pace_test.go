package bench_test

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// latencies are counted from when a request should have been sent.
type latencies struct {
	took, late []time.Duration
	elapsed    time.Duration
}

// pace sends a request every interval for that long, by the clock and whatever
// became of those before: an open loop, in which a server that stalls makes
// everything wait that would have come meanwhile.
func (cs clients) pace(b *testing.B, interval, lasts time.Duration, op func(c *conn, i int) error) latencies {
	b.Helper()
	n := int(lasts / interval)
	l := latencies{took: make([]time.Duration, n), late: make([]time.Duration, n)}
	due := make(chan int, n)
	start := time.Now()
	at := func(i int) time.Time { return start.Add(time.Duration(i) * interval) }
	var failed atomic.Pointer[error]
	var all sync.WaitGroup
	for _, c := range cs {
		all.Go(func() {
			for i := range due {
				l.late[i] = time.Since(at(i))
				if err := op(c, i); err != nil {
					failed.CompareAndSwap(nil, &err)
					return
				}
				l.took[i] = time.Since(at(i))
			}
		})
	}
	for i := range n {
		if err := await(at(i)); err != nil {
			b.Fatal(err)
		}
		due <- i
	}
	close(due)
	all.Wait()
	l.elapsed = time.Since(start)
	if err := failed.Load(); err != nil {
		b.Fatal(*err)
	}
	return l
}

// await waits with the kernel's clock: Go's own timers are up to a millisecond
// late in a process that is idle, which is more than most answers take.
func await(at time.Time) error {
	for {
		wait := time.Until(at)
		if wait <= 0 {
			return nil
		}
		tv := unix.NsecToTimeval(wait.Nanoseconds())
		if _, err := unix.Select(0, nil, nil, nil, &tv); err != nil && !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

func (l latencies) report(b *testing.B) {
	b.Helper()
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(len(l.took))/l.elapsed.Seconds(), "reads/s")
	b.ReportMetric(percentile(l.took, 50), "p50-ms")
	b.ReportMetric(percentile(l.took, 99), "p99-ms")
	b.ReportMetric(percentile(l.late, 99), "late-p99-ms")
	served := make([]time.Duration, len(l.took))
	for i := range served {
		served[i] = l.took[i] - l.late[i]
	}
	b.ReportMetric(percentile(served, 99), "served-p99-ms")
}

// percentile is by nearest rank, in milliseconds.
func percentile(all []time.Duration, p int) float64 {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[(len(sorted)*p+99)/100-1].Seconds() * 1000
}
