package guard

import (
	"encoding/json"
	"errors"
	"strings"
)

const (
	maxListPages = 100
	maxTools     = 10_000
)

// tool is one tool of the upstream.
type tool struct {
	// headers are the arguments that MCP 2026-07-28 repeats in headers: the name behind Mcp-Param-,
	// in lower case, and the path of the argument.
	headers map[string][]string
}

// toolList are the upstream's tools by their exact names.
type toolList map[string]tool

var errNoList = errors.New("guard: the upstream's answer is no list of tools")

// page is a page of tools/list.
type page struct {
	Tools []struct {
		Name        string          `json:"name"`
		InputSchema json.RawMessage `json:"inputSchema"`
	} `json:"tools"`
	NextCursor string `json:"nextCursor"`
}

// listTools reads all pages of the upstream's list. It asks with what one call said about itself.
func listTools(c *toolCall, ask func(params any) (message, error)) (toolList, error) {
	list := toolList{}
	cursor := ""
	for range maxListPages {
		answer, err := ask(listParams(c, cursor))
		if err != nil {
			return nil, err
		}
		var p page
		if result := answer.get("result"); result == nil || json.Unmarshal(result, &p) != nil {
			return nil, errNoList
		}
		for _, t := range p.Tools {
			list[t.Name] = tool{headers: headersOf(t.InputSchema)}
		}
		if len(list) > maxTools {
			return nil, errNoList
		}
		if cursor = p.NextCursor; cursor == "" {
			return list, nil
		}
	}
	return nil, errNoList
}

func listParams(c *toolCall, cursor string) any {
	params := map[string]any{}
	meta := map[string]json.RawMessage{}
	for _, m := range c.meta {
		if isReserved(m.name) {
			meta[m.name] = m.value
		}
	}
	if len(meta) > 0 {
		params["_meta"] = meta
	}
	if cursor != "" {
		params["cursor"] = cursor
	}
	return params
}

// headersOf returns which arguments an input schema gives a header.
func headersOf(schema json.RawMessage) map[string][]string {
	headers := map[string][]string{}
	collectHeaders(schema, nil, headers)
	return headers
}

func collectHeaders(schema json.RawMessage, path []string, into map[string][]string) {
	var s struct {
		Header     string                     `json:"x-mcp-header"`
		Properties map[string]json.RawMessage `json:"properties"`
	}
	// What has another form has no headers; encoding/json fills in the rest all the same.
	_ = json.Unmarshal(schema, &s)
	if s.Header != "" && len(path) > 0 {
		into[strings.ToLower(s.Header)] = path
	}
	for name, property := range s.Properties {
		collectHeaders(property, append(append([]string{}, path...), name), into)
	}
}
