//go:build !linux

package argon2id

// yieldToOthers does nothing: elsewhere a niceness is the whole process's, and
// that would slow what is meant to be fast.
func yieldToOthers() {}
