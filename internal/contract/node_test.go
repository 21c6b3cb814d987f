package contract_test

import (
	"errors"
	"log/slog"
	"net/http"
	"os"
	"testing"

	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/contract"
	"github.com/hydracore/hydrapin/internal/hydratest"
)

// node is a server on a database of its own, and a client for it.
type node struct {
	client
	stack *hydratest.Stack
}

// start starts a node whose answers are counted in seen. Hashing costs next to nothing unless the
// settings say otherwise.
func start(t *testing.T, seen *contract.Coverage, e hydratest.Engine, settings ...string) *node {
	t.Helper()
	return startWith(t, seen, hydratest.Options{Engine: e, Settings: settings})
}

func startWith(t *testing.T, seen *contract.Coverage, o hydratest.Options) *node {
	t.Helper()
	spec, err := contract.Current()
	must(t, err)
	base := &http.Transport{MaxIdleConnsPerHost: 16}
	o.LogLevel = slog.LevelWarn
	s := hydratest.Start(t, o)
	t.Cleanup(base.CloseIdleConnections)
	return &node{stack: s, client: client{
		TB: t, spec: spec, url: s.URL,
		creds: creds{
			tenant: s.Tenant, instance: s.Instance, customer: s.Customer, key: s.Key, agent: s.RuntimeKey,
			mine: s.Token(t, func(c *auth.Claims) { c.CustomerID = s.Customer }),
		},
		http: &http.Client{Transport: &contract.Transport{Spec: spec, Base: base, Report: t.Error, Seen: seen}},
	}}
}

// sql runs statements on the node's database, past the node.
func (n *node) sql(statements ...string) {
	n.Helper()
	n.stack.SQL(n, statements...)
}

// envReport names a file that [report] appends to.
const envReport = "HYDRAPIN_TEST_CONTRACT_REPORT"

// report prints what is to be read even when everything is well: in the log, and
// in the file that make contract prints.
func report(t *testing.T, text string) {
	t.Helper()
	t.Log(text)
	name := os.Getenv(envReport)
	if name == "" {
		return
	}
	f, err := os.OpenFile(name, os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o600)
	must(t, err)
	_, err = f.WriteString(text + "\n")
	must(t, errors.Join(err, f.Close()))
}
