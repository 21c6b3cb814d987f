// Package systest holds tests of the whole program: real processes of the binary
// that people run, real databases, real sockets, and kill -9.
//
// It guarantees what no test inside one process can: that guesses over several
// nodes cost what they must, that no crash gives an attempt back or approves
// anything, that the next start completes a first start that was interrupted, that an
// error at the start is reported in one line without a secret, and that every
// credential allows exactly what the contract says. What the processes print is
// searched for every secret that a test used.
//
// It must know nothing of the program but its command line, its settings, its API
// and its log. Package pgtest gives the databases.
package systest
