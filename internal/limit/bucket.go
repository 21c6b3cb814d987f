package limit

import (
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// Rate is how often something may happen: once in Every, and Burst times at once. The zero Rate is no
// limit.
type Rate struct {
	Every time.Duration
	Burst int
}

// PerSecond returns a rate of n a second with a burst of twice that, and for 0 no limit.
func PerSecond(n int) Rate {
	if n <= 0 {
		return Rate{}
	}
	return Rate{Every: time.Second / time.Duration(n), Burst: 2 * n}
}

// Limits says whether there is a limit.
func (r Rate) Limits() bool { return r.Every > 0 && r.Burst > 0 }

// Window is how long an empty bucket takes to be full.
func (r Rate) Window() time.Duration { return r.Every * time.Duration(r.Burst) }

// Bucket is a token bucket, as the generic cell rate algorithm keeps it: the time at which it is full
// again. The zero Bucket is full.
type Bucket struct{ fullAt time.Time }

// Take takes a token. Without one it returns the bucket as it was, and how long until there is one.
func (b Bucket) Take(r Rate, now time.Time) (next Bucket, wait time.Duration) {
	missing := b.fullAt.Sub(now)
	// A clock that was set back must not empty the bucket for longer than it takes to be full.
	missing = min(max(missing, 0), r.Window())
	if missing += r.Every; missing > r.Window() {
		return b, missing - r.Window()
	}
	return Bucket{fullAt: now.Add(missing)}, 0
}

// ExceededError is a limit that was exceeded.
type ExceededError struct {
	// Policy names the limit: of a credential, an address or a link.
	Policy string
	// Quota is how much is allowed within Window.
	Quota  int
	Window time.Duration
	// RetryAfter is when there is a token again.
	RetryAfter time.Duration
}

// Error implements error.
func (e *ExceededError) Error() string {
	return fmt.Sprintf("limit: more than %d requests in %s for one %s", e.Quota, e.Window, e.Policy)
}

// Buckets are the token buckets of many keys. At most as many are kept as were asked for; past that,
// the bucket that was not used for longest is forgotten, as if it were full: it is, unless that many
// keys were used within [Rate.Window]. They are safe for concurrent use.
type Buckets[K comparable] struct {
	policy string
	rate   Rate
	now    func() time.Time

	mu  sync.Mutex
	all *simplelru.LRU[K, Bucket]
}

// NewBuckets returns full buckets of a rate that limits, for at most size keys, one or more.
func NewBuckets[K comparable](policy string, rate Rate, size int, now func() time.Time) *Buckets[K] {
	all, _ := simplelru.NewLRU[K, Bucket](max(1, size), nil) // fails for a size below one alone
	return &Buckets[K]{policy: policy, rate: rate, now: now, all: all}
}

// Take takes a token of the key's, or returns an [*ExceededError].
func (b *Buckets[K]) Take(k K) error {
	if !b.rate.Limits() {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	bucket, _ := b.all.Get(k)
	next, wait := bucket.Take(b.rate, b.now())
	if wait > 0 {
		return &ExceededError{Policy: b.policy, Quota: b.rate.Burst, Window: b.rate.Window(), RetryAfter: wait}
	}
	b.all.Add(k, next)
	return nil
}

// Has says whether the key has a bucket.
func (b *Buckets[K]) Has(k K) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.all.Contains(k)
}

// Know gives a key without a bucket a full one.
func (b *Buckets[K]) Know(k K) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.all.Contains(k) {
		b.all.Add(k, Bucket{})
	}
}

// Forget drops the bucket of a key.
func (b *Buckets[K]) Forget(k K) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.all.Remove(k)
}

// Len returns how many keys have a bucket.
func (b *Buckets[K]) Len() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.all.Len()
}
