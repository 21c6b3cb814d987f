// Package jobs runs what a server does beside requests, each in a loop of its own until the server
// stops. It guarantees that a loop goes on after an error. What a pass does is decided in the service
// alone.
package jobs
