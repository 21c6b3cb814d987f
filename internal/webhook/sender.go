package webhook

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"syscall"
	"time"
)

const (
	// sendTimeout is for one try, from the look-up of the name to the head of the answer.
	sendTimeout = 10 * time.Second
	// maxAnswerHeader bounds the head of an answer; its body is not read.
	maxAnswerHeader = 64 << 10
	idleTimeout     = 30 * time.Second

	userAgent = "hydrapin-webhooks"
)

// errNotAllowed is returned by a dial to an address that may not be dialed.
var errNotAllowed = errors.New("webhook: the address may not be dialed")

// Message is what is sent once to an endpoint.
type Message struct {
	// ID is the event's.
	ID      string
	URL     string
	Body    []byte
	Secrets []Secret
}

// SenderConfig says how messages are sent. The zero Resolver is the system's, and the zero Roots are
// the system's certificates (SSL_CERT_FILE is honoured).
type SenderConfig struct {
	Addresses Addresses
	Resolver  *net.Resolver
	Roots     *x509.CertPool
	// Timeout is for one try; 0 for ten seconds.
	Timeout time.Duration
}

// Sender sends messages. It follows no redirect, uses no proxy, and keeps of an answer the status
// and Retry-After alone.
type Sender struct {
	client  *http.Client
	timeout time.Duration
}

// NewSender returns a Sender. Close it when it is no longer needed.
func NewSender(c SenderConfig) *Sender {
	dialer := &net.Dialer{
		Timeout: sendTimeout, Resolver: c.Resolver,
		// Called with the address that is dialed, after every look-up: a name that changes
		// between a check and the connection changes nothing.
		Control: func(_, address string, _ syscall.RawConn) error {
			to, err := netip.ParseAddrPort(address)
			if err != nil || !c.Addresses.Allows(to.Addr()) {
				return errNotAllowed
			}
			return nil
		},
	}
	s := &Sender{timeout: c.Timeout, client: &http.Client{
		Transport: &http.Transport{
			DialContext: dialer.DialContext, ForceAttemptHTTP2: true,
			TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: c.Roots},
			IdleConnTimeout: idleTimeout, MaxIdleConnsPerHost: 1, MaxIdleConns: 100,
			MaxResponseHeaderBytes: maxAnswerHeader, DisableCompression: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	if s.timeout == 0 {
		s.timeout = sendTimeout
	}
	return s
}

// Close closes the connections that are kept.
func (s *Sender) Close() { s.client.CloseIdleConnections() }

// Send sends a message once and says what became of it. With ctx it gives up.
func (s *Sender) Send(ctx context.Context, m Message, now time.Time) Result {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, m.URL, bytes.NewReader(m.Body))
	if err != nil {
		return Result{Failure: Unreadable}
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", userAgent)
	if err := Sign(req.Header, m.ID, now, m.Body, m.Secrets...); err != nil {
		return Result{Failure: Unreadable}
	}
	answer, err := s.client.Do(req)
	if err != nil {
		return Result{Failure: failureOf(err)}
	}
	// The body is not read: it may be endless. Closing ends the connection where it was not empty.
	_ = answer.Body.Close()
	return resultOf(answer, now)
}

func resultOf(answer *http.Response, now time.Time) Result {
	r := Result{Status: answer.StatusCode}
	switch class := answer.StatusCode / 100; class {
	case 2:
		return r
	case 3:
		r.Failure = Redirected
	default:
		r.Failure = Unsuccessful
	}
	r.RetryAfter = retryAfter(answer.Header.Get("Retry-After"), now)
	return r
}

// retryAfter reads seconds or a date (RFC 9110, section 10.2.3); what it does not understand is zero.
func retryAfter(text string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}

// failureOf names the error of a request that got no answer. Of several that are true the first is
// the cause.
func failureOf(err error) Failure {
	var (
		resolved *net.DNSError
		untyped  *tls.CertificateVerificationError
		alert    tls.AlertError
		record   tls.RecordHeaderError
		unknown  x509.UnknownAuthorityError
		network  net.Error
	)
	switch {
	case errors.Is(err, errNotAllowed):
		return NotAllowed
	case errors.As(err, &resolved):
		return NotResolved
	case errors.Is(err, http.ErrSchemeMismatch), errors.As(err, &untyped), errors.As(err, &alert), errors.As(err, &record), errors.As(err, &unknown):
		return NotTrusted
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled),
		errors.As(err, &network) && network.Timeout():
		return TimedOut
	case isConnection(err):
		return NotConnected
	default:
		return NotUnderstood
	}
}

func isConnection(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, net.ErrClosed)
}
