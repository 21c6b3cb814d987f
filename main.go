// Hydrapin makes a person confirm with a PIN before an AI agent runs a skill. The
// commands are internal/cli's; README.md is the way in.
package main

import (
	"os"

	"github.com/hydracore/hydrapin/internal/cli"
)

func main() { os.Exit(cli.Main()) }
