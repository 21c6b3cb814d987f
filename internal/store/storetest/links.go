package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/store"
)

// linkOf is the nth link of a holder, created by the key of that name.
func linkOf(h pin.Holder, kind pin.LinkKind, n int, key string) pin.Link {
	return pin.Link{
		ID: id('l', n), Holder: h, Kind: kind, CreatedAt: after(n), ExpiresAt: after(n + 600),
		CreatedByKind: auth.KindAPIKey, CreatedBy: key,
	}
}

func readLink(t *testing.T, s store.Store, l pin.Link) pin.Link {
	t.Helper()
	r := s.Reads()
	return get(t, r, func(into *pin.Link) { r.PINLink(l.ID, into) })
}

func testLinkAsSaved(t *testing.T, s store.Store) {
	ended, used := linkOf(customer(1), pin.AdminLink, 1, "k"), linkOf(identity(), pin.RuntimeLink, 2, "k")
	inTx(t, s, func(tx store.Tx) {
		tx.InsertPINLink(ended)
		tx.InsertPINLink(used)
	})
	equal(t, "PINLink", readLink(t, s, ended), ended)
	equal(t, "PINLink", readLink(t, s, used), used)
	for _, next := range []pin.Link{ended.End(after(5)), used.Use(after(6))} {
		inTx(t, s, func(tx store.Tx) {
			was := get(t, tx, func(into *pin.Link) { tx.LockPINLink(next.Ref(), into) })
			equal(t, "LockPINLink of an open link", was.EndedAt, time.Time{})
			tx.SavePINLink(next)
		})
		equal(t, "PINLink", readLink(t, s, next), next)
		// What has ended is used by nobody: a second save is an error.
		if err := s.InTx(t.Context(), func(tx store.Tx) error {
			tx.SavePINLink(next)
			return nil
		}); err == nil {
			t.Error("a link that has ended was saved")
		}
	}
	r := s.Reads()
	var none pin.Link
	r.PINLink(uuid.New(), &none)
	if err := r.Fetch(t.Context()); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("an unknown link: %v", err)
	}
}

func testOneOpenLink(t *testing.T, s store.Store) {
	first := linkOf(customer(1), pin.AdminLink, 1, "k")
	inTx(t, s, func(tx store.Tx) {
		tx.InsertPINLink(first)
		tx.InsertPINLink(linkOf(customer(1), pin.RuntimeLink, 2, "k"))
		tx.InsertPINLink(linkOf(customer(2), pin.AdminLink, 3, "k"))
	})
	second := linkOf(customer(1), pin.AdminLink, 4, "k")
	if err := s.InTx(t.Context(), func(tx store.Tx) error {
		tx.InsertPINLink(second)
		return nil
	}); !errors.Is(err, store.ErrKeyTaken) {
		t.Errorf("a second open link of a kind: %v", err)
	}
	inTx(t, s, func(tx store.Tx) {
		tx.SavePINLink(first.End(after(9)))
		tx.InsertPINLink(second)
	})
	inTx(t, s, func(tx store.Tx) {
		open := get(t, tx, func(into *[]pin.Link) { tx.LockPINLinks(customer(1), into) })
		if len(open) != 2 {
			t.Errorf("%d open links", len(open))
		}
	})
}

func testLinksEnd(t *testing.T, s store.Store) {
	admin, runtime := linkOf(customer(1), pin.AdminLink, 1, "a"), linkOf(customer(1), pin.RuntimeLink, 2, "b")
	others := linkOf(customer(2), pin.AdminLink, 3, "b")
	inTx(t, s, func(tx store.Tx) {
		tx.InsertPINLink(admin)
		tx.InsertPINLink(runtime)
		tx.InsertPINLink(others)
	})
	inTx(t, s, func(tx store.Tx) { tx.EndPINLinks(customer(1), after(7), runtime.ID) })
	equal(t, "the link that ended", readLink(t, s, admin), admin.End(after(7)))
	equal(t, "the link that was excepted", readLink(t, s, runtime), runtime)
	equal(t, "another holder's link", readLink(t, s, others), others)
	key := auth.APIKey{ID: "b", Kind: auth.KindAPIKey, Tenant: tenant(1)}
	inTx(t, s, func(tx store.Tx) { tx.EndPINLinksOf(key, after(8)) })
	equal(t, "a link of the key", readLink(t, s, runtime), runtime.End(after(8)))
	equal(t, "a link of the key", readLink(t, s, others), others.End(after(8)))
	inTx(t, s, func(tx store.Tx) { tx.EndPINLinks(customer(1), after(9), uuid.Nil) })
	equal(t, "what had ended", readLink(t, s, admin), admin.End(after(7)))
}

func testConfirmationByID(t *testing.T, s store.Store) {
	c := ask(customer(1), instance(1), 1)
	insert(t, s, c)
	tried := c
	tried.PageTries, tried.PageFailures = 2, 1
	inTx(t, s, func(tx store.Tx) { tx.SaveConfirmations(tried) })
	r := s.Reads()
	equal(t, "ConfirmationByID", get(t, r, func(into *confirmation.Confirmation) { r.ConfirmationByID(c.ID, into) }), tried)
}
