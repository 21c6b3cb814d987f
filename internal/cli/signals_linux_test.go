package cli_test

import (
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// terminal returns the two ends of a new terminal.
func terminal(t *testing.T) (ours, theirs *os.File) {
	t.Helper()
	ours, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ours.Close() })
	if err := unix.IoctlSetPointerInt(int(ours.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(ours.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err = os.OpenFile("/dev/pts/"+strconv.Itoa(n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = theirs.Close() })
	return ours, theirs
}

// Without a terminal SIGHUP is what process managers send for a reload: the server
// goes on, and SIGTERM still ends it.
func TestHangupWithoutTerminal(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	s := m.serve()
	stdout, _ := s.printed()
	url := parseGreeting(t, stdout).url
	for range 3 {
		if err := s.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
	}
	if status, _ := call(t, http.MethodGet, url+"/healthz", ""); status != http.StatusOK {
		t.Errorf("after SIGHUP: %d", status)
	}
	s.stop()
}

// On a terminal it means that the terminal is gone, and ends the server in order.
func TestHangupOnTerminal(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	_, theirs := terminal(t)
	s := m.prepare()
	s.cmd.Stdin = theirs
	s.start()
	if err := s.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	if err := <-s.done; err != nil {
		t.Errorf("serve ended with %v", err)
	}
	if _, stderr := s.printed(); !strings.Contains(stderr, `"msg":"stopped"`) {
		t.Errorf("it did not stop in order:\n%s", stderr)
	}
}
