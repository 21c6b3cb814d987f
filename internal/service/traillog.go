package service

import (
	"context"
	"crypto/ed25519"
	"errors"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/audit"
	"github.com/hydracore/hydrapin/internal/store"
	"github.com/hydracore/hydrapin/internal/trail"
)

const (
	// headEvery is how often the head of a tree that grows is kept and logged.
	headEvery = time.Hour
	// headsBatch is how many heads are kept in one transaction.
	headsBatch = 200
)

// errNoHost says that the public URL names no host, which the log would be named after.
var errNoHost = errors.New("service: the public URL has no host to name the audit log after")

// trailLog is what a node knows of the log, once it has been prepared, and of its own passes.
type trailLog struct {
	mu       sync.Mutex
	prepared bool
	log      audit.Log
	known    []trail.PublicKey
	// lost counts the passes that others overtook since one was not.
	lost int
	// failed are the trees that could not be extended, at the size that they had.
	failed map[uuid.UUID]failure
}

type failure struct {
	size  int64
	times int
}

func (l *trailLog) name() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.log.Name
}

// keys returns every public key that may have signed a head.
func (l *trailLog) keys() []trail.PublicKey {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.known
}

func (l *trailLog) overtaken() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lost++
	return l.lost
}

func (l *trailLog) advanced() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lost, l.failed = 0, nil
}

// failedAt counts a failure of a tree, and returns how many there were at this size.
func (l *trailLog) failedAt(tenant uuid.UUID, size int64) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failed == nil {
		l.failed = map[uuid.UUID]failure{}
	}
	f := l.failed[tenant]
	if f.size != size {
		f = failure{size: size}
	}
	f.times++
	l.failed[tenant] = f
	return f.times
}

// prepareTrail names the log after the public host, unless it has a name, and records the keys of
// this node; once.
func (s *Service) prepareTrail(ctx context.Context) error {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	if s.log.prepared {
		return nil
	}
	log, recorded, err := s.readTrailLog(ctx)
	if err != nil {
		return err
	}
	changed := changedKeys(recorded, s.config.HeadKeys)
	if log.Name == "" || len(changed) > 0 {
		if err := s.saveTrailLog(ctx, log, changed); err != nil {
			return err
		}
		if log, recorded, err = s.readTrailLog(ctx); err != nil {
			return err
		}
	}
	s.log.log, s.log.known, s.log.prepared = log, s.config.HeadKeys.PublicKeys(), true
	for _, k := range recorded {
		s.log.known = append(s.log.known, trail.PublicKey{ID: k.ID, Key: k.PublicKey})
	}
	return nil
}

func (s *Service) readTrailLog(ctx context.Context) (audit.Log, []audit.LogKey, error) {
	log, err := s.config.Store.TrailLog(ctx)
	if err != nil {
		return audit.Log{}, nil, err
	}
	keys, err := s.config.Store.TrailKeys(ctx)
	return log, keys, err
}

// changedKeys returns the recorded keys that the ring has no more, those that it has again, and
// those that are new. Their times are not set: the zero AddedAt is new, RetiredAt follows.
func changedKeys(recorded []audit.LogKey, ring trail.Ring) []keyChange {
	var changes []keyChange
	own := ring.PublicKeys()
	for _, k := range recorded {
		has := slices.ContainsFunc(own, func(p trail.PublicKey) bool { return p.ID == k.ID && p.Key.Equal(publicKey(k)) })
		if has != k.RetiredAt.IsZero() {
			changes = append(changes, keyChange{key: k, retired: !has})
		}
	}
	for _, p := range own {
		known := slices.ContainsFunc(recorded, func(k audit.LogKey) bool { return p.ID == k.ID && p.Key.Equal(publicKey(k)) })
		if !known {
			changes = append(changes, keyChange{key: audit.LogKey{ID: p.ID, PublicKey: p.Key}})
		}
	}
	return changes
}

func publicKey(k audit.LogKey) ed25519.PublicKey { return k.PublicKey }

// keyChange is a key that is recorded anew.
type keyChange struct {
	key     audit.LogKey
	retired bool
}

func (s *Service) saveTrailLog(ctx context.Context, log audit.Log, changes []keyChange) error {
	if log.Name == "" {
		public, err := url.Parse(s.config.Issuer)
		if err != nil || public.Host == "" {
			return errNoHost
		}
		log.Name = public.Host
	}
	_, err := run(ctx, s, act{op: OpPrepareTrail, caller: system(uuid.Nil), repeats: true}, func(ctx context.Context, st *step) (struct{}, error) {
		if err := st.Fetch(ctx); err != nil { // the time
			return struct{}{}, err
		}
		st.InsertTrailLog(audit.Log{Name: log.Name, CreatedAt: st.Now()})
		for _, c := range changes {
			k := c.key
			if k.AddedAt.IsZero() {
				k.AddedAt = st.Now()
			}
			k.RetiredAt = time.Time{}
			if c.retired {
				k.RetiredAt = st.Now()
			}
			st.SaveTrailKey(k)
		}
		return struct{}{}, nil
	})
	return err
}

// KeepHeads keeps, and logs, the heads of up to a batch of trees that have grown since theirs was
// kept an hour ago, and says whether there may be more. A head in the log of the program, outside
// of the database, is what a rewritten trail is found by.
func (s *Service) KeepHeads(ctx context.Context) (more bool, err error) {
	kept, err := run(ctx, s, act{op: OpKeepHeads, caller: system(uuid.Nil)}, func(ctx context.Context, st *step) ([]audit.Tree, error) {
		if err := st.Fetch(ctx); err != nil { // the time
			return nil, err
		}
		var trees []audit.Tree
		st.LockUnkeptTrees(st.Now().Add(-headEvery), headsBatch, &trees)
		if err := st.Fetch(ctx); err != nil {
			return nil, err
		}
		for n := range trees {
			trees[n].KeptAt = st.Now()
			st.KeepHead(trees[n])
		}
		return trees, nil
	})
	if errors.Is(err, store.ErrKeyTaken) {
		return false, nil // another node kept it
	}
	for _, tree := range kept {
		s.config.Log.InfoContext(ctx, "head of an audit trail", "tenant", tree.Tenant, "size", tree.Size, "head", tree.Head)
	}
	return len(kept) == headsBatch, err
}

// TrailLag returns how long the event that has waited longest has waited for its index; zero when
// none waits.
func (s *Service) TrailLag(ctx context.Context) (time.Duration, error) {
	at, err := s.config.Store.OldestQueued(ctx)
	if err != nil || at.IsZero() {
		return 0, err
	}
	return max(time.Microsecond, s.config.Now().Sub(at)), nil
}

// StoppedTrees counts the trees that do not match their last signed head.
func (s *Service) StoppedTrees(ctx context.Context) (int, error) {
	return s.config.Store.StoppedTrees(ctx)
}

// LeaseSequencer takes or renews, for some time, the work of the sequencer, and says whether this
// node has it.
func (s *Service) LeaseSequencer(ctx context.Context, node string, lasts time.Duration) (bool, error) {
	return s.config.Store.Lease(ctx, store.Lease{Duty: store.DutySequence, Holder: node, Lasts: lasts})
}

// EndSequencerLease lets another node sequence at once.
func (s *Service) EndSequencerLease(ctx context.Context, node string) error {
	return s.config.Store.EndLease(ctx, store.Lease{Duty: store.DutySequence, Holder: node})
}
