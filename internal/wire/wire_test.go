package wire_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/wire"
)

func TestTimes(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 1, 1, 30, 0, 123456789, time.FixedZone("x", -5*3600-1800))
	got, err := json.Marshal(map[string]any{"at": wire.TimePtr(at), "none": wire.TimePtr(time.Time{})})
	if err != nil || string(got) != `{"at":"2026-11-01T07:00:00.123456Z","none":null}` {
		t.Errorf("%s, %v", got, err)
	}
	var read wire.Time
	for _, text := range []string{"2026-11-01T07:00:00.123456Z", "2026-11-01T12:30:00.123456+05:30"} {
		if err := read.UnmarshalText([]byte(text)); err != nil || !time.Time(read).Equal(at.Truncate(time.Microsecond)) {
			t.Errorf("%s read as %v, %v", text, time.Time(read), err)
		}
	}
	if err := read.UnmarshalText([]byte("2026-11-01")); err == nil {
		t.Error("a date was read as a time")
	}
}

func TestParseUUID(t *testing.T) {
	t.Parallel()
	const lower = "497f6eca-6276-4993-bfeb-53cbbbba6f08"
	for _, s := range []string{
		lower, strings.ToUpper(lower), "00000000-0000-0000-0000-000000000000",
		"ffffffff-ffff-ffff-ffff-ffffffffffff", "018f4e9a-5b7c-7def-8123-456789abcdef",
	} {
		if id, err := wire.ParseUUID(s); err != nil || id.String() != strings.ToLower(s) {
			t.Errorf("ParseUUID(%s) = %s, %v", s, id, err)
		}
	}
	for _, s := range []string{
		"", lower[1:], lower + "0", "{" + lower + "}", "urn:uuid:" + lower, strings.ReplaceAll(lower, "-", ""),
		strings.Replace(lower, "-", "_", 1), strings.Replace(lower, "f", "g", 1), " " + lower[:35], lower[:35] + "\n",
		"497f6eca6276-4993-bfeb-53cbbbba6f08a-", strings.Repeat("-", 36),
	} {
		if id, err := wire.ParseUUID(s); !errors.Is(err, wire.ErrNotUUID) || id != uuid.Nil {
			t.Errorf("ParseUUID(%q) = %s, %v", s, id, err)
		}
	}
}
