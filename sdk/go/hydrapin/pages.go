package hydrapin

import (
	"iter"
	"maps"
	"net/url"
	"strconv"
)

// perPage is how many entries a request for a numbered page asks for, which is the most.
const perPage = 100

// page is a part of a list, and where the next one begins; nil at the end.
type page[T any] struct {
	items []T
	next  *string
}

// pages iterates over a list, which it fetches a page at a time. It ends with the first error.
func pages[T any](query url.Values, fetch func(url.Values) (page[T], error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		query := maps.Clone(query)
		for {
			p, err := fetch(query)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, item := range p.items {
				if !yield(item, nil) {
					return
				}
			}
			// A server that sends the same place again would be asked for ever.
			if p.next == nil || *p.next == query.Get("after") {
				return
			}
			query.Set("after", *p.next)
		}
	}
}

// numbered iterates over a list whose pages have numbers. fetch returns a page, and how many there
// are. It ends with the first error.
func numbered[T any](query url.Values, fetch func(url.Values) ([]T, int, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		query := maps.Clone(query)
		query.Set("per_page", strconv.Itoa(perPage))
		for n := 1; ; n++ {
			query.Set("page", strconv.Itoa(n))
			items, pages, err := fetch(query)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, item := range items {
				if !yield(item, nil) {
					return
				}
			}
			// A page without entries is the last, whatever the server says.
			if len(items) == 0 || n >= pages {
				return
			}
		}
	}
}
