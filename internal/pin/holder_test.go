package pin_test

import (
	"errors"
	"strings"
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

func TestParseUUID(t *testing.T) {
	t.Parallel()
	const lower = "497f6eca-6276-4993-bfeb-53cbbbba6f08"
	for _, s := range []string{
		lower, strings.ToUpper(lower), "00000000-0000-0000-0000-000000000000",
		"ffffffff-ffff-ffff-ffff-ffffffffffff", "018f4e9a-5b7c-7def-8123-456789abcdef",
	} {
		if id, err := pin.ParseUUID(s); err != nil || id.String() != strings.ToLower(s) {
			t.Errorf("ParseUUID(%s) = %s, %v", s, id, err)
		}
	}
	for _, s := range []string{
		"", lower[1:], lower + "0", "{" + lower + "}", "urn:uuid:" + lower, strings.ReplaceAll(lower, "-", ""),
		strings.Replace(lower, "-", "_", 1), strings.Replace(lower, "f", "g", 1), " " + lower[:35], lower[:35] + "\n",
		"497f6eca6276-4993-bfeb-53cbbbba6f08a-", strings.Repeat("-", 36),
	} {
		if id, err := pin.ParseUUID(s); !errors.Is(err, pin.ErrNotUUID) || id != uuid.Nil {
			t.Errorf("ParseUUID(%q) = %s, %v", s, id, err)
		}
	}
}
