package config

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// lockFolder takes the folder's lock without waiting. The kernel gives it up when
// the process ends, however it ends, so nothing is left over to clear away.
func lockFolder(dir string) (*os.File, *Problem) {
	path := filepath.Join(dir, lockFile)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, fileMode)
	if err != nil {
		problem := notWritable(dir, err)
		return nil, &problem
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		// The number is for people; the lock itself is what counts.
		err = writePID(f)
	} else if errors.Is(err, syscall.EWOULDBLOCK) {
		owner := readPID(f)
		_ = f.Close()
		return nil, &Problem{dir, "is in use by another hydrapin" + owner + ": stop that one, or give this one a folder of its own with " + nameDataDir}
	}
	if err != nil {
		_ = f.Close()
		return nil, &Problem{path, "cannot be locked (" + cause(err) + "): use a file system that can lock, for " + nameDataDir}
	}
	return f, nil
}

func writePID(f *os.File) error {
	pid := strconv.Itoa(os.Getpid()) + "\n"
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err := f.WriteAt([]byte(pid), 0)
	return err
}

// readPID returns the owner of a lock for a message, or nothing when the owner has
// not yet written it.
func readPID(f *os.File) string {
	b, err := io.ReadAll(io.LimitReader(f, 32))
	pid, convErr := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil || convErr != nil {
		return ""
	}
	return " (pid " + strconv.Itoa(pid) + ")"
}
