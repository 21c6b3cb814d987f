package page

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"image"
	_ "image/png" // for the size of a PNG
	"io"
	"math"
	"net/url"
	"strconv"
	"strings"
)

// DefaultColor is the pages' color where the operator sets none.
const DefaultColor = "#0b57b0"

// DefaultName is who asks where the operator sets no name.
const DefaultName = "hydrapin"

const (
	maxName = 64
	maxLogo = 64 << 10
	// minContrast is that of WCAG 2.2 SC 1.4.3 for text.
	minContrast = 4.5
)

// Brand is how the pages show the platform. The zero Brand is hydrapin's own.
type Brand struct {
	// Name is who asks, as plain text; DefaultName when empty.
	Name string
	// Color is "#rrggbb", for the buttons, which have white text on light and dark pages alike;
	// DefaultColor when empty.
	Color string
	// Logo stands at the top in place of the name; nil shows the name.
	Logo *Logo
	// SupportURL is where people find help: https or mailto; empty shows no link.
	SupportURL string
}

// Check returns an error that tells the operator which setting is wrong, and what to do.
func (b Brand) Check() error {
	if b.Name != "" && (strings.TrimSpace(b.Name) == "" || len([]rune(b.Name)) > maxName || !isPlain(b.Name)) {
		return fmt.Errorf("the page's name must be 1 to %d visible characters", maxName)
	}
	if b.Color != "" {
		if err := CheckColor(b.Color); err != nil {
			return err
		}
	}
	if b.SupportURL == "" {
		return nil
	}
	u, err := url.Parse(b.SupportURL)
	if err != nil || ((u.Scheme != "https" || u.Host == "") && (u.Scheme != "mailto" || u.Opaque == "")) {
		return errors.New("the page's support URL must begin with https:// or with mailto: and an address")
	}
	return nil
}

func isPlain(text string) bool {
	for _, p := range pieces(text) {
		if p.Boxed {
			return false
		}
	}
	return !strings.Contains(text, "\n")
}

// CheckColor returns an error sentence for a color that is not "#rrggbb", or on which white text has a
// contrast under 4.5:1 (WCAG 2.2, SC 1.4.3). The same white text stands on it on light and on dark
// pages, so that one check covers both; nothing else is drawn in the color that must be read.
func CheckColor(color string) error {
	luminance, err := relativeLuminance(color)
	if err != nil {
		return err
	}
	// White has the luminance 1.
	contrast := (1 + 0.05) / (luminance + 0.05)
	if contrast < minContrast {
		return fmt.Errorf("white text on the page's color %s has a contrast of %.2f:1, and needs %.1f:1: choose a darker color",
			color, math.Floor(contrast*100)/100, minContrast)
	}
	return nil
}

// relativeLuminance is that of WCAG 2.2, from 0 (black) to 1 (white).
func relativeLuminance(color string) (float64, error) {
	digits, ok := strings.CutPrefix(color, "#")
	value, err := strconv.ParseUint(digits, 16, 24)
	if !ok || len(digits) != 6 || err != nil {
		return 0, errors.New("the page's color must be # and six hexadecimal digits, such as " + DefaultColor)
	}
	linear := func(shift int) float64 {
		c := float64(value>>shift&0xff) / 255
		if c <= 0.04045 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(16) + 0.7152*linear(8) + 0.0722*linear(0), nil
}

// Logo is a picture that the pages serve themselves.
type Logo struct {
	content       []byte
	mediaType     string
	extension     string
	width, height int
}

// NewLogo reads a logo: the bytes of an SVG or PNG file of at most 64 KiB. Its error tells the operator
// what is wrong.
func NewLogo(content []byte) (*Logo, error) {
	if len(content) > maxLogo {
		return nil, fmt.Errorf("the page's logo has %d bytes, and may have %d", len(content), maxLogo)
	}
	if config, format, err := image.DecodeConfig(bytes.NewReader(content)); err == nil && format == "png" {
		return &Logo{content, "image/png", "png", max(config.Width, 1), max(config.Height, 1)}, nil
	}
	width, height, err := readSVG(content)
	if err != nil {
		return nil, errors.New("the page's logo must be an SVG or PNG file")
	}
	return &Logo{content, "image/svg+xml", "svg", width, height}, nil
}

var errSVG = errors.New("not an SVG document")

// readSVG returns the size that the root of an SVG document gives; it must be well formed to its end,
// because browsers show nothing else.
func readSVG(content []byte) (width, height int, err error) {
	decoder := xml.NewDecoder(bytes.NewReader(content))
	width, height = 0, 0
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) && width > 0 {
			return width, height, nil
		}
		if err != nil {
			return 0, 0, errSVG
		}
		root, ok := token.(xml.StartElement)
		if !ok || width > 0 {
			continue
		}
		if root.Name.Local != "svg" || root.Name.Space != "http://www.w3.org/2000/svg" {
			return 0, 0, errSVG
		}
		width, height = svgSize(root.Attr)
	}
}

// svgSize reads width and height, then viewBox; without either the logo is a square.
func svgSize(attributes []xml.Attr) (width, height int) {
	var w, h float64
	var box []string
	for _, a := range attributes {
		switch a.Name.Local {
		case "width":
			w = pixels(a.Value)
		case "height":
			h = pixels(a.Value)
		case "viewBox":
			box = strings.FieldsFunc(a.Value, func(r rune) bool { return r == ' ' || r == ',' })
		}
	}
	if (w <= 0 || h <= 0) && len(box) == 4 {
		w, h = pixels(box[2]), pixels(box[3])
	}
	const square, largest = 40, 10_000
	if !(w > 0 && h > 0 && w <= largest && h <= largest) {
		return square, square
	}
	return int(math.Ceil(w)), int(math.Ceil(h))
}

func pixels(value string) float64 {
	number, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(value), "px"), 64)
	if err != nil {
		return 0
	}
	return number
}
