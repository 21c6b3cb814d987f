package argon2id

import "golang.org/x/sys/unix"

// yieldToOthers gives the calling thread the lowest share of the processor that
// the scheduler knows. On Linux a niceness is the thread's own. To raise it needs
// no right; where a sandbox forbids it all the same, hashing goes on without.
func yieldToOthers() { _ = unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), 19) }
