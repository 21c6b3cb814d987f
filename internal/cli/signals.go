package cli

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/mattn/go-isatty"
)

// untilStopped returns a context that SIGTERM and Ctrl-C end; after that a second
// signal ends the process at once. SIGHUP means that a terminal went away: on a
// terminal it stops the server, too, and elsewhere it is ignored, because it is what
// log rotation and process managers send to ask for a reload.
func untilStopped(ctx context.Context) (context.Context, context.CancelFunc) {
	stopping := []os.Signal{syscall.SIGINT, syscall.SIGTERM}
	switch {
	case signal.Ignored(syscall.SIGHUP):
		// nohup did that.
	case onTerminal():
		stopping = append(stopping, syscall.SIGHUP)
	default:
		signal.Ignore(syscall.SIGHUP)
	}
	ctx, stop := signal.NotifyContext(ctx, stopping...)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}

func onTerminal() bool {
	for _, f := range []*os.File{os.Stdin, os.Stdout, os.Stderr} {
		if isatty.IsTerminal(f.Fd()) {
			return true
		}
	}
	return false
}
