package bench_test

import (
	"net/http"
	"testing"

	"github.com/google/uuid"
)

// cheap are the settings of a server that is not measured for its hashing: the
// lowest costs, and room in the queue for every connection.
var cheap = []string{"HYDRAPIN_ARGON2_MEMORY_KIB=64", "HYDRAPIN_ARGON2_TIME=1", "HYDRAPIN_HASH_QUEUE=128"}

// BenchmarkStatusReads compares status reads with bare Echo: on PostgreSQL with
// one SELECT by the primary key, on SQLite with a greeting.
func BenchmarkStatusReads(b *testing.B) {
	onBoth(b, func(b *testing.B, s store) {
		b.Helper()
		p := serve(b, s, cheap...)
		cs := connect(b, p.addr, connections)
		t := newTenant(b, p, cs[0], 0)
		reads := requests(t.newCustomers(b, cs, 1000), t.statusRequest)
		b.Run("hydrapin", func(b *testing.B) {
			cs.rate(b, "reads/s", func(c *conn, i int) error {
				_, err := c.want(http.StatusOK, reads[i%len(reads)])
				return err
			})
		})
		limit := connect(b, startLimit(b, s).addr, connections)
		b.Run("limit", func(b *testing.B) {
			read := request(http.MethodGet, s.limitRead, "", "")
			limit.rate(b, "reads/s", func(c *conn, _ int) error {
				_, err := c.want(http.StatusOK, read)
				return err
			})
		})
	})
}

// BenchmarkAsks compares questions that a live session answers, and questions that
// stay pending, with one committed row behind bare Echo.
func BenchmarkAsks(b *testing.B) {
	onBoth(b, func(b *testing.B, s store) {
		b.Helper()
		p := serve(b, s, cheap...)
		cs := connect(b, p.addr, connections)
		with, without := newTenant(b, p, cs[0], 60), newTenant(b, p, cs[0], 0)
		b.Run("session", func(b *testing.B) {
			asks := requests(with.withSession(b, cs), with.askRequest)
			cs.rate(b, "asks/s", func(c *conn, i int) error {
				_, err := asked(c, asks[i%len(asks)], "approved")
				return err
			})
		})
		b.Run("none", func(b *testing.B) {
			// A holder has at most 50 pending ones on an instance.
			asks := requests(without.newCustomers(b, cs, 1+b.N/20), without.askRequest)
			cs.rate(b, "asks/s", func(c *conn, i int) error {
				_, err := asked(c, asks[i%len(asks)], "pending")
				return err
			})
		})
		limitWrites(b, s)
	})
}

// BenchmarkRedeems uses up approvals that a session gave, each once.
func BenchmarkRedeems(b *testing.B) {
	onBoth(b, func(b *testing.B, s store) {
		b.Helper()
		p := serve(b, s, cheap...)
		cs := connect(b, p.addr, connections)
		t := newTenant(b, p, cs[0], 60)
		customers := t.withSession(b, cs)
		b.Run("hydrapin", func(b *testing.B) {
			redeems := make([][]byte, b.N)
			cs.each(b, b.N, func(c *conn, i int) error {
				id, err := asked(c, t.askRequest(customers[i%len(customers)]), "approved")
				redeems[i] = t.redeemRequest(id)
				return err
			})
			cs.rate(b, "redeems/s", func(c *conn, i int) error {
				_, err := c.want(http.StatusOK, redeems[i])
				return err
			})
		})
		limitWrites(b, s)
	})
}

// limitWrites is the limit of what writes.
func limitWrites(b *testing.B, s store) {
	b.Helper()
	cs := connect(b, startLimit(b, s).addr, connections)
	b.Run("limit", func(b *testing.B) {
		write := request(http.MethodPost, "/row", "", "")
		cs.rate(b, "commits/s", func(c *conn, _ int) error {
			_, err := c.want(http.StatusNoContent, write)
			return err
		})
	})
}

// requests makes the bytes of the requests about some customers.
func requests(customers []uuid.UUID, of func(uuid.UUID) []byte) [][]byte {
	all := make([][]byte, len(customers))
	for i, id := range customers {
		all[i] = of(id)
	}
	return all
}
