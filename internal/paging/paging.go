// Package paging is the rule of lists that go by page numbers: how far they reach. A list
// ends at [MaxRows], whatever there is, so that counting and skipping rows cost the same
// however many there are.
package paging

// MaxRows is how many rows of a list its pages reach, and where its total stops.
const MaxRows = 10_000

// DefaultSize is how many rows a page has when nothing else is asked for.
const DefaultSize = 20

// Page names a page. Both are at least 1.
type Page struct{ Number, Size int }

// Last is the number of the last page of that size that a list can have.
func Last(size int) int { return pages(MaxRows, size) }

// Skipped is how many rows come before the page.
func (p Page) Skipped() int { return (p.Number - 1) * p.Size }

// Rows is how many rows the page has at most. It is 0 beyond [Last].
func (p Page) Rows() int { return max(0, min(p.Size, MaxRows-p.Skipped())) }

// Of is a page of a list with everything that its answer says.
type Of[T any] struct {
	Page
	Rows []T
	// Total is how many rows there are. At [MaxRows] there may be more.
	Total int
}

// Pages is how many pages the list has.
func (o Of[T]) Pages() int { return pages(o.Total, o.Size) }

func pages(rows, size int) int { return (rows + size - 1) / size }
