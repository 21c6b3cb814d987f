package argon2id_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/google/uuid"
	"go.uber.org/goleak"

	"github.com/hydracore/hydrapin/internal/argon2id"
	"github.com/hydracore/hydrapin/internal/limit"
	"github.com/hydracore/hydrapin/internal/pin"
)

// TestMain fails when any test has left a worker behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// quick are costs that make a real hash cheap.
var quick = argon2id.Params{MemoryKiB: 64, Time: 1, Parallelism: 1}

var (
	tenantA = uuid.MustParse("0a000000-0000-4000-8000-00000000000a")
	tenantB = uuid.MustParse("0b000000-0000-4000-8000-00000000000b")
	someone = pin.CustomerHolder(tenantA, uuid.MustParse("c0000000-0000-4000-8000-000000000001"))
)

// pepperBytes are the 32 bytes of a test pepper.
func pepperBytes(letter string) []byte { return []byte(strings.Repeat(letter, 32)) }

func ringText(ids ...string) string {
	entries := make([]string, len(ids))
	for i, id := range ids {
		entries[i] = id + ":" + base64.StdEncoding.EncodeToString(pepperBytes(id[len(id)-1:]))
	}
	return strings.Join(entries, ",")
}

func mustRing(tb testing.TB, ids ...string) argon2id.Ring {
	tb.Helper()
	ring, err := argon2id.ParseRing(ringText(ids...))
	if err != nil {
		tb.Fatal(err)
	}
	return ring
}

func mustPIN(tb testing.TB, digits string) pin.PIN {
	tb.Helper()
	p, err := pin.Parse(digits)
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

// of is a caller of the tenant, with the one credential that most tests need.
func of(tenant uuid.UUID) limit.Caller { return limit.Caller{Tenant: tenant} }

func mustReserve(tb testing.TB, pool *argon2id.Pool, tenant uuid.UUID) *argon2id.Place {
	tb.Helper()
	place, err := pool.Reserve(of(tenant))
	if err != nil {
		tb.Fatal(err)
	}
	return place
}
