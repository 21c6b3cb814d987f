package guard

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// The names of _meta that MCP 2026-07-28 sends with each request.
const (
	metaRevision     = "io.modelcontextprotocol/protocolVersion"
	metaCapabilities = "io.modelcontextprotocol/clientCapabilities"
	metaToken        = "progressToken"
)

// The revisions in which a person can be sent to a page.
const (
	revision2025 = "2025-11-25" // elicitation/create with mode url
	revision2026 = "2026-07-28" // input_required
)

// session is what a client said about itself.
type session struct {
	revision string
	// urls says whether it can show a URL to the person.
	urls bool
}

// toolCall is one tools/call.
type toolCall struct {
	id    json.RawMessage
	tool  string
	began time.Time
	// params are all members of the params, without guard's own answers.
	params object
	meta   object
	// token is the progress token, or nil.
	token json.RawMessage
	session
	// answered says that guard's own elicitation has an answer: the call is a retry.
	answered bool
}

// parseCall reads a tools/call, from a message whose method may be any that [isCall] finds.
func parseCall(m message, s session) (*toolCall, error) {
	if m.method != methodCall {
		return nil, invalid("the method tools/call is spelled in another way")
	}
	if _, ok := idKey(m.id); !ok {
		return nil, invalid("tools/call needs an id, which is a string or a number")
	}
	// Everything below must have one meaning for every reader.
	if !jsontext.Value(m.text()).IsValid() {
		return nil, invalid("in tools/call a name occurs twice, or a text is not Unicode")
	}
	for _, member := range m.object {
		if !slices.Contains(messageNames[:4], member.name) {
			return nil, invalid("tools/call has a member besides jsonrpc, id, method and params")
		}
	}
	c := &toolCall{id: m.id, session: s, began: time.Now()}
	var err error
	if c.params, err = objectIn(m.object, "params"); err != nil {
		return nil, err
	}
	if err := unmistakable(c.params, callNames); err != nil {
		return nil, err
	}
	if name := c.params.get("name"); len(name) == 0 || name[0] != '"' || json.Unmarshal(name, &c.tool) != nil {
		return nil, &rpcError{codeInvalidParams, "tools/call needs the name of a tool"}
	}
	if err := c.readMeta(); err != nil {
		return nil, err
	}
	return c, nil
}

func (c *toolCall) readMeta() error {
	var err error
	if c.meta, err = objectIn(c.params, "_meta"); err != nil {
		return err
	}
	c.token = c.meta.get(metaToken)
	if revision := idText(c.meta.get(metaRevision)); revision != "" {
		c.revision, c.urls = revision, showsURLs(c.meta.get(metaCapabilities))
	}
	answers, err := objectIn(c.params, "inputResponses")
	if err != nil {
		return err
	}
	if answers == nil {
		return nil
	}
	others := answers.without(isOwnKey)
	c.answered = len(others) < len(answers)
	if c.answered {
		c.params = c.params.without(func(name string) bool { return name == "inputResponses" })
		if len(others) > 0 {
			c.params = append(c.params, member{"inputResponses", others.text()})
		}
	}
	return nil
}

// objectIn returns the members of a member that is an object, and nil if it is absent or null.
func objectIn(o object, name string) (object, error) {
	value := o.get(name)
	if value == nil || string(value) == "null" {
		return nil, nil
	}
	members, err := parseObject(value)
	if err != nil {
		return nil, &rpcError{codeInvalidParams, "tools/call needs an object as " + name}
	}
	return members, nil
}

// showsURLs reads the client's capabilities.
func showsURLs(capabilities json.RawMessage) bool {
	var c struct {
		Elicitation *struct {
			URL *struct{} `json:"url"`
		} `json:"elicitation"`
	}
	return json.Unmarshal(capabilities, &c) == nil && c.Elicitation != nil && c.Elicitation.URL != nil
}

// isModern says that a result has a resultType, and that input_required is known.
func (c *toolCall) isModern() bool { return c.revision >= revision2026 }

// elicits says that the client takes elicitation/create with a URL while a call is held.
func (c *toolCall) elicits() bool { return c.urls && c.revision >= revision2025 && !c.isModern() }

// task says that the result is a task.
func (c *toolCall) task() bool {
	task := c.params.get("task")
	return task != nil && string(task) != "null"
}

// keptMeta is what _meta keeps of a call that a person confirmed: nothing that the tool could take
// for an argument.
func (c *toolCall) keptMeta(pass []string) object {
	return c.meta.without(func(name string) bool {
		return name != metaToken && !isReserved(name) && !slices.Contains(traceKeys, name) && !slices.Contains(pass, name)
	})
}

// traceKeys are those of W3C Trace Context and Baggage, which MCP reserves.
var traceKeys = []string{"traceparent", "tracestate", "baggage"}

// isReserved reports whether MCP reserves a name of _meta: its prefix is modelcontextprotocol or
// mcp, or has one of them as its second label.
func isReserved(name string) bool {
	prefix, _, ok := strings.Cut(name, "/")
	if !ok {
		return false
	}
	labels := strings.Split(prefix, ".")
	for _, label := range labels[:min(2, len(labels))] {
		if label == "modelcontextprotocol" || label == "mcp" {
			return true
		}
	}
	return false
}
