// Package guardproof proves hydrapin guard from outside: the program as it ships, between a client
// and an MCP server that records every message it sees, with a real hydrapin behind a proxy and a
// person who answers on the real page.
//
// It guarantees one sentence in every test: a tool call that needs a PIN reaches the server only
// after the answer of a redeem, once for each confirmation of the person, and with the arguments that
// the person saw. What ran is counted in the server's record, never in what guard says.
//
//	make guard/attack   the table of attacks, in attacks_test.go: add rows there
//	make guard          real servers and clients from npm, and the conformance suite
//	make bench          what guard adds to a call that needs no PIN
//
// It must know nothing of the program but its command line, its API and its pages.
package guardproof
