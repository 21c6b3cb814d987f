package postgres

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	// hostTimeout is how long one of several hosts may take to answer at all, and
	// deafTimeout how long one that has just not answered: the others wait behind it.
	hostTimeout = 500 * time.Millisecond
	deafTimeout = 50 * time.Millisecond
	// deafFor is after what time a host that did not answer gets its full time again.
	deafFor = 5 * time.Second
)

// dialer opens the connections of a pool. Hosts are tried in the order of the URL, and a
// machine that is gone answers nothing: with five seconds for each, a standby that was
// promoted would be found five seconds late, by every connection anew.
type dialer struct {
	net     net.Dialer
	several bool

	mu sync.Mutex
	// deaf has when an address last did not answer in its full time.
	deaf map[string]time.Time
}

func newDialer(cc *pgx.ConnConfig) *dialer {
	d := &dialer{deaf: make(map[string]time.Time)}
	d.net.Timeout = cc.ConnectTimeout
	// A peer that vanished without a word is noticed within 25 seconds.
	d.net.KeepAliveConfig = net.KeepAliveConfig{
		Enable: true, Idle: 10 * time.Second, Interval: 5 * time.Second, Count: 3,
	}
	for _, other := range cc.Fallbacks {
		// The same host without TLS is a fallback too.
		d.several = d.several || other.Host != cc.Host || other.Port != cc.Port
	}
	return d
}

func (d *dialer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if !d.several {
		return d.net.DialContext(ctx, network, address)
	}
	timeout := d.timeout(address)
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	conn, err := d.net.DialContext(ctx, network, address)
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case err == nil:
		delete(d.deaf, address)
	case ctx.Err() != nil && timeout != deafTimeout:
		d.deaf[address] = time.Now()
	}
	return conn, err
}

func (d *dialer) timeout(address string) time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	if since, ok := d.deaf[address]; ok && time.Since(since) < deafFor {
		return deafTimeout
	}
	return min(d.net.Timeout, hostTimeout)
}
