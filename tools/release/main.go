// Command release writes a module's files as a module proxy serves them, so that the go command can
// use a folder as its proxy (https://go.dev/ref/mod#goproxy-protocol).
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"
)

func main() {
	path := flag.String("module", "", "the module's path")
	version := flag.String("version", "", "its version")
	dir := flag.String("dir", "", "the folder that its go.mod is in")
	proxy := flag.String("proxy", "", "the folder of the proxy")
	flag.Parse()
	if err := pack(module.Version{Path: *path, Version: *version}, *dir, *proxy); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

func pack(m module.Version, dir, proxy string) (err error) {
	escaped, err := module.EscapePath(m.Path)
	if err != nil {
		return err
	}
	folder := filepath.Join(proxy, escaped, "@v")
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return err
	}
	mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		return err
	}
	info, err := json.Marshal(map[string]any{"Version": m.Version, "Time": time.Now().UTC().Truncate(time.Second)})
	if err != nil {
		return err
	}
	file := func(suffix string) string { return filepath.Join(folder, m.Version+suffix) }
	archive, err := os.Create(file(".zip"))
	if err != nil {
		return err
	}
	return errors.Join(
		zip.CreateFromDir(archive, m, dir),
		archive.Close(),
		os.WriteFile(file(".mod"), mod, 0o600),
		os.WriteFile(file(".info"), info, 0o600),
		os.WriteFile(filepath.Join(folder, "list"), []byte(m.Version+"\n"), 0o600),
	)
}
