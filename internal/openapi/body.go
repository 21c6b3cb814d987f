package openapi

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
)

// MaxBody is the longest body that is read, in bytes.
const MaxBody = 64 << 10

const mediaJSON = "application/json"

// checkBody reads and validates the body, and puts it back for the handler. The value is nil where
// there is none that can be read. The error is a 413 or a 415.
func (op *Operation) checkBody(req *http.Request) (*value, []FieldError, error) {
	body, errs, err := readBody(req)
	if err == nil && body == nil && op.bodyOptional {
		req.Body, req.ContentLength = http.NoBody, 0
		return nil, nil, nil
	}
	if err != nil || len(errs) > 0 {
		return nil, errs, err
	}
	v, errs := parseJSON(body)
	if len(errs) > 0 {
		return nil, errs, nil
	}
	// The handler decodes exactly the bytes that were validated.
	req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	req.Header.Set("Content-Type", mediaJSON)
	return v, op.body.validate([]any{"body"}, v), nil
}

// readBody reads up to [MaxBody]. A body that is cut off, because the client was too slow or
// disconnected, is invalid JSON.
func readBody(req *http.Request) ([]byte, []FieldError, error) {
	switch {
	case req.ContentLength == 0:
		return nil, []FieldError{Missing("body")}, nil
	case req.ContentLength > MaxBody:
		return nil, nil, ErrTooLarge
	}
	// Reading one byte more than is allowed finds a body that is too long, however it was announced.
	body, cut := io.ReadAll(io.LimitReader(req.Body, MaxBody+1))
	switch {
	case len(body) > MaxBody:
		return nil, nil, ErrTooLarge
	case len(body) == 0 && cut == nil:
		return nil, []FieldError{Missing("body")}, nil
	}
	if err := checkMediaType(req); err != nil {
		return nil, nil, err
	}
	if cut != nil {
		return nil, []FieldError{jsonInvalid(len(body))}, nil //nolint:nilerr // answered as an error of the body
	}
	return body, nil, nil
}

// checkMediaType accepts application/json, named once and with any parameters, without a coding
// that would have to be undone.
func checkMediaType(req *http.Request) error {
	patch := req.Method == http.MethodPatch
	// Every line counts: a second one would be a second coding (RFC 9110, section 8.4). A lone
	// identity, which no server should send and some clients do, changes nothing.
	coding := strings.Join(req.Header.Values("Content-Encoding"), ",")
	if coding != "" && !strings.EqualFold(coding, "identity") {
		return &UnsupportedMediaTypeError{Coding: true, Patch: patch}
	}
	values := req.Header.Values("Content-Type")
	if len(values) == 1 {
		media, _, err := mime.ParseMediaType(values[0])
		if (err == nil || errors.Is(err, mime.ErrInvalidMediaParameter)) && strings.EqualFold(media, mediaJSON) {
			return nil
		}
	}
	return &UnsupportedMediaTypeError{Patch: patch}
}
