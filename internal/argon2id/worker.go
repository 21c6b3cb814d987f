package argon2id

import (
	"fmt"
	"time"

	"github.com/google/uuid"
)

// serve is one worker.
func (p *Pool) serve() {
	for {
		j := p.next()
		if j == nil {
			return
		}
		began := time.Now()
		out, err := attempt(j)
		took := time.Since(began)
		p.finish(j, took, err == nil)
		j.done <- answer{out, err, took}
	}
}

// next waits for a job and takes it: the oldest of the credential whose turn it is. It returns nil
// when the pool is closed and no job is waiting.
func (p *Pool) next() *job {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.turns.Len() == 0 {
		if p.closed {
			return nil
		}
		p.arrived.Wait()
	}
	j, _ := p.turns.Pop(func(uuid.UUID) bool { return true })
	return j
}

// attempt runs the job. A panic becomes an error that names only the type of its value: the value
// could contain what was being hashed.
func attempt(j *job) (out outcome, err error) {
	defer func() {
		if v := recover(); v != nil {
			out, err = outcome{}, fmt.Errorf("%w: %T", ErrPanicked, v)
		}
	}()
	if err := j.gone(); err != nil {
		return outcome{}, err
	}
	return j.work()
}

func (p *Pool) finish(j *job, took time.Duration, hashed bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held.Give(j.caller)
	if hashed {
		p.mean += (took - p.mean) / 8
	}
}
