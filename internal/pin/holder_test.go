package pin_test

import (
	"testing"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/pin"
)

func TestOneUUIDIsTwoHolders(t *testing.T) {
	t.Parallel()
	tenant, instance, id := uuid.New(), uuid.New(), uuid.New()
	holders := map[pin.Holder]bool{
		pin.CustomerHolder(tenant, id):                 true,
		pin.CustomerHolder(instance, id):               true,
		pin.IdentityHolder(tenant, instance, id):       true,
		pin.IdentityHolder(tenant, uuid.Nil, id):       true,
		pin.IdentityHolder(tenant, id, instance):       true,
		pin.IdentityHolder(uuid.New(), instance, id):   true,
		pin.IdentityHolder(tenant, instance, uuid.Nil): true,
	}
	if len(holders) != 7 {
		t.Errorf("%d holders of 7 are told apart", len(holders))
	}
}
