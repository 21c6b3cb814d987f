// Package texts holds tests of what users read: that the README works when it is
// pasted into a shell, and that every text is in plain English, without the words
// that the project has retired.
//
// It must know nothing of the program but its texts, its command line and its API.
package texts
