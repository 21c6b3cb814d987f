package webhook

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/hydracore/hydrapin/internal/audit"
)

// everyOf ends a pattern that stands for every type of a family, as in "pin.*".
const everyOf = ".*"

// KnowsPattern says whether a pattern is a type of event, or names a family of them.
func KnowsPattern(pattern string) bool {
	return slices.ContainsFunc(audit.Types(), func(t audit.Type) bool { return fits(pattern, t) })
}

func fits(pattern string, t audit.Type) bool {
	if family, ok := strings.CutSuffix(pattern, everyOf); ok {
		// With the dot: "pin.*" is not for pin_link.created.
		return family != "" && strings.HasPrefix(string(t), family+".")
	}
	return pattern == string(t)
}

// Wants says whether the endpoint gets events of a type.
func (e Endpoint) Wants(t audit.Type) bool {
	return slices.ContainsFunc(e.Events, func(pattern string) bool { return fits(pattern, t) })
}

// Gets says whether the endpoint gets an event: one of a type that it wants, or a test of this
// endpoint. A disabled one gets none.
func (e Endpoint) Gets(t audit.Type, leaf []byte) bool {
	return e.Enabled() && (e.Wants(t) || t == audit.TypeWebhookTested && testedBy(leaf) == e.ID.String())
}

func testedBy(leaf []byte) string {
	var event struct {
		Details audit.WebhookTested `json:"details"`
	}
	if err := json.Unmarshal(leaf, &event); err != nil {
		return ""
	}
	return event.Details.Webhook
}

// Body returns what is sent for an event: its type and time, and under "data" the event with its
// index. Leaf is the event as the trail has it.
func Body(index int64, leaf []byte) ([]byte, error) {
	var head struct {
		Time string     `json:"time"`
		Type audit.Type `json:"type"`
	}
	if err := json.Unmarshal(leaf, &head); err != nil {
		return nil, fmt.Errorf("webhook: event %d: %w", index, err)
	}
	// A leaf is an object that is not empty, in canonical form.
	data := append([]byte(`{"index":`+strconv.FormatInt(index, 10)+`,`), leaf[1:]...)
	body, err := json.Marshal(struct {
		Type      audit.Type      `json:"type"`
		Timestamp string          `json:"timestamp"`
		Data      json.RawMessage `json:"data"`
	}{head.Type, head.Time, data})
	if err != nil {
		return nil, fmt.Errorf("webhook: event %d: %w", index, err)
	}
	return body, nil
}
