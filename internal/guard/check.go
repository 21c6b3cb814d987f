package guard

import (
	"context"
	"errors"
	"io"
)

// Report is what [Guard.Check] finds.
type Report struct{ Unlisted []string }

// Warnings returns how many warnings there are.
func (r Report) Warnings() int { return 0 }

// WriteText prints a report for people.
func (r Report) WriteText(io.Writer) error { return nil }

// WriteJSON prints a report for programs.
func (r Report) WriteJSON(io.Writer) error { return nil }

// Check lists.
func (g *Guard) Check(context.Context, io.Writer) (Report, error) {
	return Report{}, errors.New("not yet")
}
