package config

import (
	"fmt"
	"strings"
)

// Problem is one thing that is wrong and what to do about it. It never holds a
// setting's value.
type Problem struct {
	// Setting is the variable, or the file, that it is about.
	Setting string
	// Text begins with a verb whose subject is the setting.
	Text string
}

// String returns the problem as one line.
func (p Problem) String() string { return p.Setting + " " + p.Text }

// Error is everything that was found.
type Error struct{ Problems []Problem }

// Error implements error: one line for one problem, else a line that counts them
// and one line for each.
func (e *Error) Error() string {
	if len(e.Problems) == 1 {
		return e.Problems[0].String()
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d things are wrong:", len(e.Problems))
	for _, p := range e.Problems {
		b.WriteString("\n  " + p.String())
	}
	return b.String()
}

func asError(problems []Problem) error {
	if len(problems) == 0 {
		return nil
	}
	return &Error{Problems: problems}
}
