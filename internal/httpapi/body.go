package httpapi

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"
)

// maxBody is the longest body that is read, in bytes.
const maxBody = 64 << 10

var (
	// errTooLarge: the body is longer than maxBody.
	errTooLarge = errors.New("httpapi: the body is too large")
	// errMediaType: there is a body, and it is not JSON.
	errMediaType = errors.New("httpapi: the body is not application/json")
)

// checkBody reads the body, looks at it, and puts it back for the handler. The
// error is a 413 or a 415.
func (op *operation) checkBody(c echo.Context, in *input) ([]Fault, error) {
	body, faults, err := readBody(c.Request())
	if err != nil || len(faults) > 0 {
		return faults, err
	}
	v, faults := parseJSON(body)
	if len(faults) > 0 {
		return faults, nil
	}
	in.body = v
	// What the handler decodes are the bytes that were looked at, named as what
	// they are.
	req := c.Request()
	req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	req.Header.Set(echo.HeaderContentType, echo.MIMEApplicationJSON)
	return op.body.check([]any{"body"}, v), nil
}

// readBody reads up to maxBody. A body that ends before it is complete, because
// the client was too slow or broke off, is no JSON.
func readBody(req *http.Request) ([]byte, []Fault, error) {
	loc := []any{"body"}
	switch {
	case req.ContentLength == 0:
		return nil, []Fault{missingFault(loc)}, nil
	case req.ContentLength > maxBody:
		return nil, nil, errTooLarge
	}
	// One byte more than is allowed tells a body that is too long, however it was
	// announced.
	body, broken := io.ReadAll(io.LimitReader(req.Body, maxBody+1))
	switch {
	case len(body) > maxBody:
		return nil, nil, errTooLarge
	case len(body) == 0 && broken == nil:
		return nil, []Fault{missingFault(loc)}, nil
	case !isJSON(req.Header):
		return nil, nil, errMediaType
	case broken != nil:
		return nil, []Fault{jsonFault(len(body))}, nil //nolint:nilerr // told as a fault of the body
	}
	return body, nil, nil
}

// isJSON says whether the header names application/json once, with whatever
// parameters, and no coding that would have to be undone.
func isJSON(h http.Header) bool {
	values := h.Values(echo.HeaderContentType)
	coding := h.Get(echo.HeaderContentEncoding)
	if len(values) != 1 || coding != "" && !strings.EqualFold(coding, "identity") {
		return false
	}
	media, _, err := mime.ParseMediaType(values[0])
	if err != nil && !errors.Is(err, mime.ErrInvalidMediaParameter) {
		return false
	}
	return strings.EqualFold(media, echo.MIMEApplicationJSON)
}
