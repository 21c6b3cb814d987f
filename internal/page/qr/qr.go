// Package qr draws a link as a QR code (ISO/IEC 18004): as an SVG image for a person at a desktop,
// and as text for a terminal. It guarantees a quiet zone of four modules around the code, and dark
// modules on a light ground whatever the reader's theme. It must not know what the link is for.
package qr

import (
	"fmt"
	"strings"

	"github.com/boombuler/barcode"
	"github.com/boombuler/barcode/qr"
)

// quiet is the width of the light border that a reader needs, in modules.
const quiet = 4

// MediaType is that of what [SVG] returns.
const MediaType = "image/svg+xml"

// code is a QR code as dark and light modules, border included.
type code struct {
	dark barcode.Barcode
	size int
}

func encode(link string) (code, error) {
	drawn, err := qr.Encode(link, qr.M, qr.Auto)
	if err != nil {
		return code{}, fmt.Errorf("qr: %w", err)
	}
	return code{dark: drawn, size: drawn.Bounds().Dx() + 2*quiet}, nil
}

func (c code) isDark(x, y int) bool {
	x, y = x-quiet, y-quiet
	side := c.size - 2*quiet
	if x < 0 || y < 0 || x >= side || y >= side {
		return false
	}
	r, _, _, _ := c.dark.At(x, y).RGBA()
	return r == 0
}

// SVG returns the QR code of a link as an SVG document with neither script nor style. It returns an
// error for a link that is too long for a QR code.
func SVG(link string) ([]byte, error) {
	c, err := encode(link)
	if err != nil {
		return nil, err
	}
	var out strings.Builder
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %[1]d %[1]d" width="%[2]d" height="%[2]d" `+
		`shape-rendering="crispEdges" role="img"><title>QR code</title><path fill="#fff" d="M0 0h%[1]dv%[1]dH0z"/>`+
		`<path fill="#000" d="`, c.size, 8*c.size)
	for y := range c.size {
		for x := 0; x < c.size; x++ {
			from := x
			for c.isDark(x, y) {
				x++
			}
			if x > from {
				fmt.Fprintf(&out, "M%d %dh%dv1H%dz", from, y, x-from, from)
			}
		}
	}
	out.WriteString(`"/></svg>`)
	return []byte(out.String()), nil
}

// Terminal returns the QR code of a link as lines of half blocks. It sets its colours itself, black on
// white, so that it can be read on a dark terminal.
func Terminal(link string) (string, error) {
	const onWhite, reset = "\x1b[30;107m", "\x1b[0m"
	c, err := encode(link)
	if err != nil {
		return "", err
	}
	var out strings.Builder
	for y := 0; y < c.size; y += 2 {
		out.WriteString(onWhite)
		for x := range c.size {
			out.WriteString(halfBlock(c.isDark(x, y), c.isDark(x, y+1)))
		}
		out.WriteString(reset + "\n")
	}
	return out.String(), nil
}

func halfBlock(upper, lower bool) string {
	switch {
	case upper && lower:
		return "█"
	case upper:
		return "▀"
	case lower:
		return "▄"
	default:
		return " "
	}
}
