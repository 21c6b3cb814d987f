package problem_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hydracore/hydrapin/gen/api"
	"github.com/hydracore/hydrapin/internal/argon2id"
	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/limit"
	"github.com/hydracore/hydrapin/internal/openapi"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/problem"
	"github.com/hydracore/hydrapin/internal/service"
	"github.com/hydracore/hydrapin/internal/store"
)

// locked is a part of every answer about a PIN that is locked.
const locked = `,"locked_until":"2026-11-01T08:45:00.000001Z"`

var until = time.Date(2026, 11, 1, 9, 45, 0, 1000, time.FixedZone("x", 3600))

// answered are the errors that reach the edge, and what each becomes. rest is what the body has
// besides the request id, or a part of a 422.
var answered = []struct {
	name       string
	err        error
	status     int
	kind       string
	retryAfter string
	rest       string
}{
	{"service.ErrUnauthorized", service.ErrUnauthorized, 401, "unauthorized", "", ""},
	{"auth.ErrInvalidToken", auth.ErrInvalidToken, 401, "unauthorized", "", ""},
	{"service.PINFaultError", &service.PINFaultError{Fault: pin.Fault{Kind: pin.TooWeak}}, 422, "", "", `{"loc":["body","pin"],"msg":"PIN is too easy to guess","type":"pin_too_weak"}`},
	{"service.PINFaultError", &service.PINFaultError{Fault: pin.Fault{Kind: pin.TooShort, Limit: 6}}, 422, "", "", `at least 6 characters`},
	{"service.PINFaultError", &service.PINFaultError{Fault: pin.Fault{Kind: pin.TooLong, Limit: 8}}, 422, "", "", `at most 8 characters`},
	{"service.PINFaultError", &service.PINFaultError{Fault: pin.Fault{Kind: pin.NotDigits}}, 422, "", "", `string_pattern_mismatch`},
	{"service.ErrCurrentPINMissing", service.ErrCurrentPINMissing, 422, "", "", `{"loc":["body","current_pin"],"msg":"Field required","type":"missing"}`},
	{"service.ErrNotFound", service.ErrNotFound, 404, "not-found", "", ""},
	{"service.ErrFrozen", service.ErrFrozen, 403, "frozen", "", ""},
	{"service.ErrLiftForbidden", service.ErrLiftForbidden, 403, "forbidden", "", ""},
	{"service.ErrKeySpec", service.ErrKeySpec, 422, "", "", `{"loc":["body"],"msg":"Value error, exactly one of scopes and instance_id is required","type":"value_error"}`},
	{"service.ErrKeyExpiry", service.ErrKeyExpiry, 422, "", "", `{"loc":["body","expires_at"],"msg":"Value error, expires_at must be in the future","type":"value_error"}`},
	{"service.EscalationError", &service.EscalationError{Why: auth.OtherKind}, 403, "forbidden", "", "create only API keys"},
	{"service.EscalationError", &service.EscalationError{Why: auth.ScopeLacked}, 403, "forbidden", "", "a scope that it does not have"},
	{"service.EscalationError", &service.EscalationError{Why: auth.LaterExpiry}, 403, "forbidden", "", "expires later than itself"},
	{"service.EscalationError", &service.EscalationError{Why: auth.TooDeep}, 403, "forbidden", "", "At most 32 keys"},
	{"service.EscalationError", &service.EscalationError{Why: auth.NotCreatedByIt}, 403, "forbidden", "", "only itself and the keys"},
	{"service.ErrEventsScope", service.ErrEventsScope, 403, "forbidden", "", "events:read"},
	{"service.ErrWebhookAddress", service.ErrWebhookAddress, 422, "", "", `{"loc":["body","url"],"msg":"Value error, the address in the URL is not public","type":"value_error"}`},
	{"service.ErrTooManyWebhooks", service.ErrTooManyWebhooks, 409, "too-many-webhooks", "", "20 webhooks"},
	{"service.ErrWebhookDisabled", service.ErrWebhookDisabled, 409, "webhook-disabled", "", ""},
	{"service.ErrNotRedeemed", service.ErrNotRedeemed, 409, "not-redeemed", "", ""},
	{"service.ErrOutcomeSet", service.ErrOutcomeSet, 409, "outcome-already-set", "", ""},
	{"store.ErrOutcomeUnknown", store.ErrOutcomeUnknown, 503, "unavailable", "soon", ""},
	{"service.ErrExpired", service.ErrExpired, 410, "expired", "", ""},
	{"service.ErrNotPending", service.ErrNotPending, 409, "not-pending", "", ""},
	{"service.ErrNotApproved", service.ErrNotApproved, 409, "not-approved", "", ""},
	{"service.ErrAlreadyRedeemed", service.ErrAlreadyRedeemed, 409, "already-redeemed", "", ""},
	{"service.ErrParamsMismatch", service.ErrParamsMismatch, 409, "params-mismatch", "", ""},
	{"service.ErrIdempotencyConflict", service.ErrIdempotencyConflict, 409, "idempotency-conflict", "", ""},
	{"service.ErrCallKeyConflict", service.ErrCallKeyConflict, 409, "idempotency-conflict", "", ""},
	{"service.ErrPrecondition", service.ErrPrecondition, 412, "precondition-failed", "", ""},
	{"service.TooManyPendingError", &service.TooManyPendingError{RetryAfter: 1500 * time.Millisecond}, 429, "too-many-requests", "2", ""},
	{"service.TooManyPendingError", &service.TooManyPendingError{RetryAfter: -1}, 429, "too-many-requests", "1", ""},
	{"limit.ExceededError", &limit.ExceededError{Policy: "key", Quota: 400, Window: 2 * time.Second, RetryAfter: time.Millisecond}, 429, "too-many-requests", "1", "too fast"},
	{"service.SprayingError", &service.SprayingError{RetryAfter: time.Minute + 1}, 429, "too-many-requests", "61", "many holders"},
	{"limit.ErrTooManyWaiting", limit.ErrTooManyWaiting, 429, "too-many-requests", "1", "are waiting"},
	{"limit.ErrFull", limit.ErrFull, 503, "busy", "soon", "are waiting"},
	{"argon2id.BusyError", &argon2id.BusyError{RetryAfter: 3 * time.Second}, 503, "busy", "3", ""},
	{"argon2id.ErrBusy", argon2id.ErrBusy, 503, "busy", "1", ""},
	{"argon2id.ErrClosed", argon2id.ErrClosed, 503, "unavailable", "soon", ""},
	{"argon2id.ErrUnknownPepper", argon2id.ErrUnknownPepper, 503, "unavailable", "soon", ""},
	{"auth.ErrKeysNotLoaded", auth.ErrKeysNotLoaded, 503, "unavailable", "soon", ""},
	{"service.ErrUnavailable", service.ErrUnavailable, 503, "unavailable", "soon", ""},
	{"store.ErrUnavailable", store.ErrUnavailable, 503, "unavailable", "soon", ""},
	{"store.ErrNewerSchema", store.ErrNewerSchema, 503, "unavailable", "soon", ""},
	{"context.Canceled", context.Canceled, 503, "unavailable", "soon", ""},
	{"context.DeadlineExceeded", context.DeadlineExceeded, 503, "unavailable", "soon", ""},
	{"service.LockedError", &service.LockedError{Until: until, RetryAfter: 900*time.Second + 1}, 423, "pin-locked", "901", locked},
	{"service.LockedError", &service.LockedError{Until: until, RetryAfter: 0}, 423, "pin-locked", "1", locked},
	{"service.ErrInactive", service.ErrInactive, 423, "pin-inactive", "", `{"attempts_remaining":0,"detail"`},
	{"service.WrongPINError", &service.WrongPINError{Remaining: 3}, 403, "wrong-pin", "", `{"attempts_remaining":3,"detail"`},
	{"service.WrongPINError", &service.WrongPINError{LockedUntil: until, RetryAfter: 1500 * time.Millisecond}, 403, "wrong-pin", "2", locked},
	{"service.ErrPINUnchanged", service.ErrPINUnchanged, 422, "", "", `{"loc":["body","pin"],"msg":"PIN is the current one","type":"pin_unchanged"}`},
	{"service.ErrPINNotSet", service.ErrPINNotSet, 409, "pin-not-set", "", ""},
	{"service.ErrPageOnly", service.ErrPageOnly, 403, "page-only", "", ""},
	{"service.ErrPINNotOwn", service.ErrPINNotOwn, 403, "pin-not-own", "", ""},
	{"service.ErrNoLink", service.ErrNoLink, 410, "expired", "", "no longer pending"},
	{"service.ErrChanged", service.ErrChanged, 403, "changed-since-approval", "", ""},
	{"problem.ErrNoRoute", problem.ErrNoRoute, 404, "not-found", "", ""},
	{"problem.ErrMethodNotAllowed", problem.ErrMethodNotAllowed, 405, "method-not-allowed", "", ""},
	{"openapi.ErrNoCredential", openapi.ErrNoCredential, 401, "unauthorized", "", ""},
	{"openapi.ErrNoToken", openapi.ErrNoToken, 401, "unauthorized", "", "bearer token of a customer"},
	{"openapi.ErrRepeatedCredential", openapi.ErrRepeatedCredential, 401, "unauthorized", "", ""},
	{"openapi.ErrForbidden", openapi.ErrForbidden, 403, "forbidden", "", ""},
	{"openapi.ErrTooLarge", openapi.ErrTooLarge, 413, "too-large", "", ""},
	{"openapi.UnsupportedMediaTypeError", &openapi.UnsupportedMediaTypeError{}, 415, "unsupported-media-type", "", ""},
	{"openapi.UnsupportedMediaTypeError", &openapi.UnsupportedMediaTypeError{Patch: true}, 415, "unsupported-media-type", "", ""},
	{"openapi.UnsupportedMediaTypeError", &openapi.UnsupportedMediaTypeError{Coding: true, Patch: true}, 415, "unsupported-media-type", "", ""},
	{"openapi.ValidationError", &openapi.ValidationError{Errors: []openapi.FieldError{openapi.Missing("body", "pin")}}, 422, "", "", `{"detail":[{"loc":["body","pin"],"msg":"Field required","type":"missing"}]}`},
	{"any other", errors.New("804615"), 500, "internal", "", ""},
}

// elsewhere are the errors that no request meets, or that are meant to be a 500: a bug in this
// program or damaged data, which only the log may show.
var elsewhere = map[string]string{
	"service.ErrLinkOver":         "the pages answer it",
	"service.ErrOutdatedForm":     "the pages answer it",
	"service.ErrNoTriesLeft":      "the pages answer it",
	"service.ErrBusy":             "is argon2id.ErrBusy",
	"service.BusyError":           "is argon2id.BusyError",
	"service.ErrTooManyWaiting":   "is limit.ErrTooManyWaiting",
	"service.ErrTooBusy":          "is limit.ErrFull",
	"service.ErrHasherClosed":     "is argon2id.ErrClosed",
	"service.ErrUnknownPepper":    "is argon2id.ErrUnknownPepper",
	"service.ErrStoreUnavailable": "is store.ErrUnavailable",
	"service.ErrNotSealable":      "hydrapin audit export says it",
	"telemetry.ErrTraces":         "a server that gets it does not start",
	"service.ErrRings":            "a server that gets it does not start",
	"store.ErrKeyTaken":           "the service asks again",
	"store.ErrReadAfterWrite":     "500: a bug in this program",
	"store.ErrNotFound":           "the service turns it into its own",
	"service.ErrNewerSchema":      "is store.ErrNewerSchema",
	"store.ErrNotMigrated":        "the readiness probe reports it",
	"argon2id.ErrParams":          "a server that gets it does not start; of a stored hash it is ErrMalformed",
	"argon2id.ErrPool":            "a server that gets it does not start",
	"argon2id.ErrRing":            "a server that gets it does not start",
	"argon2id.ErrMalformed":       "500: the stored hash is damaged",
	"argon2id.ErrPanicked":        "500: a bug in this program",
	"argon2id.ErrPlaceUsed":       "500: a bug in this program",
	"auth.ErrInvalidConfig":       "a server that gets it does not start",
	"auth.ErrInvalidClaims":       "tokens are minted by a command",
	"auth.ErrInvalidKey":          "the service wraps it in ErrUnauthorized",
	"auth.ErrClaimName":           "a server that gets it does not start",
	"auth.ErrKeyKind":             "keys are minted by commands",
	"openapi.ErrContract":         "a server that gets it does not start",
	"openapi.FieldError":          "a part of openapi.ValidationError",
	"telemetry.ErrUnobserved":     "500: a bug in this program",
	"telemetry.PanicError":        "500: a bug in this program",
	"receipt.ErrRing":             "a server that gets it does not start",
	"receipt.ErrUnknownKey":       "500: the key that a stored approval names is missing",
	"receipt.ErrClaims":           "500: a bug in this program",
	"keyring.ErrMalformed":        "a server that gets it does not start",
	"keyring.ErrUnknown":          "argon2id and receipt replace it by their own",
	"wire.ErrNotUUID":             "the contract's validation answers it",
	"pin.ErrNotDigits":            "the contract's validation answers it",
	"confirmation.ErrPlace":       "the contract's validation answers it",
}

func TestErrorTable(t *testing.T) {
	t.Parallel()
	for _, c := range answered {
		for _, err := range []error{c.err, fmt.Errorf("wrapped: %w", c.err)} {
			p := problem.Of(err)
			status, kind, header := p.Status, p.Type(), http.Header{}
			p.SetHeaders(header)
			text, contentType := p.Body("id")
			body := string(text)
			if want := map[bool]string{true: "application/json", false: "application/problem+json"}[status == 422]; contentType != want {
				t.Errorf("%s: content type %s", c.name, contentType)
			}
			wantKind := "urn:hydrapin:problem:" + c.kind
			if c.kind == "" {
				wantKind = ""
			}
			if status != c.status || kind != wantKind || !strings.Contains(body, c.rest) || strings.Contains(body, "804615") {
				t.Errorf("%s: %d %s %s", c.name, status, kind, body)
			}
			retry := header.Get("Retry-After")
			if c.retryAfter == "soon" {
				if len(retry) != 1 || retry < "1" || retry > "5" {
					t.Errorf("%s: Retry-After %q", c.name, retry)
				}
			} else if retry != c.retryAfter {
				t.Errorf("%s: Retry-After %q, want %q", c.name, retry, c.retryAfter)
			}
			if challenged := header.Get("WWW-Authenticate") != ""; challenged != (status == http.StatusUnauthorized) {
				t.Errorf("%s: WWW-Authenticate %q", c.name, header.Get("WWW-Authenticate"))
			}
			if c.rest == "" && (strings.Contains(body, "attempts_remaining") || strings.Contains(body, "locked_until")) {
				t.Errorf("%s: %s", c.name, body)
			}
		}
	}
}

// Every error that the layers below export is in one of the two lists.
func TestEveryErrorIsKnown(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, c := range answered {
		known[c.name] = true
	}
	for name := range elsewhere {
		if known[name] {
			t.Errorf("%s is in both lists", name)
		}
		known[name] = true
	}
	found := map[string]bool{}
	for _, pkg := range []string{
		"service", "store", "argon2id", "auth", "openapi", "problem", "telemetry", "receipt", "keyring", "wire", "pin", "policy", "confirmation", "limit",
	} {
		for _, name := range exportedErrors(t, "../"+pkg) {
			found[pkg+"."+name] = true
			if !known[pkg+"."+name] {
				t.Errorf("%s.%s: what does it become at the edge?", pkg, name)
			}
		}
	}
	for name := range elsewhere {
		if !found[name] {
			t.Errorf("%s does not exist", name)
		}
	}
}

// exportedErrors returns the names of a package's Err… variables and …Error types.
func exportedErrors(tb testing.TB, dir string) (names []string) {
	tb.Helper()
	notTest := func(f fs.FileInfo) bool { return !strings.HasSuffix(f.Name(), "_test.go") }
	pkgs, err := parser.ParseDir(token.NewFileSet(), dir, notTest, parser.SkipObjectResolution) //nolint:staticcheck // build tags do not matter here
	must(tb, err)
	for _, pkg := range pkgs {
		for _, file := range pkg.Files {
			for _, decl := range file.Decls {
				gen, ok := decl.(*ast.GenDecl)
				if !ok {
					continue
				}
				for _, spec := range gen.Specs {
					switch s := spec.(type) {
					case *ast.ValueSpec:
						for _, id := range s.Names {
							if strings.HasPrefix(id.Name, "Err") {
								names = append(names, id.Name)
							}
						}
					case *ast.TypeSpec:
						if s.Name.IsExported() && strings.HasSuffix(s.Name.Name, "Error") {
							names = append(names, s.Name.Name)
						}
					}
				}
			}
		}
	}
	return names
}

// An answer that was refused for its rate says what is allowed, and when there is more, in whole
// seconds that are rounded up.
func TestRateLimitHeaders(t *testing.T) {
	t.Parallel()
	h := http.Header{}
	p := problem.Of(&limit.ExceededError{Policy: "address", Quota: 100, Window: 2 * time.Second, RetryAfter: 20 * time.Millisecond})
	p.SetHeaders(h)
	if h.Get("RateLimit-Policy") != `"address";q=100;w=2` || h.Get("RateLimit") != `"address";r=0;t=1` || h.Get("Retry-After") != "1" || !p.Limited() {
		t.Errorf("%v", h)
	}
}

// A 415 says what is supported: of a coding always, of a media type where it is PATCH's.
func TestUnsupportedMediaTypeSaysWhatIsSupported(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err             openapi.UnsupportedMediaTypeError
		encoding, patch string
	}{
		{openapi.UnsupportedMediaTypeError{}, "", ""},
		{openapi.UnsupportedMediaTypeError{Patch: true}, "", "application/json"},
		{openapi.UnsupportedMediaTypeError{Coding: true}, "identity", ""},
		{openapi.UnsupportedMediaTypeError{Coding: true, Patch: true}, "identity", ""},
	} {
		h := http.Header{}
		problem.Of(&c.err).SetHeaders(h)
		if h.Get("Accept-Encoding") != c.encoding || h.Get("Accept-Patch") != c.patch {
			t.Errorf("%+v: %v", c.err, h)
		}
	}
}

// The contract lists every code, and no other.
func TestCodesAreThoseOfTheContract(t *testing.T) {
	t.Parallel()
	var made, listed []string
	for _, p := range problem.All() {
		if p.Code != "" {
			made = append(made, p.Type())
		}
	}
	doc, err := api.GetSpec()
	must(t, err)
	for _, v := range doc.Components.Schemas["ProblemType"].Value.Enum {
		listed = append(listed, v.(string))
	}
	slices.Sort(made)
	slices.Sort(listed)
	if made = slices.Compact(made); !slices.Equal(made, listed) {
		t.Errorf("the server has\n%v\nand the contract\n%v", made, listed)
	}
}

// The body has the form that the generated types of the contract have.
func TestBodyIsTheContractsProblem(t *testing.T) {
	t.Parallel()
	for _, c := range answered {
		if c.status == 422 {
			continue
		}
		body, _ := problem.Of(c.err).Body("id")
		var p api.Problem
		decoder := json.NewDecoder(bytes.NewReader(body))
		decoder.DisallowUnknownFields()
		must(t, decoder.Decode(&p))
		again, err := json.Marshal(p)
		must(t, err)
		if !bytes.Equal(again, body) {
			t.Errorf("%s: %s, and of the contract %s", c.name, body, again)
		}
	}
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}
