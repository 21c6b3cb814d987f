package service

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/hydracore/hydrapin/internal/argon2id"
	"github.com/hydracore/hydrapin/internal/receipt"
	"github.com/hydracore/hydrapin/internal/store"
)

// ErrRings is returned by [CheckRings] for peppers or receipt keys that do not
// fit the database.
var ErrRings = errors.New("service: the configured keys do not fit this database")

// ring is what peppers and receipt keys have in common.
type ring struct {
	kind  store.CheckKind
	name  string
	ids   []string
	check func(id string) ([]byte, error)
}

func rings(peppers argon2id.Ring, receipts receipt.Ring) []ring {
	return []ring{
		{store.CheckPepper, "pepper", peppers.IDs(), peppers.Check},
		{store.CheckReceiptKey, "receipt key", receipts.IDs(), receipts.Check},
	}
}

// CheckRings holds a node's peppers and receipt keys against the database, and
// records ids that are new. What [CompareRings] finds is [ErrRings], and nothing is
// recorded then: a mistyped pepper must not become the one that the right one is
// measured by.
func CheckRings(ctx context.Context, st store.Store, peppers argon2id.Ring, receipts receipt.Ring) error {
	return st.InTx(ctx, func(tx store.Tx) error {
		for _, r := range rings(peppers, receipts) {
			for _, id := range r.ids {
				value, err := r.check(id)
				if err != nil {
					return err
				}
				if _, err := tx.SaveKeyCheck(ctx, r.kind, id, value); err != nil {
					return err
				}
			}
		}
		faults, err := CompareRings(ctx, tx, peppers, receipts)
		if err == nil && len(faults) > 0 {
			err = fmt.Errorf("%w: %s; set HYDRAPIN_PEPPERS and HYDRAPIN_RECEIPT_KEYS to what the other nodes have",
				ErrRings, strings.Join(faults, "; "))
		}
		return err
	})
}

// CompareRings returns what does not fit: an id whose bytes differ from those
// that another node has, and a pepper that stored PINs need and this node lacks.
// It changes nothing.
func CompareRings(ctx context.Context, r store.Reader, peppers argon2id.Ring, receipts receipt.Ring) ([]string, error) {
	var faults []string
	for _, ring := range rings(peppers, receipts) {
		stored, err := r.KeyChecks(ctx, ring.kind)
		if err != nil {
			return nil, err
		}
		for _, id := range ring.ids {
			value, err := ring.check(id)
			if err != nil {
				return nil, err
			}
			if known, ok := stored[id]; ok && !bytes.Equal(known, value) {
				faults = append(faults, fmt.Sprintf("the %s %q has other bytes here than where it was first used", ring.name, id))
			}
		}
	}
	used, err := r.PeppersInUse(ctx)
	if err != nil {
		return nil, err
	}
	for _, id := range used {
		if _, err := peppers.Check(id); err != nil {
			faults = append(faults, fmt.Sprintf("the pepper %q is missing, and stored PINs need it", id))
		}
	}
	return faults, nil
}
