// Package wire holds the forms that values have on the wire and the standard library does not
// give: times with six fractional digits, and UUIDs in one form alone. It knows no operation.
package wire

import "time"

// Layout is RFC 3339 in UTC with six fractional digits.
const Layout = "2006-01-02T15:04:05.000000Z"

// Time is a time that reads and writes [Layout].
type Time time.Time

// MarshalText implements encoding.TextMarshaler.
func (t Time) MarshalText() ([]byte, error) {
	return []byte(time.Time(t).UTC().Format(Layout)), nil
}

// UnmarshalText implements encoding.TextUnmarshaler; it reads any RFC 3339 time.
func (t *Time) UnmarshalText(text []byte) error {
	parsed, err := time.Parse(time.RFC3339Nano, string(text))
	if err != nil {
		return err
	}
	*t = Time(parsed.UTC())
	return nil
}

// ParseTime reads any RFC 3339 time.
func ParseTime(text string) (time.Time, error) {
	var t Time
	err := t.UnmarshalText([]byte(text))
	return time.Time(t), err
}

// TimePtr returns nil for the zero time.
func TimePtr(t time.Time) *Time {
	if t.IsZero() {
		return nil
	}
	w := Time(t)
	return &w
}
