package contract_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/contract"
)

// The contract lists every type of event that the trail can have, which are those that webhooks get.
func TestEventTypes(t *testing.T) {
	t.Parallel()
	spec, err := contract.Current()
	must(t, err)
	var listed []audit.Type
	for _, v := range spec.Document().Components.Schemas["PinEventType"].Value.Enum {
		listed = append(listed, audit.Type(fmt.Sprint(v)))
	}
	if known := audit.Types(); !slices.Equal(listed, known) {
		t.Errorf("the contract lists\n%v\nand the program knows\n%v", listed, known)
	}
}
