package pgtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// oldest is the first major version of PostgreSQL that hydrapin supports.
const oldest = 15

// ErrNoBinaries is returned by [FindBinaries] when this machine has no usable
// PostgreSQL server. Its text says how to get one.
var ErrNoBinaries = errors.New(`no PostgreSQL server binaries (version 15 or newer) on this machine
  Debian, Ubuntu:  sudo apt-get install postgresql
  Fedora:          sudo dnf install postgresql-server
  macOS:           brew install postgresql@17
  elsewhere:       put the directory of initdb and postgres on PATH
No service has to run: the tests start a throwaway server of their own`)

// folders are where packages put the server's binaries without adding them to
// PATH: Debian and Ubuntu, the PGDG packages for Red Hat, and both Homebrews.
var folders = []string{
	"/usr/lib/postgresql/*/bin",
	"/usr/pgsql-*/bin",
	"/opt/homebrew/opt/postgresql@*/bin",
	"/usr/local/opt/postgresql@*/bin",
}

var versionPattern = regexp.MustCompile(`^postgres \(PostgreSQL\) (\d+)`)

// FindBinaries returns the directory that holds initdb and postgres: the
// newest version among those on PATH, the one pg_config names, and the usual
// package folders. The error is [ErrNoBinaries].
func FindBinaries(ctx context.Context) (string, error) {
	var candidates []string
	if path, err := exec.LookPath("postgres"); err == nil {
		if target, err := filepath.EvalSymlinks(path); err == nil {
			candidates = append(candidates, filepath.Dir(target))
		}
	}
	if out, err := exec.CommandContext(ctx, "pg_config", "--bindir").Output(); err == nil {
		candidates = append(candidates, strings.TrimSpace(string(out)))
	}
	for _, pattern := range folders {
		found, err := filepath.Glob(pattern)
		if err != nil {
			return "", fmt.Errorf("glob %q: %w", pattern, err)
		}
		candidates = append(candidates, found...)
	}

	slices.Sort(candidates)
	best, bestVersion := "", oldest-1
	for _, dir := range slices.Compact(candidates) {
		if version := serverVersion(ctx, dir); version > bestVersion {
			best, bestVersion = dir, version
		}
	}
	if best == "" {
		return "", ErrNoBinaries
	}
	return best, nil
}

// serverVersion is the major version of the server in dir, or 0 when dir does
// not hold both binaries.
func serverVersion(ctx context.Context, dir string) int {
	if _, err := os.Stat(filepath.Join(dir, "initdb")); err != nil {
		return 0
	}
	out, err := exec.CommandContext(ctx, filepath.Join(dir, "postgres"), "--version").Output()
	if err != nil {
		return 0
	}
	match := versionPattern.FindSubmatch(out)
	if match == nil {
		return 0
	}
	version, err := strconv.Atoi(string(match[1]))
	if err != nil {
		return 0
	}
	return version
}
