package config

import (
	"fmt"
	"strings"
)

// Fault is one thing that is wrong and what to do about it. It never holds a
// setting's value.
type Fault struct {
	// Setting is the variable, or the file, that it is about.
	Setting string
	// Problem begins with a verb whose subject is the setting.
	Problem string
}

// String returns the fault as one line.
func (f Fault) String() string { return f.Setting + " " + f.Problem }

// Error is every fault that was found.
type Error struct{ Faults []Fault }

// Error implements error: one line for one fault, else a line that counts them
// and one for each.
func (e *Error) Error() string {
	if len(e.Faults) == 1 {
		return e.Faults[0].String()
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d things are wrong:", len(e.Faults))
	for _, f := range e.Faults {
		b.WriteString("\n  " + f.String())
	}
	return b.String()
}

func asError(faults []Fault) error {
	if len(faults) == 0 {
		return nil
	}
	return &Error{Faults: faults}
}
