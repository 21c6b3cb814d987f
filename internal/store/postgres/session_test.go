package postgres_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hydracore/hydrapin/internal/confirmation"
	"github.com/hydracore/hydrapin/internal/pin"
	"github.com/hydracore/hydrapin/internal/store"
	"github.com/hydracore/hydrapin/internal/store/postgres"
)

// Whatever mode the URL asks for, all kinds of values come back; or it is refused.
func TestExecModes(t *testing.T) {
	t.Parallel()
	_, address := fresh(t)
	for mode, want := range map[string]error{
		"cache_statement": nil, "cache_describe": nil, "describe_exec": nil,
		"cache_statement&statement_cache_capacity=0":  nil,
		"cache_describe&description_cache_capacity=0": nil,
		"exec": postgres.ErrExecMode, "simple_protocol": postgres.ErrExecMode,
	} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			s, err := postgres.Open(t.Context(), postgres.Config{URL: address + "&default_query_exec_mode=" + mode})
			if !errors.Is(err, want) {
				t.Fatalf("Open = %v, want %v", err, want)
			}
			if err != nil {
				return
			}
			t.Cleanup(func() { _ = s.Close() })
			w := furnish(t, s)
			c := w.confirmation
			c, _ = c.Decline(confirmation.ByRuntime, c.CreatedAt.Add(time.Second))
			var got confirmation.Confirmation
			inTx(t, s, func(tx store.Tx) {
				tx.LockPIN(w.holder, new(pin.Record))
				tx.LockConfirmation(c.Ref(), &got)
				fetch(t, tx)
				tx.SaveConfirmations(c)
				tx.Append(event(w.holder.Tenant, time.Now()), event(w.holder.Tenant, time.Now()))
				tx.Wake(c.ID)
			})
			if got.ID != c.ID || got.Lifetime != c.Lifetime {
				t.Errorf("Confirmation = %+v", got)
			}
			if r, err := read(t.Context(), s, w.holder); err != nil || r.ID == uuid.Nil {
				t.Errorf("PIN = %+v, %v", r, err)
			}
		})
	}
}

// What hands each transaction to another session is refused, in one sentence.
func TestTransactionPoolerIsRefused(t *testing.T) {
	t.Parallel()
	_, address := fresh(t)
	_, err := postgres.Open(t.Context(), postgres.Config{URL: startPooler(t, address)})
	if !errors.Is(err, postgres.ErrPooler) || strings.Count(err.Error(), "\n") != 0 {
		t.Errorf("Open = %v, want ErrPooler", err)
	}
}

// pooler pools transactions, as PgBouncer does: a client has a server from the first
// message of a transaction to its end.
type pooler struct {
	mu   sync.Mutex
	free []*pgconn.HijackedConn
}

func startPooler(t *testing.T, address string) string {
	t.Helper()
	p := &pooler{}
	// A client that goes in a transaction takes its server with it.
	for range 12 {
		conn, err := pgconn.Connect(t.Context(), address)
		if err != nil {
			t.Fatal(err)
		}
		server, err := conn.Hijack()
		if err != nil {
			t.Fatal(err)
		}
		p.free = append(p.free, server)
		t.Cleanup(func() { _ = server.Conn.Close() })
	}
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			context.AfterFunc(ctx, func() { _ = client.Close() })
			serving.Go(func() { p.serve(client) })
		}
	})
	t.Cleanup(func() {
		cancel()
		_ = listener.Close()
		serving.Wait()
	})
	there, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	there.Host = listener.Addr().String()
	return there.String()
}

func frame(kind byte, body []byte) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{kind}, uint32(len(body)+4)), body...)
}

func (p *pooler) serve(client net.Conn) {
	defer func() { _ = client.Close() }()
	length := make([]byte, 4)
	if _, err := io.ReadFull(client, length); err != nil {
		return
	}
	if _, err := io.CopyN(io.Discard, client, int64(binary.BigEndian.Uint32(length)-4)); err != nil {
		return
	}
	hello := frame('R', make([]byte, 4))
	for _, setting := range []string{"server_version\x0015.0\x00", "client_encoding\x00UTF8\x00", "standard_conforming_strings\x00on\x00"} {
		hello = append(hello, frame('S', []byte(setting))...)
	}
	hello = append(append(hello, frame('K', make([]byte, 8))...), frame('Z', []byte("I"))...)
	if _, err := client.Write(hello); err != nil {
		return
	}
	var server *pgconn.HijackedConn
	for {
		kind, err := relay(client, func(whole []byte) error {
			if server == nil {
				if server = p.take(); server == nil {
					return io.ErrNoProgress
				}
			}
			_, err := server.Conn.Write(whole)
			return err
		})
		if err != nil {
			return
		}
		if kind != 'S' && kind != 'Q' {
			continue
		}
		for idle := byte(0); idle == 0; {
			kind, err := relay(server.Conn, func(whole []byte) error {
				if whole[0] == 'Z' {
					idle = whole[5]
				}
				_, err := client.Write(whole)
				return err
			})
			if err != nil {
				return
			}
			if kind == 'Z' && idle == 'I' {
				p.give(server)
				server = nil
			}
		}
	}
}

func relay(from io.Reader, to func(whole []byte) error) (kind byte, err error) {
	head := make([]byte, 5)
	if _, err := io.ReadFull(from, head); err != nil {
		return 0, err
	}
	body := make([]byte, binary.BigEndian.Uint32(head[1:])-4)
	if _, err := io.ReadFull(from, body); err != nil {
		return 0, err
	}
	return head[0], to(slices.Concat(head, body))
}

func (p *pooler) take() *pgconn.HijackedConn {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.free) == 0 {
		return nil
	}
	last := p.free[len(p.free)-1]
	p.free = p.free[:len(p.free)-1]
	return last
}

func (p *pooler) give(server *pgconn.HijackedConn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free = append(p.free, server)
}
