package cli

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/mattn/go-isatty"
)

// The colours of a terminal.
const (
	plain  = ""
	bold   = "\x1b[1m"
	red    = "\x1b[31m"
	green  = "\x1b[32m"
	yellow = "\x1b[33m"
	reset  = "\x1b[0m"
)

// table prints rows of text for people, in columns. On a terminal some words have colours,
// unless NO_COLOR is set (no-color.org).
type table struct {
	out      io.Writer
	coloured bool
	rows     [][]string
	// colours are of the last column of marked, row by row.
	colours []string
	marked  int
}

// newTable returns a table whose column number marked may have a colour in each row.
func (a *app) newTable(marked int, header ...string) *table {
	f, isFile := a.stdout.(*os.File)
	t := &table{out: a.stdout, marked: marked}
	t.coloured = isFile && isatty.IsTerminal(f.Fd()) &&
		!slices.ContainsFunc(a.environ, func(s string) bool { return strings.HasPrefix(s, "NO_COLOR=") && s != "NO_COLOR=" })
	t.add(plain, header...)
	return t
}

// add adds a row, whose marked column has the colour.
func (t *table) add(colour string, cells ...string) {
	for i, cell := range cells {
		if cells[i] = shown(cell); cell == "" {
			cells[i] = "-"
		}
	}
	t.rows, t.colours = append(t.rows, cells), append(t.colours, colour)
}

// shown keeps what someone else wrote from reaching a terminal as a control sequence, or
// from looking like more than one cell.
func shown(s string) string {
	if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 || r == '\u2028' || r == '\u2029' }) {
		return fmt.Sprintf("%+q", s)
	}
	return s
}

// print aligns the columns first: colours have no width, which tabwriter does not know.
func (t *table) print() error {
	var aligned strings.Builder
	w := tabwriter.NewWriter(&aligned, 0, 0, 2, ' ', 0)
	for _, row := range t.rows {
		fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for i, line := range strings.Split(strings.TrimSuffix(aligned.String(), "\n"), "\n") {
		if _, err := fmt.Fprintln(t.out, t.colour(i, line)); err != nil {
			return err
		}
	}
	return nil
}

func (t *table) colour(row int, line string) string {
	switch {
	case !t.coloured:
		return line
	case row == 0:
		return bold + line + reset
	case t.colours[row] == plain:
		return line
	}
	cell := t.rows[row][t.marked]
	before := 0
	for _, other := range t.rows[row][:t.marked] {
		before += strings.Index(line[before:], other) + len(other)
	}
	at := before + strings.Index(line[before:], cell)
	return line[:at] + t.colours[row] + cell + reset + line[at+len(cell):]
}
