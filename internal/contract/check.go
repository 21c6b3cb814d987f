package contract

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/go-json-experiment/json/jsontext"
)

const (
	jsonType    = "application/json"
	problemType = "application/problem+json"
	imageType   = "image/svg+xml"
	textType    = "text/plain"
)

// everywhere are the headers that any answer may have although the contract does not document them:
// those of HTTP itself and of the server as a whole.
var everywhere = map[string]bool{
	"Cache-Control": true, "Connection": true, "Content-Length": true, "Content-Type": true,
	"Date": true, "Strict-Transport-Security": true, "Vary": true, "X-Content-Type-Options": true, "X-Request-Id": true,
}

// Check returns how an exchange differs from the contract, and nothing if it does not. The answer to
// a request that is not in the contract must be a 404, or a 405 whose Allow lists the methods. Other
// pages of the server are not checked.
func (s *Spec) Check(e Exchange) []string {
	method := e.Method
	if method == http.MethodHead {
		method = http.MethodGet // the same answer, without its body
	}
	op, known := s.Find(method, e.Path)
	switch {
	case op != nil:
		return s.checkOperation(op, e)
	case known && e.Method == http.MethodOptions && e.Status == http.StatusNoContent && e.Header.Get("Allow") != "":
		return nil // RFC 9110, section 9.3.7: what the route has
	case known:
		errs := s.checkProblem(e, http.StatusMethodNotAllowed, "method-not-allowed")
		if e.Header.Get("Allow") == "" {
			errs = append(errs, "405 without Allow")
		}
		return errs
	case strings.HasPrefix(e.Path, "/v1/"), strings.HasPrefix(e.Path, "/internal/"):
		return s.checkProblem(e, http.StatusNotFound, "not-found")
	default:
		return nil
	}
}

// checkPlain says what is wrong with an answer that is plain text.
func checkPlain(body []byte) []string {
	if len(body) == 0 || !utf8.Valid(body) {
		return []string{"the body is no text in UTF-8"}
	}
	return nil
}

// checkProblem compares an answer that belongs to no operation.
func (s *Spec) checkProblem(e Exchange, status int, kind string) []string {
	if e.Status != status {
		return []string{fmt.Sprintf("status %d for what is not in the contract, want %d", e.Status, status)}
	}
	if e.Method == http.MethodHead {
		return nil // it has no body to look at
	}
	media := &openapi3.MediaType{Schema: s.doc.Components.Schemas["Problem"]}
	errs := checkBody(openapi3.Content{problemType: media}, e)
	if p := ParseProblem(e.Body); p.Type != "urn:hydrapin:problem:"+kind {
		errs = append(errs, fmt.Sprintf("problem %q, want %q", p.Type, kind))
	}
	return append(errs, checkRules(e)...)
}

func (s *Spec) checkOperation(op *Operation, e Exchange) []string {
	response := op.response(e.Status)
	if response == nil {
		return []string{fmt.Sprintf("status %d is not documented", e.Status)}
	}
	errs := checkHeaders(response, e.Header)
	if e.Method == http.MethodHead {
		return append(errs, checkHead(e)...)
	}
	if len(response.Content) == 0 {
		if len(e.Body) > 0 || e.Header.Get("Content-Type") != "" {
			errs = append(errs, "a body or a content type where none is documented")
		}
	} else {
		errs = append(errs, checkBody(response.Content, e)...)
	}
	return append(errs, checkRules(e)...)
}

// checkHead compares what holds for the answer to HEAD, which has no body to look at.
func checkHead(e Exchange) (errs []string) {
	if len(e.Body) > 0 {
		errs = append(errs, "a body on HEAD")
	}
	if e.Header.Get("Cache-Control") != "no-store" || e.Header.Get("X-Request-Id") == "" {
		errs = append(errs, "HEAD without Cache-Control: no-store or X-Request-Id")
	}
	return errs
}

func checkHeaders(response *openapi3.Response, got http.Header) (errs []string) {
	documented := map[string]bool{}
	for name, ref := range response.Headers {
		canonical := http.CanonicalHeaderKey(name)
		documented[canonical] = true
		values := got.Values(canonical)
		switch {
		case len(values) == 0 && ref.Value.Required:
			errs = append(errs, "header "+name+" is missing")
		case len(values) > 1:
			errs = append(errs, "header "+name+" came more than once")
		case len(values) == 1:
			if err := checkText(ref.Value.Schema.Value, values[0]); err != nil {
				errs = append(errs, fmt.Sprintf("header %s: %v", name, err))
			}
		}
	}
	for name := range got {
		if !documented[name] && !everywhere[name] {
			errs = append(errs, "header "+name+" is not documented")
		}
	}
	slices.Sort(errs)
	return errs
}

// checkText compares a header's value, which is text whatever its schema says.
func checkText(schema *openapi3.Schema, text string) error {
	if !schema.Type.Is(openapi3.TypeInteger) {
		return schema.VisitJSON(text, visit()...)
	}
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		return err
	}
	return schema.VisitJSON(float64(n), visit()...)
}

func checkBody(content openapi3.Content, e Exchange) []string {
	got, _, err := mime.ParseMediaType(e.Header.Get("Content-Type"))
	if err != nil {
		return []string{"no content type that can be read"}
	}
	media := content[got]
	if media == nil {
		return []string{"content type " + got + " is not documented"}
	}
	if got == imageType {
		return checkImage(e.Body)
	}
	if got == textType {
		return checkPlain(e.Body)
	}
	// encoding/json lets duplicate names and bad UTF-8 pass.
	if !jsontext.Value(e.Body).IsValid() {
		return []string{"the body is no valid JSON"}
	}
	var value any
	if err := json.Unmarshal(e.Body, &value); err != nil {
		return []string{"the body is no valid JSON"}
	}
	if err := media.Schema.Value.VisitJSON(value, visit()...); err != nil {
		return []string{"body: " + err.Error()}
	}
	return nil
}

// checkImage says whether a body is one well-formed SVG document.
func checkImage(body []byte) []string {
	root := ""
	for d := xml.NewDecoder(bytes.NewReader(body)); ; {
		token, err := d.Token()
		switch start, ok := token.(xml.StartElement); {
		case errors.Is(err, io.EOF) && root == "svg":
			return nil
		case err != nil:
			return []string{"the body is no valid SVG"}
		case ok && root == "":
			root = start.Name.Local
		}
	}
}

var (
	wireTime = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$`)
	wireUUID = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
)

// visit says how answers are compared. The server writes two formats more narrowly than their names
// allow: UUIDs in lower case, times in UTC with six fractional digits.
func visit() []openapi3.SchemaValidationOption {
	return []openapi3.SchemaValidationOption{
		openapi3.VisitAsResponse(),
		openapi3.MultiErrors(),
		openapi3.EnableFormatValidation(),
		openapi3.WithStringFormatValidator("uuid", openapi3.NewRegexpFormatValidator(wireUUID.String())),
		openapi3.WithStringFormatValidator("date-time", openapi3.NewCallbackValidator(func(s string) error {
			if !wireTime.MatchString(s) {
				return fmt.Errorf("not UTC with six fractional digits")
			}
			_, err := time.Parse(time.RFC3339Nano, s)
			return err
		})),
	}
}

// checkRules compares what holds for every answer and no schema can express.
func checkRules(e Exchange) (errs []string) {
	if e.Header.Get("Cache-Control") != "no-store" {
		errs = append(errs, "Cache-Control is not no-store")
	}
	id := e.Header.Get("X-Request-Id")
	if id == "" {
		errs = append(errs, "no X-Request-Id")
	}
	if e.Status < http.StatusBadRequest || e.Status == http.StatusUnprocessableEntity {
		return errs
	}
	p := ParseProblem(e.Body)
	if p.Status != e.Status {
		errs = append(errs, fmt.Sprintf("the problem says status %d, the answer %d", p.Status, e.Status))
	}
	if p.RequestID != id {
		errs = append(errs, "the problem has another request id than the header")
	}
	again := e.Status == http.StatusTooManyRequests || e.Status == http.StatusServiceUnavailable || p.LockedUntil != nil
	if again != (e.Header.Get("Retry-After") != "") {
		errs = append(errs, fmt.Sprintf("Retry-After is %q on %d %s", e.Header.Get("Retry-After"), e.Status, p.Code()))
	}
	return errs
}

// Problem is what a test looks at in a problem document.
type Problem struct {
	Type      string `json:"type"`
	Status    int    `json:"status"`
	RequestID string `json:"request_id"`
	// LockedUntil is nil where there is none.
	LockedUntil *string `json:"locked_until"`
}

// ParseProblem reads a problem document; of anything else it returns what is
// there, which may be nothing.
func ParseProblem(body []byte) Problem {
	var p Problem
	_ = json.Unmarshal(body, &p) // the schema decides whether it is a problem document
	return p
}

// Code is the type without what all types begin with.
func (p Problem) Code() string { return strings.TrimPrefix(p.Type, "urn:hydrapin:problem:") }

// FieldError is one validation error of a 422.
type FieldError struct {
	Loc  []any  `json:"loc"`
	Msg  string `json:"msg"`
	Type string `json:"type"`
}

// ParseFieldErrors reads the validation errors of a 422. For anything else it returns none.
func ParseFieldErrors(body []byte) []FieldError {
	var v struct {
		Detail []FieldError `json:"detail"`
	}
	_ = json.Unmarshal(body, &v) // as above
	return v.Detail
}
