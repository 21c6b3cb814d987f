//go:build !unix

package guard

import (
	"os"
	"os/exec"
)

func setGroup(*exec.Cmd) {}

// terminate has no signal to send; kill follows it.
func terminate(*os.Process) {}

func kill(p *os.Process) { _ = p.Kill() }

func signalOf(*os.ProcessState) int { return 0 }
