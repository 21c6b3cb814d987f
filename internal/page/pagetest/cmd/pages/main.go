// Command pages serves every state of the person's pages on a free port of the loopback interface, for
// the browser tests, and prints one line of JSON that says where. It ends when its input does.
//
// A page is at /<brand>/<visit>/<path>: each visit has a back end of its own, made when it is first
// asked for, and the pages see no more of the prefix than behind a proxy.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hydracore/hydrapin/internal/page"
	"github.com/hydracore/hydrapin/internal/page/link"
	"github.com/hydracore/hydrapin/internal/page/pagetest"
)

const logo = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 160 40">` +
	`<rect width="40" height="40" rx="9" fill="#00695c"/><path d="M10 28 20 11l10 17z" fill="#fff"/>` +
	`<text x="52" y="27" font-family="sans-serif" font-size="20" fill="#1a9688">Northbank</text></svg>`

func main() {
	log.SetFlags(0)
	if err := serve(); err != nil {
		log.Fatal(err)
	}
}

// visits makes the pages of each brand and visit.
type visits struct {
	origin string
	ring   link.Ring
	brands map[string]page.Brand
	mu     sync.Mutex
	pages  map[string]*page.Pages
}

func serve() error {
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	ring, err := link.NewRing(make([]byte, 32))
	if err != nil {
		return err
	}
	picture, err := page.NewLogo([]byte(logo))
	if err != nil {
		return err
	}
	v := &visits{
		origin: "http://" + listener.Addr().String(),
		ring:   ring,
		brands: map[string]page.Brand{
			"plain": {},
			"brand": {Name: "Northbank", Color: "#00695c", Logo: picture, SupportURL: "https://help.example/pin"},
		},
		pages: make(map[string]*page.Pages),
	}
	paths := make(map[string]string)
	for _, s := range pagetest.States(time.Now()) {
		paths[s.Name] = string(s.Purpose) + "/" + ring.Token(s.Purpose, s.ID())
	}
	if err := json.NewEncoder(os.Stdout).Encode(map[string]any{"origin": v.origin, "paths": paths}); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	server := &http.Server{Handler: v, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		_ = server.Close()
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}

func (v *visits) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	parts := strings.SplitN(strings.TrimPrefix(r.URL.Path, "/"), "/", 3)
	if len(parts) < 3 {
		http.NotFound(w, r)
		return
	}
	pages, err := v.of(parts[0], parts[1])
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	if _, status, ok := strings.Cut(parts[2], "/refused-"); ok {
		code, _ := strconv.Atoi(status)
		pages.Refuse(w, r, code, time.Minute)
		return
	}
	http.StripPrefix("/"+parts[0]+"/"+parts[1], pages).ServeHTTP(w, r)
}

func (v *visits) of(brand, visit string) (*page.Pages, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if known, ok := v.pages[brand+"/"+visit]; ok {
		return known, nil
	}
	pages, err := page.New(page.Options{
		PublicURL: v.origin,
		Links:     v.ring,
		Brand:     v.brands[brand],
		Backend:   pagetest.NewBackend(time.Now, pagetest.States(time.Now())),
		Report:    func(_ context.Context, err error) { log.Print(err) },
	})
	if err == nil {
		v.pages[brand+"/"+visit] = pages
	}
	return pages, err
}
