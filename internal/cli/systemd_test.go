package cli_test

import (
	"net"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// Under systemd, serve says when it answers, that it lives, and that it stops.
func TestServeUnderSystemd(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Net: "unixgram", Name: filepath.Join(m.dir, "n")})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = socket.Close() }()
	m.env = append(m.env, "NOTIFY_SOCKET="+socket.LocalAddr().String(), "WATCHDOG_USEC=20000")
	hears := func(want string) {
		t.Helper()
		if err := socket.SetReadDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		for {
			message := make([]byte, 100)
			n, err := socket.Read(message)
			if err != nil {
				t.Fatalf("serve did not say %s: %v", want, err)
			}
			switch got := string(message[:n]); got {
			case want:
				return
			case "WATCHDOG=1":
			default:
				t.Fatalf("serve said %q, want %q", got, want)
			}
		}
	}
	s := m.prepare()
	s.start()
	hears("READY=1")
	hears("WATCHDOG=1")
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	hears("STOPPING=1")
	if err := <-s.done; err != nil {
		t.Errorf("serve ended with %v", err)
	}
}
