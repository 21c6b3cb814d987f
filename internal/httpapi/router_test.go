package httpapi_test

import (
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/hydracore/hydrapin/internal/hydratest"
)

// A guess that has to wait costs nothing once its client has gone: the database is busy until then.
func TestNothingIsSpentForAClientThatHasGone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.pending(t)
	db, err := b.Connect(t).Conn(t.Context())
	must(t, err)
	_, err = db.ExecContext(t.Context(), "BEGIN IMMEDIATE")
	must(t, err)

	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", b.Server.Listener.Addr().String())
	must(t, err)
	const body = `{"pin":"492750"}`
	_, err = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nX-Api-Key: %s\r\nContent-Length: %d\r\n\r\n%s",
		b.internalPath("/confirmations/"+id+"/verify"), b.RuntimeKey, len(body), body)
	must(t, err)
	must(t, conn.Close())
	hydratest.Eventually(t, "the server gives up", func() bool {
		return strings.Contains(b.Log.String(), `"operation":"verifyConfirmation"`)
	})
	_, err = db.ExecContext(t.Context(), "ROLLBACK")
	must(t, err)
	wantConfirmation(t, b.on(t, "GET", id, "", "").want(t, 200), map[string]any{"status": "pending", "attempts_remaining": 5})
}
