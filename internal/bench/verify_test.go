package bench_test

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
)

// roomForAll lets every client wait for its hash, also on one core.
const roomForAll = "HYDRAPIN_HASH_QUEUE=128"

// verifiersLoad are clients that verify without pause, each for a customer of its
// own, always with the correct PIN.
type verifiersLoad struct {
	tenant    tenant
	cs        clients
	customers []uuid.UUID
	pending   [][]uuid.UUID
}

// newVerifiers prepares questions for some seconds of verifying.
func newVerifiers(b *testing.B, p *process) *verifiersLoad {
	b.Helper()
	// So few at once have a place in the smallest queue.
	few := connect(b, p.addr, 8)
	l := &verifiersLoad{tenant: newTenant(b, p, few[0], 0), cs: connect(b, p.addr, verifiers)}
	l.customers = l.tenant.newCustomers(b, few, verifiers)
	l.pending = make([][]uuid.UUID, verifiers)
	l.cs.each(b, verifiers, func(c *conn, i int) error {
		for range 20 {
			id, err := asked(c, l.tenant.askRequest(l.customers[i]), "pending")
			if err != nil {
				return err
			}
			l.pending[i] = append(l.pending[i], id)
		}
		return nil
	})
	return l
}

// counts is what verifiers got within the time.
type counts struct{ verified, refused atomic.Int64 }

// run starts the clients. They stop when stop is closed, and wait then returns
// what was answered before, and how long that took.
func (l *verifiersLoad) run(b *testing.B, stop <-chan struct{}) (wait func() (n *counts, took time.Duration)) {
	b.Helper()
	n := &counts{}
	var failed atomic.Pointer[error]
	var all sync.WaitGroup
	began := time.Now()
	for i, c := range l.cs {
		all.Go(func() {
			if err := l.verify(c, i, n, stop); err != nil {
				failed.CompareAndSwap(nil, &err)
			}
		})
	}
	return func() (*counts, time.Duration) {
		<-stop
		took := time.Since(began)
		all.Wait()
		if err := failed.Load(); err != nil {
			b.Fatal(*err)
		}
		return n, took
	}
}

// verify is one client. A refusal for want of a place spends nothing, so the same
// question is tried again, at once.
func (l *verifiersLoad) verify(c *conn, i int, n *counts, stop <-chan struct{}) error {
	for {
		id, err := l.question(c, i)
		if err != nil {
			return err
		}
		verify := l.tenant.verifyRequest(id)
		for status := 0; status != http.StatusOK; {
			var body []byte
			if status, body, err = c.do(verify); err != nil {
				return err
			}
			select {
			case <-stop:
				return nil
			default:
			}
			switch status {
			case http.StatusOK:
				n.verified.Add(1)
			case http.StatusServiceUnavailable:
				n.refused.Add(1)
			default:
				return fmt.Errorf("bench: verify: status %d: %s", status, body)
			}
		}
	}
}

// question is one that was prepared, or a new one when they are used up.
func (l *verifiersLoad) question(c *conn, i int) (uuid.UUID, error) {
	if n := len(l.pending[i]); n > 0 {
		id := l.pending[i][n-1]
		l.pending[i] = l.pending[i][:n-1]
		return id, nil
	}
	return asked(c, l.tenant.askRequest(l.customers[i]), "pending")
}

// closedAfter returns a channel that is closed after that long.
func closedAfter(d time.Duration) <-chan struct{} {
	stop := make(chan struct{})
	time.AfterFunc(d, func() { close(stop) })
	return stop
}

// BenchmarkVerifies compares verifies of 64 clients with what the pool hashes when
// it is alone.
func BenchmarkVerifies(b *testing.B) {
	var limit float64
	b.Run("limit", func(b *testing.B) {
		for b.Loop() {
			limit = hashRate(b)
		}
		b.ReportMetric(0, "ns/op")
		b.ReportMetric(limit, "hashes/s")
	})
	onBoth(b, func(b *testing.B, s store) {
		b.Helper()
		load := newVerifiers(b, serve(b, s, roomForAll))
		for b.Loop() {
			n, took := load.run(b, closedAfter(*span))()
			reportVerifies(b, n, took, limit)
		}
		b.ReportMetric(0, "ns/op")
	})
}

func reportVerifies(b *testing.B, n *counts, took time.Duration, limit float64) {
	b.Helper()
	rate := float64(n.verified.Load()) / took.Seconds()
	b.ReportMetric(rate, "verifies/s")
	if limit > 0 {
		b.ReportMetric(rate/limit, "of-limit")
	}
	if refused := n.refused.Load(); refused > 0 {
		b.ReportMetric(float64(refused)/took.Seconds(), "refused/s")
	}
}

// BenchmarkReadsBesideVerifies sends 1,000 status reads a second and measures how long
// they take with and without verifiers beside them.
func BenchmarkReadsBesideVerifies(b *testing.B) {
	limit := hashRate(b)
	onBoth(b, func(b *testing.B, s store) {
		b.Helper()
		patient := serve(b, s, roomForAll)
		load := newVerifiers(b, patient)
		b.Run("rest", func(b *testing.B) { load.readsBeside(b, patient, nil, limit) })
		b.Run("beside", func(b *testing.B) { load.readsBeside(b, patient, load, limit) })
		patient.stop(b)

		refusing := serve(b, s)
		load = newVerifiers(b, refusing)
		b.Run("refused", func(b *testing.B) { load.readsBeside(b, refusing, load, limit) })
	})
}

// readsBeside reads the statuses of l's customers, with the verifiers beside it.
func (l *verifiersLoad) readsBeside(b *testing.B, p *process, beside *verifiersLoad, limit float64) {
	b.Helper()
	readers := connect(b, p.addr, verifiers)
	reads := requests(l.customers, l.tenant.statusRequest)
	for b.Loop() {
		stop := make(chan struct{})
		wait := func() (*counts, time.Duration) { return nil, 0 }
		if beside != nil {
			wait = beside.run(b, stop)
		}
		took := readers.pace(b, time.Millisecond, *span, func(c *conn, i int) error {
			_, err := c.want(http.StatusOK, reads[i%len(reads)])
			return err
		})
		close(stop)
		n, lasted := wait()
		took.report(b)
		if n != nil {
			reportVerifies(b, n, lasted, limit)
		}
	}
}
