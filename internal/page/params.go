package page

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// The bounds of params are the contract's; the page holds them once more, because what it draws grows
// with them.
const (
	maxParams = 16 << 10
	maxDepth  = 32
)

// What is longer is folded until the person opens everything.
const (
	maxRows  = 100
	maxRunes = 280
	maxLines = 8
)

// errParams is what the page answers with a 500: params that it cannot show are not confirmed.
var errParams = errors.New("page: the params cannot be shown")

// kind says how a value is written: in its own words, or in the reader's.
type kind string

const (
	kindText  kind = "text"
	kindTrue  kind = "Yes"
	kindFalse kind = "No"
	kindNull  kind = "Nothing"
	kindBlank kind = "EmptyText"
	kindList  kind = "EmptyList"
	kindEvery kind = "AllSkills"
	kindRows  kind = "rows"
)

// row is one name and its value, as the page lists it.
type row struct {
	// Position is the place in a list, from 1; in an object it is 0 and Name is set.
	Position int
	Name     []piece
	Kind     kind
	Value    []piece
	// More counts the characters that are folded away.
	More int
	Rows []row
}

// listing turns texts from outside into what the page shows, and counts what it folds.
type listing struct {
	open   bool // everything is shown
	shown  int
	hidden int
	folded bool
}

// take says whether one more row is shown.
func (l *listing) take() bool {
	if !l.open && l.shown == maxRows {
		l.hidden++
		l.folded = true
		return false
	}
	l.shown++
	return true
}

// text cuts a text to what is shown, and counts the characters that are not.
func (l *listing) text(s string) (shown []piece, more int) {
	if l.open {
		return pieces(s), 0
	}
	count, lines, cut := 0, 1, len(s)
	for i, r := range s {
		if r == '\n' {
			lines++
		}
		if count == maxRunes || lines > maxLines {
			cut = i
			break
		}
		count++
	}
	if cut < len(s) {
		l.folded = true
	}
	return pieces(s[:cut]), len([]rune(s[cut:]))
}

// skills lists names of skills. The policy's entry for every skill is said in words.
func (l *listing) skills(names []string) []row {
	var rows []row
	for _, name := range names {
		switch shown := l.take(); {
		case !shown:
		case name == "*":
			rows = append(rows, row{Kind: kindEvery})
		default:
			value, more := l.text(name)
			rows = append(rows, row{Kind: kindText, Value: value, More: more})
		}
	}
	return rows
}

// params lists the members of a JSON object in their order. Numbers stay as they are written.
func (l *listing) params(raw []byte) ([]row, error) {
	if len(raw) > maxParams {
		return nil, errParams
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if first, err := decoder.Token(); err != nil || first != json.Delim('{') {
		return nil, errParams
	}
	rows, _, err := l.members(decoder, true, 1)
	if err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errParams
	}
	return rows, nil
}

// members reads an object or a list up to its end. It returns the rows that are shown, and how many
// members there are.
func (l *listing) members(decoder *json.Decoder, named bool, depth int) ([]row, int, error) {
	if depth > maxDepth {
		return nil, 0, errParams
	}
	var rows []row
	position := 1
	for ; decoder.More(); position++ {
		shown := l.take()
		r := row{Position: position}
		if named {
			name, err := decoder.Token()
			text, isText := name.(string)
			if err != nil || !isText {
				return nil, 0, errParams
			}
			r.Position = 0
			r.Name, r.More = l.name(text)
		}
		if err := l.value(decoder, &r, depth); err != nil {
			return nil, 0, err
		}
		if shown {
			rows = append(rows, r)
		}
	}
	if _, err := decoder.Token(); err != nil {
		return nil, 0, errParams
	}
	return rows, position - 1, nil
}

// name shows the name of a member; an empty one is shown as a pair of quotation marks.
func (l *listing) name(text string) ([]piece, int) {
	if text == "" {
		return []piece{{Text: `""`}}, 0
	}
	return l.text(text)
}

func (l *listing) value(decoder *json.Decoder, r *row, depth int) error {
	token, err := decoder.Token()
	if err != nil {
		return errParams
	}
	r.Kind = kindText
	switch value := token.(type) {
	case json.Delim:
		var count int
		r.Rows, count, err = l.members(decoder, value == '{', depth+1)
		r.Kind = kindRows
		if count == 0 {
			r.Kind = kindList
		}
		return err
	case string:
		if value == "" {
			r.Kind = kindBlank
			return nil
		}
		var more int
		r.Value, more = l.text(value)
		r.More += more
	case json.Number:
		r.Value = []piece{{Text: value.String()}}
	case bool:
		r.Kind = kindFalse
		if value {
			r.Kind = kindTrue
		}
	case nil:
		r.Kind = kindNull
	default:
		return fmt.Errorf("%w: %T", errParams, token)
	}
	return nil
}
