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

// CheckRings holds a node's peppers and receipt keys against the database: an id
// whose bytes differ from what another node has, or a pepper that stored PINs
// need and this node lacks, is [ErrRings], with every fault named. Ids that are
// new are recorded, but not those of a node that does not fit: a mistyped pepper
// must not become the one that the right one is measured by.
func CheckRings(ctx context.Context, st store.Store, peppers argon2id.Ring, receipts receipt.Ring) error {
	var faults []string
	return st.InTx(ctx, func(tx store.Tx) error {
		for _, ring := range []struct {
			kind  store.CheckKind
			name  string
			ids   []string
			check func(string) ([]byte, error)
		}{
			{store.CheckPepper, "pepper", peppers.IDs(), peppers.Check},
			{store.CheckReceiptKey, "receipt key", receipts.IDs(), receipts.Check},
		} {
			for _, id := range ring.ids {
				value, err := ring.check(id)
				if err != nil {
					return err
				}
				stored, err := tx.SaveKeyCheck(ctx, ring.kind, id, value)
				if err != nil {
					return err
				}
				if !bytes.Equal(stored, value) {
					faults = append(faults, fmt.Sprintf("the %s %q has other bytes here than where it was first used", ring.name, id))
				}
			}
		}
		used, err := tx.PeppersInUse(ctx)
		if err != nil {
			return err
		}
		for _, id := range used {
			if _, err := peppers.Check(id); err != nil {
				faults = append(faults, fmt.Sprintf("the pepper %q is missing, and stored PINs need it", id))
			}
		}
		if len(faults) > 0 {
			return fmt.Errorf("%w: %s", ErrRings, strings.Join(faults, "; "))
		}
		return nil
	})
}
