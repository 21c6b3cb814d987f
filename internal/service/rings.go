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

// CheckRings compares a node's peppers and receipt keys with the database, and
// records ids that are new. What [CompareRings] finds is [ErrRings], and nothing is
// recorded then: a mistyped pepper must not become the one that the correct one is
// measured by.
func CheckRings(ctx context.Context, st store.Store, peppers argon2id.Ring, receipts receipt.Ring) error {
	// Losing a race for an id means that another node has just recorded it; the next
	// look compares with that.
	for range maxRingTries {
		faults, fresh, err := compareRings(ctx, st, peppers, receipts)
		if err != nil {
			return err
		}
		if len(faults) > 0 {
			return fmt.Errorf("%w: %s; set HYDRAPIN_PEPPERS and HYDRAPIN_RECEIPT_KEYS to what the other nodes have",
				ErrRings, strings.Join(faults, "; "))
		}
		if len(fresh) == 0 {
			return nil
		}
		err = st.InTx(ctx, func(tx store.Tx) error {
			for id, value := range fresh {
				tx.InsertKeyCheck(id, value)
			}
			return nil
		})
		if !errors.Is(err, store.ErrKeyTaken) && !errors.Is(err, store.ErrOutcomeUnknown) {
			return err
		}
	}
	return ErrUnavailable
}

// maxRingTries is more than enough for nodes that start at once.
const maxRingTries = 10

// CompareRings returns what does not fit: an id whose bytes differ from those
// that another node has, and a pepper that stored PINs need and this node lacks.
// It changes nothing.
func CompareRings(ctx context.Context, lists store.Lists, peppers argon2id.Ring, receipts receipt.Ring) ([]string, error) {
	faults, _, err := compareRings(ctx, lists, peppers, receipts)
	return faults, err
}

// compareRings is CompareRings, with the check values that are not stored yet.
func compareRings(ctx context.Context, lists store.Lists, peppers argon2id.Ring, receipts receipt.Ring) (faults []string, fresh map[store.CheckID][]byte, err error) {
	stored, err := lists.KeyChecks(ctx)
	if err != nil {
		return nil, nil, err
	}
	fresh = map[store.CheckID][]byte{}
	for _, ring := range rings(peppers, receipts) {
		for _, id := range ring.ids {
			value, err := ring.check(id)
			if err != nil {
				return nil, nil, err
			}
			check := store.CheckID{Kind: ring.kind, ID: id}
			switch known, ok := stored[check]; {
			case !ok:
				fresh[check] = value
			case !bytes.Equal(known, value):
				faults = append(faults, fmt.Sprintf("the %s %q has other bytes here than where it was first used", ring.name, id))
			}
		}
	}
	used, err := lists.PeppersInUse(ctx)
	if err != nil {
		return nil, nil, err
	}
	for _, id := range used {
		if _, err := peppers.Check(id); err != nil {
			faults = append(faults, fmt.Sprintf("the pepper %q is missing, and stored PINs need it", id))
		}
	}
	return faults, fresh, nil
}
