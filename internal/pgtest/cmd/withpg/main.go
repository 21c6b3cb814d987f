// Command withpg runs another command beside a throwaway PostgreSQL server,
// which it names in HYDRAPIN_TEST_POSTGRES and ends afterwards:
//
//	go run ./internal/pgtest/cmd/withpg go test ./...
//
// It exits as the command did. With -find it starts nothing and prints where
// the server's binaries are, or fails.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"github.com/hydracore/hydrapin/internal/pgtest"
)

func main() {
	find := flag.Bool("find", false, "print the directory of the server's binaries and exit")
	flag.Parse()
	code, err := run(*find, flag.Args())
	if err != nil {
		fmt.Fprintf(os.Stderr, "withpg: %v\n", err)
	}
	os.Exit(code)
}

// run returns the exit status: the command's own, or 1 with an error.
func run(find bool, args []string) (code int, err error) {
	// A signal from the terminal reaches the command as well; one from kill
	// reaches this process alone and is passed on by the context.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	if find {
		dir, err := pgtest.FindBinaries(ctx)
		if err != nil {
			return 1, err
		}
		fmt.Println(dir)
		return 0, nil
	}
	if len(args) == 0 {
		return 1, errors.New("which command? withpg [-find] command [argument...]")
	}

	cluster, err := pgtest.NewCluster(ctx)
	if err != nil {
		return 1, err
	}
	defer func() {
		if removeErr := cluster.Remove(); removeErr != nil {
			code, err = 1, errors.Join(err, removeErr)
		}
	}()

	command := exec.CommandContext(ctx, args[0], args[1:]...)
	command.Env = append(os.Environ(), pgtest.EnvURL+"="+cluster.URL())
	command.Stdin, command.Stdout, command.Stderr = os.Stdin, os.Stdout, os.Stderr
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	err = command.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0, nil
	case errors.As(err, &exit) && exit.Exited():
		return exit.ExitCode(), nil
	default:
		return 1, err
	}
}
