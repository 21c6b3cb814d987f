package hydrapin

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

const (
	defaultTimeout = 15 * time.Second
	defaultRetries = 4
)

// ErrConfig is wrapped by [NewAdmin] and [NewRuntime] when an argument is not valid.
var ErrConfig = errors.New("hydrapin: configuration")

// Option changes how an [Admin] or a [Runtime] calls the server.
type Option func(*connection)

// WithTimeout sets how long one attempt of a call may take. The default is 15 seconds. A call that
// waits for the holder may take that much longer than it waits.
func WithTimeout(d time.Duration) Option { return func(c *connection) { c.timeout = d } }

// WithRetries sets how often a call is retried after its first attempt. The default is 4; 0 turns
// retries off.
//
// Every call is retried when the server did nothing: 429 too-many-requests and 503 busy. Calls that
// can be repeated without harm are also retried after a lost answer, 429, 502, 503 and 504: calls
// that read, [Runtime.Decline], [Runtime.EndSessions], the report of an outcome, and [Runtime.Ask]
// with an idempotency key. The pause is partly random and doubles from 200 ms, or is as long as
// Retry-After says. If that is more than 30 seconds, or more than the context has left, the error
// is returned at once.
func WithRetries(n int) Option { return func(c *connection) { c.retries = n } }

// WithHTTPClient sets the client whose transport and cookies are used. Its timeout and its redirect
// policy are not used, and the client is not changed. The default is [http.DefaultTransport], which
// uses no proxy for loopback addresses.
func WithHTTPClient(h *http.Client) Option {
	return func(c *connection) {
		if h != nil {
			c.http = *h
		}
	}
}

// WithUserAgent sets the text in front of this package's own name in User-Agent.
func WithUserAgent(name string) Option {
	return func(c *connection) { c.userAgent = name + " " + c.userAgent }
}

// WithOnResponse sets a function that is called after each attempt of each call, for logs and
// metrics. It must not block, and may be called by several goroutines at once.
func WithOnResponse(f func(ResponseInfo)) Option { return func(c *connection) { c.onResponse = f } }

// AllowInsecureTransport accepts a server at an http address that is not on this machine. PINs and
// keys then travel in the clear: it is for networks where something else encrypts.
func AllowInsecureTransport() Option { return func(c *connection) { c.insecure = true } }

func connect(baseURL string, credential Credential, options []Option) (*connection, error) {
	if credential == nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, ErrCredential)
	}
	if err := credential.check(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	c := &connection{
		credential: credential, userAgent: "hydrapin-go/" + Version, timeout: defaultTimeout, retries: defaultRetries,
	}
	for _, o := range options {
		o(c)
	}
	if c.timeout <= 0 || c.retries < 0 {
		return nil, fmt.Errorf("%w: timeout and retries must not be negative, and the timeout not zero", ErrConfig)
	}
	var err error
	if c.base, err = baseOf(baseURL, c.insecure); err != nil {
		return nil, err
	}
	// A redirect would send the credential to another address.
	c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	// It would cut off long polls. Each attempt has a timeout of its own.
	c.http.Timeout = 0
	return c, nil
}

// baseOf checks the address of a server and returns it without a slash at its end. No error repeats
// the address: it may contain a password.
func baseOf(text string, insecure bool) (string, error) {
	u, err := url.Parse(text)
	if err != nil || !plain(text) || u.Hostname() == "" || u.Opaque != "" || u.Scheme != "https" && u.Scheme != "http" {
		return "", fmt.Errorf("%w: the base URL must be https://host[:port][/prefix]", ErrConfig)
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return "", fmt.Errorf("%w: the base URL has a port that does not exist", ErrConfig)
		}
	}
	if u.User != nil || strings.ContainsAny(text, "?#") {
		return "", fmt.Errorf("%w: the base URL must have no user, query or fragment", ErrConfig)
	}
	if u.Scheme == "http" && !isLoopback(u.Hostname()) && !insecure {
		return "", fmt.Errorf("%w: the base URL must be https, because PINs and keys would travel in the clear; "+
			"use http only for a server on this machine, or AllowInsecureTransport", ErrConfig)
	}
	return strings.TrimRight(text, "/"), nil
}

// plain reports whether a text is visible ASCII without a backslash, which parsers read in
// different ways.
func plain(text string) bool {
	for i := range len(text) {
		if text[i] < '!' || text[i] > '~' || text[i] == '\\' {
			return false
		}
	}
	return true
}

func isLoopback(host string) bool {
	return strings.EqualFold(host, "localhost") || net.ParseIP(host).IsLoopback()
}

// AdminFromEnv returns an [Admin] for the server at HYDRAPIN_URL with the key HYDRAPIN_API_KEY or
// the token HYDRAPIN_TOKEN. Each can also be in a file, named by HYDRAPIN_API_KEY_FILE and so on.
func AdminFromEnv(options ...Option) (*Admin, error) {
	address, err := required("HYDRAPIN_URL")
	if err != nil {
		return nil, err
	}
	key, err := setting("HYDRAPIN_API_KEY")
	if err != nil {
		return nil, err
	}
	token, err := setting("HYDRAPIN_TOKEN")
	if err != nil {
		return nil, err
	}
	switch {
	case (key == "") == (token == ""):
		return nil, fmt.Errorf("%w: set either HYDRAPIN_API_KEY or HYDRAPIN_TOKEN", ErrConfig)
	case key != "":
		return NewAdmin(address, NewKey(key), options...)
	default:
		return NewAdmin(address, Token(token), options...)
	}
}

// RuntimeFromEnv returns a [Runtime] for the server at HYDRAPIN_URL, with the key
// HYDRAPIN_RUNTIME_KEY of the instance HYDRAPIN_INSTANCE. Each can also be in a file, named by
// HYDRAPIN_RUNTIME_KEY_FILE and so on.
func RuntimeFromEnv(options ...Option) (*Runtime, error) {
	address, err := required("HYDRAPIN_URL")
	if err != nil {
		return nil, err
	}
	key, err := required("HYDRAPIN_RUNTIME_KEY")
	if err != nil {
		return nil, err
	}
	text, err := required("HYDRAPIN_INSTANCE")
	if err != nil {
		return nil, err
	}
	instance, err := uuid.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%w: HYDRAPIN_INSTANCE is not a UUID", ErrConfig)
	}
	return NewRuntime(address, NewKey(key), instance, options...)
}

func required(name string) (string, error) {
	value, err := setting(name)
	if err == nil && value == "" {
		err = fmt.Errorf("%w: %s is not set", ErrConfig, name)
	}
	return value, err
}

// setting returns a variable of the environment, or the content of the file that NAME_FILE names.
func setting(name string) (string, error) {
	value, path := os.Getenv(name), os.Getenv(name+"_FILE")
	if value != "" && path != "" {
		return "", fmt.Errorf("%w: set %s or %s_FILE, not both", ErrConfig, name, name)
	}
	if path == "" {
		return value, nil
	}
	content, err := os.ReadFile(path) //nolint:gosec // the operator names the file
	if err != nil {
		return "", fmt.Errorf("%w: %s_FILE: %w", ErrConfig, name, err)
	}
	return strings.TrimSpace(string(content)), nil
}
