package guard

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
	"sync"
)

const (
	// maxClientLine and maxUpstreamLine bound a message. Results may have images.
	maxClientLine   = 16 << 20
	maxUpstreamLine = 64 << 20
)

var errLongLine = errors.New("guard: the line is too long")

// lineReader reads lines of bounded length.
type lineReader struct {
	r   *bufio.Reader
	max int
}

func newLineReader(r io.Reader, longest int) *lineReader {
	return &lineReader{r: bufio.NewReaderSize(r, 64<<10), max: longest}
}

// next returns the next line without its end. A line that is too long is read to its end and
// returned as [errLongLine]; the one after it can be read.
func (l *lineReader) next() ([]byte, error) {
	var line []byte
	long := false
	for {
		piece, err := l.r.ReadSlice('\n')
		if !long && len(line)+len(piece) > l.max {
			long, line = true, nil
		}
		if !long {
			line = append(line, piece...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
		case err != nil && (len(line) == 0 && !long || !errors.Is(err, io.EOF)):
			return nil, err
		case long:
			return nil, errLongLine
		default:
			return line, nil
		}
	}
}

// lineWriter writes whole lines of JSON.
type lineWriter struct {
	mu sync.Mutex
	w  io.Writer
}

// separators end a line for some readers, such as Node's readline. In JSON they can stand in texts
// alone, where an escape means the same: nobody may find a second message in a line.
var separators = strings.NewReplacer("\u2028", `\u2028`, "\u2029", `\u2029`, "\u0085", `\u0085`)

func (l *lineWriter) write(line []byte) error {
	if bytes.ContainsAny(line, "\u2028\u2029\u0085") {
		line = []byte(separators.Replace(string(line)))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	_, err := l.w.Write(append(line[:len(line):len(line)], '\n'))
	return err
}
