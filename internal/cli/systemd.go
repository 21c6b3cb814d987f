package cli

import (
	"context"
	"net"
	"strconv"
	"strings"
	"time"
)

// supervisor is systemd, where it started this process and asked to be notified
// (sd_notify(3)): with Type=notify a unit counts as started only when requests are
// answered. The zero supervisor is nobody.
type supervisor struct {
	socket string
	// watchdog is how often it wants to hear that the process lives; 0 for never.
	watchdog time.Duration
}

// supervisorOf reads what systemd has set in the environment.
func supervisorOf(environ []string) supervisor {
	var s supervisor
	for _, variable := range environ {
		switch name, value, _ := strings.Cut(variable, "="); name {
		case "NOTIFY_SOCKET":
			s.socket = value
		case "WATCHDOG_USEC":
			if usec, err := strconv.ParseInt(value, 10, 32); err == nil && usec > 0 {
				s.watchdog = time.Duration(usec) * time.Microsecond
			}
		}
	}
	return s
}

// tell sends a state. systemd acts on what it does not hear, so an error has nowhere to go.
func (s supervisor) tell(state string) {
	if s.socket == "" {
		return
	}
	var d net.Dialer
	conn, err := d.DialContext(context.Background(), "unixgram", s.socket)
	if err != nil {
		return
	}
	defer func() { _ = conn.Close() }()
	_, _ = conn.Write([]byte(state))
}

// live tells the watchdog that the process lives, until ctx ends: one that hangs as a whole is
// restarted. Whether it can serve is for /readyz to say; a restart would not mend a database.
func (s supervisor) live(ctx context.Context) {
	if s.watchdog == 0 {
		return
	}
	tick := time.NewTicker(s.watchdog / 2)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			s.tell("WATCHDOG=1")
		}
	}
}
