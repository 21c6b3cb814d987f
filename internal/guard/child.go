package guard

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// graceTime is how long the upstream may take to end after its stdin was closed, and once more after
// SIGTERM.
const graceTime = 5 * time.Second

// settingsPrefix is that of the variables that the upstream does not get.
const settingsPrefix = "HYDRAPIN_"

// command returns the upstream's command, in a process group of its own and without guard's
// settings.
func command(ctx context.Context, args []string, stderr io.Writer) *exec.Cmd {
	c := exec.CommandContext(ctx, args[0], args[1:]...) //nolint:gosec // the operator names the command
	c.Env = childEnv(os.Environ())
	c.Stderr = stderr
	setGroup(c)
	return c
}

func childEnv(environ []string) []string {
	kept := []string{}
	for _, variable := range environ {
		if name, _, _ := strings.Cut(variable, "="); !strings.HasPrefix(strings.ToUpper(name), settingsPrefix) {
			kept = append(kept, variable)
		}
	}
	return kept
}

// child is the upstream as a process.
type child struct {
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stdout io.ReadCloser
	// ended is closed when the process has ended and code is its exit code.
	ended chan struct{}
	code  int
	// grace is graceTime, shorter in tests.
	grace time.Duration
}

// startChild starts the upstream.
func startChild(args []string, stderr io.Writer) (*child, error) {
	c := &child{cmd: command(context.Background(), args, stderr), ended: make(chan struct{}), grace: graceTime}
	var err error
	if c.stdin, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	// A pipe of guard's own: what the process wrote before it ended can still be read afterwards, and
	// its children may keep the pipe open.
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	c.stdout, c.cmd.Stdout = read, write
	// A process that the upstream leaves behind may keep stderr open.
	c.cmd.WaitDelay = time.Second
	err = c.cmd.Start()
	_ = write.Close()
	if err != nil {
		_ = read.Close()
		return nil, err
	}
	go func() {
		defer close(c.ended)
		c.code = codeOf(c.cmd.Wait())
	}()
	return c, nil
}

// codeOf returns the exit code for the end of a process: 128 and the signal if one ended it.
func codeOf(err error) int {
	exit, ok := errors.AsType[*exec.ExitError](err)
	switch {
	case err == nil:
		return 0
	case !ok:
		return 1
	case exit.ExitCode() < 0:
		return 128 + signalOf(exit.ProcessState)
	default:
		return exit.ExitCode()
	}
}

// stop ends the process as MCP says: it closes its stdin, then sends SIGTERM, then SIGKILL, to the
// whole group.
func (c *child) stop() {
	_ = c.stdin.Close()
	if !c.endsWithin(c.grace) {
		terminate(c.cmd.Process)
		if !c.endsWithin(c.grace) {
			kill(c.cmd.Process)
			<-c.ended
		}
	}
	// What the process left behind must not outlive it.
	kill(c.cmd.Process)
}

func (c *child) endsWithin(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-c.ended:
		return true
	case <-t.C:
		return false
	}
}
