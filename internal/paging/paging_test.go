package paging_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/hydracore/hydrapin/internal/paging"
)

func TestPagesReachEveryRowOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(1, 100).Draw(t, "size")
		reached := 0
		for n := 1; n <= paging.Last(size); n++ {
			p := paging.Page{Number: n, Size: size}
			if p.Skipped() != reached || p.Rows() < 1 {
				t.Fatalf("page %d skips %d and has %d rows, after %d", n, p.Skipped(), p.Rows(), reached)
			}
			reached += p.Rows()
		}
		if beyond := (paging.Page{Number: paging.Last(size) + 1, Size: size}); reached != paging.MaxRows || beyond.Rows() != 0 {
			t.Fatalf("the pages reach %d rows, and the next %d", reached, beyond.Rows())
		}
	})
}

func TestPages(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ total, size, want int }{
		{0, 20, 0}, {1, 20, 1}, {20, 20, 1}, {21, 20, 2}, {paging.MaxRows, 100, 100}, {paging.MaxRows, 30, 334},
	} {
		o := paging.Of[string]{Page: paging.Page{Number: 1, Size: tt.size}, Total: tt.total}
		if got := o.Pages(); got != tt.want {
			t.Errorf("%d rows in pages of %d are %d pages, want %d", tt.total, tt.size, got, tt.want)
		}
	}
}
