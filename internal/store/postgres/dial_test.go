package postgres_test

import (
	"net"
	"net/url"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// deafHost returns an address at which nobody answers, as at that of a machine which is
// gone: the queue of its listener is full, and nobody takes from it.
func deafHost(t *testing.T) string {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(name.(*syscall.SockaddrInet4).Port)) //nolint:forcetypeassert // as bound
	for range 10 {
		conn, err := net.DialTimeout("tcp", address, 200*time.Millisecond)
		if err != nil {
			return address
		}
		t.Cleanup(func() { _ = conn.Close() })
	}
	t.Fatal("somebody answers")
	return ""
}

// A host that does not answer at all, in front of one that does, costs each connection
// little.
func TestDeafHost(t *testing.T) {
	t.Parallel()
	_, address := fresh(t)
	several, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	several.Host = deafHost(t) + "," + several.Host
	began := time.Now()
	s := open(t, several.String())
	if err := s.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > 4*time.Second {
		t.Errorf("it took %v", took)
	}
}
