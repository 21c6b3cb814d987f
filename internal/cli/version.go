package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/hydracore/hydrapin/internal/server"
)

// commit is set by the linker; see the Makefile.
var commit string

type versionCommand struct{}

// Help implements kong.HelpProvider.
func (versionCommand) Help() string {
	return `It prints the version of the API contract, which the SDKs share, and the commit that this program was built from.

Example:

    hydrapin version`
}

// Run prints the version.
func (versionCommand) Run(a *app) error {
	_, err := fmt.Fprintln(a.stdout, versionLine())
	return err
}

func versionLine() string {
	return fmt.Sprintf("%s %s, %s, %s/%s", programName, versionName(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// versionName returns the contract's version with the commit.
func versionName() string {
	return server.ContractVersion() + " (" + commitName() + ")"
}

// commitName returns what the linker set, or what the Go command recorded.
func commitName() string {
	if commit != "" {
		return commit
	}
	name, modified := "commit unknown", ""
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			switch {
			case s.Key == "vcs.revision" && len(s.Value) >= 12:
				name = s.Value[:12]
			case s.Key == "vcs.modified" && s.Value == "true":
				modified = "-dirty"
			}
		}
	}
	return name + modified
}
