package receipt_test

import (
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hydracore/hydrapin/sdk/go/hydrapin/receipt"
)

func TestMemorySeen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := receipt.NewMemorySeen()
		add := func(jti string, until time.Time) bool {
			t.Helper()
			first, err := m.Add(t.Context(), jti, until)
			if err != nil {
				t.Fatal(err)
			}
			return first
		}
		end := time.Now().Add(2 * time.Minute)
		if !add("a", end) || add("a", end) || !add("b", end) {
			t.Error("a new one must be first, and only once")
		}
		<-time.After(2*time.Minute - time.Nanosecond)
		if add("a", end) {
			t.Error("forgotten too early")
		}
		<-time.After(time.Nanosecond)
		if add("a", end) || add("never seen", end) {
			t.Error("what is past must count as seen")
		}
	})
}

func TestMemorySeenIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := receipt.NewMemorySeen()
		fill := func() {
			for i := range receipt.MaxSeen {
				if first, err := m.Add(t.Context(), strconv.Itoa(i), time.Now().Add(time.Minute)); err != nil || !first {
					t.Fatalf("%d: %t, %v", i, first, err)
				}
			}
		}
		fill()
		if first, err := m.Add(t.Context(), "one more", time.Now().Add(time.Minute)); err == nil || first {
			t.Errorf("full: %t, %v", first, err)
		}
		if first, err := m.Add(t.Context(), "0", time.Now().Add(time.Minute)); err != nil || first {
			t.Errorf("one that is in it: %t, %v", first, err)
		}
		<-time.After(time.Minute)
		fill() // there is room again
	})
}
