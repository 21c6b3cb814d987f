// Package web serves the documentation pages: Swagger UI at /docs, ReDoc at
// /redoc, and the contract that both show, at /openapi.json and /openapi.yaml.
// It guarantees that a page needs nothing but this server, that it works below
// any path prefix, and that no script runs in it but the binary's own. It must
// not know PINs, credentials or the store: nothing here is secret, and nothing
// depends on who asks.
package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hydracore/hydrapin/gen/docs"
)

//go:embed static
var static embed.FS

// The policies (CSP Level 3) allow what is served here and nothing else. Both
// pages set styles from scripts, hence 'unsafe-inline' for these alone, and
// ReDoc searches in a worker that it makes from a blob.
const (
	policy      = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	redocPolicy = policy + "; worker-src blob:"
)

const (
	typeHTML = "text/html; charset=utf-8"
	typeJS   = "text/javascript; charset=utf-8"
	typeCSS  = "text/css; charset=utf-8"
)

// file is one answer. Its content is read when it is first asked for: the scripts are megabytes,
// and the server's start must not wait for them.
type file struct {
	contentType, policy string
	content             func() content
}

// content is the bytes of a file, and their compressed form once asked for.
type content struct {
	plain      []byte
	compressed func() []byte
	etag       string
}

func newContent(plain []byte) content {
	sum := sha256.Sum256(plain)
	return content{
		plain:      plain,
		compressed: sync.OnceValue(func() []byte { return compress(plain) }),
		etag:       hex.EncodeToString(sum[:12]),
	}
}

// Docs is the http.Handler of the pages. It answers GET and HEAD of exactly
// the paths of [Docs.Paths]; which other methods get a 405 is the router's
// matter.
type Docs struct{ files map[string]file }

// New reads the embedded pages. The contract names publicURL as its server. An error means a broken
// build.
func New(publicURL string) (*Docs, error) {
	d := &Docs{files: make(map[string]file)}
	for _, f := range []struct {
		path        string
		from        fs.FS
		name        string
		contentType string
		policy      string
	}{
		{"/docs", static, "static/swagger.html", typeHTML, policy},
		{"/docs/start.js", static, "static/swagger.js", typeJS, policy},
		{"/docs/style.css", static, "static/swagger.css", typeCSS, policy},
		{"/docs/swagger-ui.css", docs.Files, "swagger-ui/swagger-ui.css", typeCSS, policy},
		{"/docs/swagger-ui-bundle.js", docs.Files, "swagger-ui/swagger-ui-bundle.js", typeJS, policy},
		{"/redoc", static, "static/redoc.html", typeHTML, redocPolicy},
		{"/redoc/start.js", static, "static/redoc.js", typeJS, redocPolicy},
		{"/redoc/redoc.standalone.js", docs.Files, "redoc/redoc.standalone.js", typeJS, redocPolicy},
		{"/openapi.json", docs.Files, "openapi.json", "application/json", policy},
		// RFC 9512, section 2.1.
		{"/openapi.yaml", docs.Files, "openapi.yaml", "application/yaml", policy},
	} {
		read, err := reader(f.from, f.name, publicURL)
		if err != nil {
			return nil, fmt.Errorf("page %s: %w", f.path, err)
		}
		d.files[f.path] = file{contentType: f.contentType, policy: f.policy, content: sync.OnceValue(read)}
	}
	return d, nil
}

// reader returns the function that reads an embedded file, which cannot fail for a file that is there.
func reader(from fs.FS, name, publicURL string) (func() content, error) {
	if strings.HasPrefix(name, "openapi.") {
		contract, err := fs.ReadFile(from, name)
		if err == nil {
			contract, err = withServer(contract, publicURL)
		}
		return func() content { return newContent(contract) }, err
	}
	_, err := fs.Stat(from, name)
	return func() content {
		plain, _ := fs.ReadFile(from, name)
		return newContent(plain)
	}, err
}

// serverLine finds the address in the one entry of servers, in the forms that JSON and YAML have.
var serverLine = regexp.MustCompile(`(?m)^( *(?:"url"|- url): )"?\."?(,?)$`)

// withServer returns the contract with publicURL as the address of its server: a tool that has
// nothing but the document must find the API. A JSON string is one of YAML's too.
func withServer(contract []byte, publicURL string) ([]byte, error) {
	found := serverLine.FindAllSubmatchIndex(contract, -1)
	if len(found) != 1 {
		return nil, fmt.Errorf("%d addresses of a server, want 1", len(found))
	}
	quoted, err := json.Marshal(publicURL)
	if err != nil {
		return nil, err
	}
	address, after := found[0][3], found[0][4]
	return slices.Concat(contract[:address], quoted, contract[after:]), nil
}

// Paths are the absolute paths that the handler answers, sorted.
func (d *Docs) Paths() []string { return slices.Sorted(maps.Keys(d.files)) }

// ServeHTTP answers a path of [Docs.Paths], and any other with a plain 404.
func (d *Docs) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f, ok := d.files[r.URL.Path]
	if !ok {
		http.NotFound(w, r)
		return
	}
	all := f.content()
	body, etag := all.plain, all.etag
	header := w.Header()
	if acceptsGzip(r.Header.Values("Accept-Encoding")) {
		body, etag = all.compressed(), all.etag+"-gzip"
		header.Set("Content-Encoding", "gzip")
	}
	header.Set("Content-Type", f.contentType)
	header.Set("Content-Security-Policy", f.policy)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
	header.Add("Vary", "Accept-Encoding")
	// A new binary brings new files under the same names, so a cache has to ask each
	// time. The ETag shows it that nothing has changed.
	header.Set("Cache-Control", "no-cache")
	header.Set("ETag", `"`+etag+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}

// acceptsGzip reads Accept-Encoding (RFC 9110, section 12.5.3) as far as it
// matters here: gzip is named and not refused.
func acceptsGzip(values []string) bool {
	for coding := range strings.SplitSeq(strings.Join(values, ","), ",") {
		name, weight, _ := strings.Cut(coding, ";")
		if strings.EqualFold(strings.TrimSpace(name), "gzip") {
			q, weighted := strings.CutPrefix(strings.TrimSpace(weight), "q=")
			value, err := strconv.ParseFloat(q, 64)
			return !weighted || err == nil && value > 0
		}
	}
	return false
}

func compress(plain []byte) []byte {
	var out bytes.Buffer
	writer := gzip.NewWriter(&out)
	// A bytes.Buffer takes all that it is given.
	_, _ = writer.Write(plain)
	_ = writer.Close()
	return out.Bytes()
}
