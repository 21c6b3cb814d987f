package limit_test

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/hydracore/hydrapin/internal/limit"
)

var start = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)

// From a full bucket a burst is taken at once, then one in each interval; and when a token is refused,
// the time that is named is the time at which there is one.
func TestBucket(t *testing.T) {
	t.Parallel()
	r := limit.PerSecond(50)
	var b limit.Bucket
	var wait time.Duration
	for range 100 {
		if b, wait = b.Take(r, start); wait != 0 {
			t.Fatal("a full bucket refused a token of its burst")
		}
	}
	if _, wait = b.Take(r, start); wait != 20*time.Millisecond {
		t.Fatalf("empty, it says %s", wait)
	}
	if _, wait = b.Take(r, start.Add(wait)); wait != 0 {
		t.Error("refused at the time that it named")
	}
	if limit.PerSecond(0).Limits() || (limit.Rate{}).Limits() {
		t.Error("0 is a limit")
	}
}

// Over any stretch of time no more than burst + rate × time is taken, however it is asked for and
// however the clock moves; and a bucket is full again after its window.
func TestBucketsAreNeverOverdrawn(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := limit.Rate{
			Every: time.Duration(rapid.IntRange(1, 5000).Draw(t, "every")) * time.Millisecond,
			Burst: rapid.IntRange(1, 20).Draw(t, "burst"),
		}
		var b limit.Bucket
		now, taken := start, 0
		for range rapid.IntRange(1, 200).Draw(t, "requests") {
			now = now.Add(time.Duration(rapid.IntRange(0, 3000).Draw(t, "after")) * time.Millisecond)
			next, wait := b.Take(r, now)
			if wait == 0 {
				taken++
			} else if next != b || wait > r.Every {
				t.Fatalf("refused, and changed or more than one interval away: %s", wait)
			}
			b = next
			if most := r.Burst + int(now.Sub(start)/r.Every); taken > most {
				t.Fatalf("%d taken of %d", taken, most)
			}
		}
		back := now.Add(-time.Duration(rapid.IntRange(0, 1e6).Draw(t, "back")) * time.Second)
		if _, wait := b.Take(r, back); wait > r.Every {
			t.Fatalf("a clock that went back makes it wait %s", wait)
		}
		now = now.Add(r.Window())
		for range r.Burst {
			var wait time.Duration
			if b, wait = b.Take(r, now); wait != 0 {
				t.Fatal("not full after its window")
			}
		}
	})
}

// However many keys come, no more than were asked for are remembered, and those that come often keep
// theirs.
func TestBucketsAreBounded(t *testing.T) {
	t.Parallel()
	const size = 100
	b := limit.NewBuckets[string]("key", limit.Rate{Every: time.Hour, Burst: 3}, size, func() time.Time { return start })
	refused := 0
	for i := range 100 * size {
		if err := b.Take("often"); err != nil {
			refused++
		}
		if err := b.Take(fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
		if b.Len() > size {
			t.Fatalf("%d keys are remembered", b.Len())
		}
	}
	if refused != 100*size-3 {
		t.Errorf("the key that comes often was refused %d times", refused)
	}
}

func TestRequests(t *testing.T) {
	t.Parallel()
	r := limit.NewRequests(limit.Rates{
		Key: limit.Rate{Every: time.Second, Burst: 4}, Address: limit.Rate{Every: time.Second, Burst: 2},
	}, func() time.Time { return start })
	// until returns how many requests pass.
	until := func(credential, from string) (n int, policy string) {
		for ; n < 10; n++ {
			var over *limit.ExceededError
			if errors.As(r.Take(credential, netip.MustParseAddr(from)), &over) {
				return n, over.Policy
			}
		}
		return n, ""
	}
	for _, c := range []struct {
		name, credential, from, know string
		want                         int
		policy                       string
	}{
		{"an address", "", "192.0.2.1", "", 2, "address"},
		{"a credential that nobody knows is its address's", "guess", "192.0.2.1", "", 0, "address"},
		{"one that is known has its own", "key", "192.0.2.1", "key", 4, "key"},
		{"also from elsewhere", "key", "192.0.2.2", "", 0, "key"},
		{"another address", "", "192.0.2.2", "", 2, "address"},
		{"the same in IPv6's clothes", "", "::ffff:192.0.2.2", "", 0, "address"},
		{"an IPv6 network", "", "2001:db8::1", "", 2, "address"},
		{"the same network", "", "2001:db8::2:3", "", 0, "address"},
		{"with a zone", "", "2001:db8::9%eth0", "", 0, "address"},
		{"another network", "", "2001:db8:0:1::1", "", 2, "address"},
	} {
		if c.know != "" {
			r.Know(c.know)
		}
		if n, policy := until(c.credential, c.from); n != c.want || policy != c.policy {
			t.Errorf("%s: %d requests, then %q; want %d, then %q", c.name, n, policy, c.want, c.policy)
		}
	}
	// To know it again does not fill its bucket; to forget it charges its address.
	r.Know("key")
	if n, _ := until("key", "198.51.100.1"); n != 0 {
		t.Errorf("known again: %d requests", n)
	}
	r.Forget("key")
	if n, policy := until("key", "198.51.100.1"); n != 2 || policy != "address" {
		t.Errorf("forgotten: %d requests, then %q", n, policy)
	}
}
