package hydrapin

import (
	"iter"
	"maps"
	"net/url"
)

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
