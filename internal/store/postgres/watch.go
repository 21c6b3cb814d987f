package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

const (
	// watchPing is how long the listening connection may be silent before it is
	// asked whether it still lives.
	watchPing     = 20 * time.Second
	watchMinPause = 50 * time.Millisecond
	// watchMaxPause bounds how long after a failover no waiting caller is woken.
	watchMaxPause = 500 * time.Millisecond
)

// Watch listens on one connection of its own until ctx ends, and then returns
// nil. It calls missed each time that it begins to listen, the first included.
func (s *Store) Watch(ctx context.Context, wake func(id uuid.UUID), missed func()) error {
	pause := watchMinPause
	for ctx.Err() == nil {
		if s.listen(ctx, wake, missed) {
			pause = watchMinPause
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
		pause = min(2*pause, watchMaxPause)
	}
	return nil
}

// listen connects and passes on notifications until the connection fails, and returns
// whether it began to listen. It drops the error, because reads and Ping report errors
// of the same database.
func (s *Store) listen(ctx context.Context, wake func(id uuid.UUID), missed func()) bool {
	conn, err := pgx.ConnectConfig(ctx, s.pool.Config().ConnConfig)
	if err != nil {
		return false
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), pingTimeout)
		defer cancel()
		_ = conn.Close(ctx) // it is given up whether or not the server hears of it
	}()
	if _, err := conn.Exec(ctx, "LISTEN hydrapin_confirmations"); err != nil {
		return false
	}
	missed()
	for {
		payload, err := next(ctx, conn)
		if err != nil {
			return true
		}
		// Anybody on the database may notify; what is no id is nobody's.
		if id, err := uuid.Parse(payload); err == nil {
			wake(id)
		}
	}
}

// next waits for a notification, and asks now and then whether the server is
// still there: a connection that only listens would not notice.
func next(ctx context.Context, conn *pgx.Conn) (string, error) {
	for {
		silence, cancel := context.WithTimeout(ctx, watchPing)
		n, err := conn.WaitForNotification(silence)
		quiet := silence.Err() != nil && ctx.Err() == nil
		cancel()
		switch {
		case err == nil:
			return n.Payload, nil
		case !quiet || conn.IsClosed():
			return "", err
		}
		ping, cancel := context.WithTimeout(ctx, connectTimeout)
		err = conn.Ping(ping)
		cancel()
		if err != nil {
			return "", err
		}
	}
}
