// Package bench measures the server as it ships, each figure beside the limit
// that it cannot pass, taken in the same run and in the same way. It guarantees
// that what is measured is the built program behind a socket at 127.0.0.1; it
// must not know a rule, a store's inside or a handler, and asserts nothing about
// time. There are only benchmarks in it:
//
//	make bench
//
// or alone, with loads of another length,
//
//	go test ./internal/bench -run '^$' -bench . [-span 10s]
//
// # How it is arranged
//
// Server, limit and load are three processes. The server is the program, built
// here without cgo; a limit (bare Echo, Echo with one SELECT through pgx, the hash
// pool without a server) is this test's binary started as a child, so that it pays
// for sockets, scheduling and a load generator on the same cores just as the
// server does. In one process the generator would share the runtime that the
// server tunes for itself (Ps, garbage collector), and the pauses of the one would
// be counted as the other's. The load comes over connections that are kept, from a
// client that writes bytes made beforehand and reads no more of an answer than its
// status and length: on a small machine net/http's client costs as much as a
// server. Log lines go to a file, as JSON, at the default level.
//
// Costs of a hash are the defaults wherever hashing is measured, and the lowest
// that there are where PINs and sessions only have to be there. Both databases wait for
// the disk at each commit: each benchmark starts a PostgreSQL of its own, because the
// one that tests share does not.
//
// # How to read it
//
//   - StatusReads: reads/s of GET /v1/customers/{id}/pin with an API key, 16
//     connections; "limit" is bare Echo with one SELECT by primary key (PostgreSQL),
//     or bare Echo that says hello (SQLite).
//   - Asks: asks/s with a live session (approved, signed) and with none (pending);
//     Redeems: redeems/s, each of an approved confirmation of its own. "limit" is
//     one transaction that inserts one row and commits, behind the same bare Echo.
//   - Verifies: verifies/s of 64 clients without pause, all with the correct PIN,
//     beside "limit", the hashes/s of the pool alone with 64 callers; of-limit is
//     the one divided by the other.
//   - ReadsBesideVerifies: 1,000 status reads a second, sent when the clock says so
//     and counted from then on, however late the answer before was: "rest" with
//     nothing else, "beside" with Verifies' 64 clients, "refused" with 64 clients of
//     one tenant at the default queue, where most are refused and ask again at
//     once. Of what p99-ms contains, late-p99-ms is how late the generator was with
//     sending, and served-p99-ms what came after it.
//   - Guard: a tool call that needs no PIN, in turn without hydrapin guard and with it, one at a
//     time: the percentiles of both, and the difference, which is what guard and its look-up of
//     the policy add.
//   - ColdStart: ms from exec until /readyz answers 200, where nothing is yet
//     ("first") and on the folder that this made ("second"); the limit is 200.
//
// ns/op is left out where an operation is a whole span of time; B/op and
// allocs/op, which -benchmem adds, are the load generator's and say nothing.
package bench
