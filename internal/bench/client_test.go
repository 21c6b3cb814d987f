package bench_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// patience is how long a connection may be used at all, so that nothing hangs.
const patience = 3 * time.Minute

// conn is one kept connection. It reads what a server of these benchmarks sends,
// and nothing else of HTTP: no chunks, no trailers, no redirects.
type conn struct {
	c    net.Conn
	r    *bufio.Reader
	body []byte
}

func dial(addr string) (*conn, error) {
	c, err := net.DialTimeout("tcp", addr, 5*time.Second)
	if err != nil {
		return nil, err
	}
	return &conn{c: c, r: bufio.NewReader(c)}, c.SetDeadline(time.Now().Add(patience))
}

// request returns the bytes of a request with a key; a body is JSON.
func request(method, path, key, body string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\n", method, path)
	if key != "" {
		fmt.Fprintf(&b, "X-Api-Key: %s\r\n", key)
	}
	if body != "" {
		fmt.Fprintf(&b, "Content-Type: application/json\r\nContent-Length: %d\r\n", len(body))
	}
	b.WriteString("\r\n" + body)
	return b.Bytes()
}

var errFraming = errors.New("bench: an answer without a length")

// do sends a request and reads its answer. The body is good until the next call.
func (c *conn) do(request []byte) (status int, body []byte, err error) {
	if _, err := c.c.Write(request); err != nil {
		return 0, nil, err
	}
	line, err := c.r.ReadSlice('\n')
	if err != nil {
		return 0, nil, err
	}
	if len(line) < len("HTTP/1.1 200") {
		return 0, nil, errFraming
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, nil, err
	}
	length := -1
	for {
		if line, err = c.r.ReadSlice('\n'); err != nil {
			return 0, nil, err
		}
		name, value, found := bytes.Cut(bytes.TrimRight(line, "\r\n"), []byte(": "))
		if !found {
			break
		}
		if bytes.EqualFold(name, []byte("Content-Length")) {
			if length, err = strconv.Atoi(string(value)); err != nil {
				return 0, nil, err
			}
		}
	}
	switch {
	case status == 204:
		length = 0
	case length < 0:
		return 0, nil, errFraming
	case length > cap(c.body):
		c.body = make([]byte, length)
	}
	c.body = c.body[:length]
	_, err = io.ReadFull(c.r, c.body)
	return status, c.body, err
}

// want is do for an answer that must have the status.
func (c *conn) want(status int, request []byte) ([]byte, error) {
	got, body, err := c.do(request)
	if err == nil && got != status {
		err = fmt.Errorf("bench: status %d, want %d: %s", got, status, body)
	}
	return body, err
}

// clients is a number of connections to one server.
type clients []*conn

// firstRequest is sent at once: a server soon closes a connection on which nothing
// was asked yet. Any answer will do.
var firstRequest = request("GET", "/healthz", "", "")

func connect(b *testing.B, addr string, n int) clients {
	b.Helper()
	all := make(clients, n)
	for i := range all {
		c, err := dial(addr)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = c.c.Close() })
		if _, _, err := c.do(firstRequest); err != nil {
			b.Fatal(err)
		}
		all[i] = c
	}
	return all
}

// each runs op for 0 to n-1, spread over the clients, which all work at once, and
// fails the benchmark with the first error.
func (cs clients) each(b *testing.B, n int, op func(c *conn, i int) error) {
	b.Helper()
	var next atomic.Int64
	var failed atomic.Pointer[error]
	var all sync.WaitGroup
	for _, c := range cs {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < n && failed.Load() == nil; i = int(next.Add(1)) - 1 {
				if err := op(c, i); err != nil {
					failed.CompareAndSwap(nil, &err)
				}
			}
		})
	}
	all.Wait()
	if err := failed.Load(); err != nil {
		b.Fatal(*err)
	}
}

// rate runs b.N operations and reports how many that are a second.
func (cs clients) rate(b *testing.B, unit string, op func(c *conn, i int) error) {
	b.Helper()
	b.ResetTimer()
	cs.each(b, b.N, op)
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), unit)
}
