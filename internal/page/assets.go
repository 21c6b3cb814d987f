package page

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

//go:embed static
var staticFiles embed.FS

//go:embed templates
var templateFiles embed.FS

// assetsFolder is below each of the pages' paths, so that "assets/…" finds it from every page and
// behind every prefix. No token begins with it: a token has no slash.
const assetsFolder = "assets/"

type asset struct {
	content   []byte
	mediaType string
	policy    string
}

// assets are the files of the pages under names that hold a hash of what is in them.
type assets struct {
	files                     map[string]asset
	style, script, icon, logo string // relative to a page
	picture                   *Logo
}

// logoPolicy keeps a logo that is opened by itself from doing anything (CSP Level 3, sandbox).
const logoPolicy = "default-src 'none'; style-src 'unsafe-inline'; sandbox"

func newAssets(b Brand) (assets, error) {
	color := b.Color
	if color == "" {
		color = DefaultColor
	}
	a := assets{files: make(map[string]asset), picture: b.Logo}
	for _, f := range []struct {
		name, mediaType string
		relative        *string
	}{
		{"page.css", "text/css; charset=utf-8", &a.style},
		{"page.js", "text/javascript; charset=utf-8", &a.script},
		{"icon.svg", "image/svg+xml", &a.icon},
	} {
		content, err := staticFiles.ReadFile("static/" + f.name)
		if err != nil {
			return assets{}, fmt.Errorf("page: assets: %w", err)
		}
		// The color is a checked "#rrggbb"; a style attribute would need an exception in the policy.
		branded := strings.ReplaceAll(string(content), DefaultColor, color)
		*f.relative = a.add(f.name, asset{[]byte(branded), f.mediaType, policy})
	}
	if b.Logo != nil {
		a.logo = a.add("logo."+b.Logo.extension, asset{b.Logo.content, b.Logo.mediaType, logoPolicy})
	}
	return a, nil
}

func (a *assets) add(name string, file asset) string {
	sum := sha256.Sum256(file.content)
	base, extension, _ := strings.Cut(name, ".")
	hashed := base + "." + hex.EncodeToString(sum[:6]) + "." + extension
	a.files[hashed] = file
	return assetsFolder + hashed
}

func (p *Pages) serveAsset(w http.ResponseWriter, r *http.Request, name string) {
	file, ok := p.assets.files[name]
	switch {
	case !ok:
		p.exchange(w, r).message(http.StatusNotFound, notFound)
		return
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		p.exchange(w, r).message(http.StatusMethodNotAllowed, methodNotAllowed)
		return
	}
	header := w.Header()
	setHeaders(header)
	header.Set("Content-Type", file.mediaType)
	header.Set("Content-Security-Policy", file.policy)
	// The name changes with the content, and neither says anything about a link.
	header.Set("Cache-Control", "public, max-age=31536000, immutable")
	header.Set("Content-Length", strconv.Itoa(len(file.content)))
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		// A reader that is gone needs no answer.
		_, _ = w.Write(file.content)
	}
}
