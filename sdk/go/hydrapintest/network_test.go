package hydrapintest_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/hydracore/hydrapin/sdk/go/hydrapin"
)

// network is what stands between the SDK and the server.
type network func(r *http.Request) (*http.Response, error)

func (n network) RoundTrip(r *http.Request) (*http.Response, error) { return n(r) }

var errLost = errors.New("the wire is cut")

var (
	goodPIN  = hydrapin.NewPIN("804615")
	wrongPIN = hydrapin.NewPIN("111222")
)

const skill = "payments.transfer"

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}
