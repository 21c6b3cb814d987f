package web_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hydracore/hydrapin/internal/web"
)

func pages(t *testing.T) *web.Docs {
	t.Helper()
	docs, err := web.New("https://pin.example/\"base\"")
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	return docs
}

// get asks for target with pairs of header names and values.
func get(t *testing.T, handler http.Handler, method, target string, headers ...string) *http.Response {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), method, target, http.NoBody)
	for pair := range slices.Chunk(headers, 2) {
		request.Header.Add(pair[0], pair[1])
	}
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, request)
	return recorder.Result()
}

func body(t *testing.T, response *http.Response) []byte {
	t.Helper()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	if err := response.Body.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
	return content
}

func TestEveryPathIsServedWithItsHeaders(t *testing.T) {
	t.Parallel()
	docs := pages(t)
	want := []string{
		"/docs", "/docs/start.js", "/docs/style.css", "/docs/swagger-ui-bundle.js", "/docs/swagger-ui.css",
		"/openapi.json", "/openapi.yaml", "/redoc", "/redoc/redoc.standalone.js", "/redoc/start.js",
	}
	if got := docs.Paths(); !slices.Equal(got, want) {
		t.Fatalf("paths = %v, want %v", got, want)
	}
	types := map[string]string{
		"": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
		".json": "application/json", ".yaml": "application/yaml",
	}
	for _, target := range want {
		response := get(t, docs, http.MethodGet, target)
		content := body(t, response)
		if response.StatusCode != http.StatusOK || len(content) == 0 {
			t.Errorf("%s: status %d with %d bytes, want 200", target, response.StatusCode, len(content))
		}
		for name, value := range map[string]string{
			"Content-Type":               types[path.Ext(target)],
			"X-Content-Type-Options":     "nosniff",
			"Referrer-Policy":            "no-referrer",
			"Cross-Origin-Opener-Policy": "same-origin",
			"Cache-Control":              "no-cache",
			"Vary":                       "Accept-Encoding",
		} {
			if got := response.Header.Get(name); got != value {
				t.Errorf("%s: %s = %q, want %q", target, name, got, value)
			}
		}
		if head := get(t, docs, http.MethodHead, target); head.StatusCode != http.StatusOK || len(body(t, head)) != 0 {
			t.Errorf("HEAD %s: status %d, or a body", target, head.StatusCode)
		}
	}
}

func TestPolicyAllowsThisServerAlone(t *testing.T) {
	t.Parallel()
	docs := pages(t)
	for target, extra := range map[string]string{"/docs": "", "/redoc": "worker-src blob:"} {
		response := get(t, docs, http.MethodGet, target)
		policy := response.Header.Get("Content-Security-Policy")
		_ = body(t, response)
		directives := strings.Split(policy, "; ")
		for _, want := range []string{
			"default-src 'none'", "script-src 'self'", "connect-src 'self'", "img-src 'self' data:",
			"base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
		} {
			if !slices.Contains(directives, want) {
				t.Errorf("%s: no %q in %q", target, want, policy)
			}
		}
		if extra != "" && !slices.Contains(directives, extra) {
			t.Errorf("%s: no %q in %q", target, extra, policy)
		}
		for _, never := range []string{"unsafe-eval", "http:", "https:", "*", "script-src 'self' "} {
			if strings.Contains(policy, never) {
				t.Errorf("%s: %q in %q", target, never, policy)
			}
		}
	}
}

var (
	linkPattern   = regexp.MustCompile(`(?:src|href)="([^"]*)"`)
	scriptPattern = regexp.MustCompile(`<script[^>]*>([^<]*)</script>`)
)

// TestPagesAskNoOtherHost follows each link of each page as a browser below a
// path prefix would.
func TestPagesAskNoOtherHost(t *testing.T) {
	t.Parallel()
	docs := pages(t)
	below := http.StripPrefix("/a/prefix", docs)
	for _, page := range []string{"/docs", "/redoc"} {
		html := string(body(t, get(t, docs, http.MethodGet, page)))
		if strings.Contains(html, "://") || strings.Contains(html, `="//`) {
			t.Errorf("%s names another host:\n%s", page, html)
		}
		for _, script := range scriptPattern.FindAllStringSubmatch(html, -1) {
			if script[1] != "" {
				t.Errorf("%s has an inline script: %s", page, script[1])
			}
		}
		links := linkPattern.FindAllStringSubmatch(html, -1)
		if len(links) < 4 {
			t.Fatalf("%s: found %d links", page, len(links))
		}
		for _, link := range links {
			if link[1] == "data:," {
				continue
			}
			target := path.Join("/a/prefix", path.Dir(page), link[1])
			response := get(t, below, http.MethodGet, target)
			_ = body(t, response)
			if strings.HasPrefix(link[1], "/") || response.StatusCode != http.StatusOK {
				t.Errorf("%s links to %q: status %d", page, link[1], response.StatusCode)
			}
		}
		start := string(body(t, get(t, docs, http.MethodGet, page+"/start.js")))
		if strings.Contains(start, "://") || !strings.Contains(start, "'openapi.json'") {
			t.Errorf("%s: start.js must name openapi.json beside the page and no host:\n%s", page, start)
		}
	}
}

// TestAssetsAreWithoutWhatCallsHome names what Swagger UI and ReDoc would load
// from elsewhere by themselves; that the browser asks nobody is proven in one.
func TestAssetsAreWithoutWhatCallsHome(t *testing.T) {
	t.Parallel()
	docs := pages(t)
	redoc := body(t, get(t, docs, http.MethodGet, "/redoc/redoc.standalone.js"))
	for _, never := range []string{"cdn.redoc.ly", "fonts.googleapis"} {
		if bytes.Contains(redoc, []byte(never)) {
			t.Errorf("redoc names %s", never)
		}
	}
	if start := body(t, get(t, docs, http.MethodGet, "/docs/start.js")); !bytes.Contains(start, []byte("validatorUrl: null")) {
		t.Error("Swagger UI's validator is not switched off")
	}
	css := body(t, get(t, docs, http.MethodGet, "/docs/swagger-ui.css"))
	if regexp.MustCompile(`url\(['"]?(https?:)?//|@import`).Match(css) {
		t.Error("swagger-ui.css loads from elsewhere")
	}
}

func TestContractIsWhole(t *testing.T) {
	t.Parallel()
	docs := pages(t)
	var contract struct {
		OpenAPI string         `json:"openapi"`
		Paths   map[string]any `json:"paths"`
	}
	if err := json.Unmarshal(body(t, get(t, docs, http.MethodGet, "/openapi.json")), &contract); err != nil {
		t.Fatalf("openapi.json: %v", err)
	}
	yaml := string(body(t, get(t, docs, http.MethodGet, "/openapi.yaml")))
	if contract.OpenAPI != "3.0.3" || !strings.Contains(yaml, "openapi: 3.0.3") {
		t.Errorf("openapi = %q, want 3.0.3 in both forms", contract.OpenAPI)
	}
	for name := range contract.Paths {
		if !strings.Contains(yaml, "\n  "+name+":") {
			t.Errorf("openapi.yaml has no %s", name)
		}
	}
}

// Both forms of the contract name the public URL, whatever is in it, and no other server.
func TestContractNamesThePublicURL(t *testing.T) {
	t.Parallel()
	docs := pages(t)
	asJSON := string(body(t, get(t, docs, http.MethodGet, "/openapi.json")))
	asYAML := string(body(t, get(t, docs, http.MethodGet, "/openapi.yaml")))
	const want = `"https://pin.example/\"base\""`
	if !strings.Contains(asJSON, `"url": `+want+`,`) || !strings.Contains(asYAML, "- url: "+want+"\n") {
		t.Errorf("the public URL is in openapi.json %t, in openapi.yaml %t", strings.Contains(asJSON, want), strings.Contains(asYAML, want))
	}
	var contract struct{ Servers []struct{ URL string } }
	if err := json.Unmarshal([]byte(asJSON), &contract); err != nil || len(contract.Servers) != 1 || contract.Servers[0].URL != `https://pin.example/"base"` {
		t.Errorf("servers %+v, %v", contract.Servers, err)
	}
}

func TestCompressionAndCaching(t *testing.T) {
	t.Parallel()
	docs := pages(t)
	const target = "/docs/swagger-ui-bundle.js"
	plain := get(t, docs, http.MethodGet, target)
	content := body(t, plain)

	for accept, want := range map[string]string{
		"gzip": "gzip", "br;q=1.0, GZIP;q=0.8, *;q=0.1": "gzip", "gzip; q=0.001": "gzip",
		"": "", "br": "", "gzip;q=0": "", "gzip;q=0.000": "", "gzip;q=x": "", "xgzip": "",
	} {
		response := get(t, docs, http.MethodGet, target, "Accept-Encoding", accept)
		got := body(t, response)
		if encoding := response.Header.Get("Content-Encoding"); encoding != want {
			t.Errorf("Accept-Encoding %q: encoded as %q, want %q", accept, encoding, want)
		}
		if want == "" {
			continue
		}
		reader, err := gzip.NewReader(bytes.NewReader(got))
		if err != nil {
			t.Fatalf("gzip: %v", err)
		}
		if whole, err := io.ReadAll(reader); err != nil || !bytes.Equal(whole, content) {
			t.Errorf("decompressed to other bytes: %v", err)
		}
		if response.Header.Get("ETag") == plain.Header.Get("ETag") {
			t.Error("two encodings share an ETag")
		}
	}

	again := get(t, docs, http.MethodGet, target, "If-None-Match", plain.Header.Get("ETag"))
	if rest := body(t, again); again.StatusCode != http.StatusNotModified || len(rest) != 0 {
		t.Errorf("with its ETag: status %d, want 304", again.StatusCode)
	}
}

func TestOtherPathsAreNotFound(t *testing.T) {
	t.Parallel()
	docs := pages(t)
	for _, target := range []string{"/", "/docs/", "/docs/VERSION", "/redoc/", "/docs/../openapi.json", "/static/swagger.html"} {
		response := get(t, docs, http.MethodGet, target)
		_ = body(t, response)
		if response.StatusCode != http.StatusNotFound {
			t.Errorf("%s: status %d, want 404", target, response.StatusCode)
		}
	}
}
