package cli

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/mattn/go-isatty"
)

const (
	// barWidth is how wide a progress bar is.
	barWidth = 30
	// barEvery is how often it is drawn at most.
	barEvery = 100 * time.Millisecond
)

// bar is a progress bar, on a terminal alone.
type bar struct {
	out   io.Writer // nil where there is no terminal
	what  string
	size  int64
	drawn time.Time
}

// progress returns a bar on stderr, which is silent where that is no terminal.
func (a *app) progress(what string, size int64) *bar {
	b := &bar{what: what, size: size}
	if file, ok := a.stderr.(*os.File); ok && isatty.IsTerminal(file.Fd()) {
		b.out = file
	}
	return b
}

// show draws how much is done.
func (b *bar) show(done int64) {
	if b.out == nil || b.size <= 0 || done < b.size && time.Since(b.drawn) < barEvery {
		return
	}
	b.drawn = time.Now()
	full := int(done * barWidth / b.size)
	fmt.Fprintf(b.out, "\r[%s%s] %3d %%  %d of %d events %s", strings.Repeat("#", full), strings.Repeat(".", barWidth-full),
		done*100/b.size, done, b.size, b.what)
}

// end goes on to the next line.
func (b *bar) end() {
	if b.out != nil && !b.drawn.IsZero() {
		fmt.Fprintln(b.out)
	}
}
