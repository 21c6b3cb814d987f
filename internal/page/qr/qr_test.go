package qr_test

import (
	"encoding/xml"
	"fmt"
	"image"
	"image/color"
	"strings"
	"testing"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"

	"github.com/hydracore/hydrapin/internal/page/qr"
)

const example = "https://pin.bank.example/some/prefix/confirm/AZClyHs-fE2fABEiM0RVZoqokZgqihc3YDxMR7KIrUo"

// decode reads the code of a picture with a decoder that shares nothing with the encoder.
func decode(t *testing.T, img image.Image) string {
	t.Helper()
	bitmap, err := gozxing.NewBinaryBitmapFromImage(img)
	if err != nil {
		t.Fatal(err)
	}
	read, err := qrcode.NewQRCodeReader().Decode(bitmap, nil)
	if err != nil {
		t.Fatal(err)
	}
	return read.GetText()
}

// paint draws one module as a square, so that a decoder sees what a camera would.
func paint(img *image.Gray, x, y int, dark bool) {
	const scale = 6
	for i := range scale * scale {
		at := color.Gray{Y: 255}
		if dark {
			at.Y = 0
		}
		img.SetGray(x*scale+i%scale, y*scale+i/scale, at)
	}
}

func TestTheImageDecodesToTheLink(t *testing.T) {
	t.Parallel()
	svg, err := qr.SVG(example)
	if err != nil {
		t.Fatal(err)
	}
	var document struct {
		XMLName xml.Name
		ViewBox string `xml:"viewBox,attr"`
		Paths   []struct {
			Fill string `xml:"fill,attr"`
			D    string `xml:"d,attr"`
		} `xml:"path"`
	}
	if err := xml.Unmarshal(svg, &document); err != nil {
		t.Fatal(err)
	}
	var size int
	if _, err := fmt.Sscanf(document.ViewBox, "0 0 %d", &size); err != nil || document.XMLName.Space != "http://www.w3.org/2000/svg" {
		t.Fatalf("view box %q, name %v", document.ViewBox, document.XMLName)
	}
	if len(document.Paths) != 2 || document.Paths[1].Fill != "#000" {
		t.Fatalf("paths: %+v", document.Paths)
	}
	img := image.NewGray(image.Rect(0, 0, size*6, size*6))
	for i := range size * size {
		paint(img, i%size, i/size, false)
	}
	for run := range strings.SplitSeq(document.Paths[1].D, "M") {
		var x, y, width, back int
		if run == "" {
			continue
		}
		if _, err := fmt.Sscanf(run, "%d %dh%dv1H%dz", &x, &y, &width, &back); err != nil {
			t.Fatalf("%q: %v", run, err)
		}
		if x < 4 || y < 4 || x+width > size-4 || y >= size-4 {
			t.Errorf("%q is in the quiet zone", run)
		}
		for i := range width {
			paint(img, x+i, y, true)
		}
	}
	if got := decode(t, img); got != example {
		t.Errorf("it decodes to %q", got)
	}
	if strings.Contains(string(svg), "style") || strings.Contains(string(svg), "script") {
		t.Error("the image holds a style or a script")
	}
}

func TestTheTerminalsCodeDecodesToTheLink(t *testing.T) {
	t.Parallel()
	text, err := qr.Terminal(example)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	size := len(lines) * 2
	img := image.NewGray(image.Rect(0, 0, size*6, size*6))
	for i := range size * size {
		paint(img, i%size, i/size, false)
	}
	for y, line := range lines {
		line, ok := strings.CutPrefix(line, "\x1b[30;107m")
		line, closed := strings.CutSuffix(line, "\x1b[0m")
		if !ok || !closed {
			t.Fatalf("line %d does not set and reset its colours", y)
		}
		for x, r := range []rune(line) {
			paint(img, x, 2*y, r == '█' || r == '▀')
			paint(img, x, 2*y+1, r == '█' || r == '▄')
		}
	}
	if got := decode(t, img); got != example {
		t.Errorf("it decodes to %q", got)
	}
}

func TestALinkThatIsTooLong(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 4000)
	if _, err := qr.SVG(long); err == nil {
		t.Error("SVG gave no error")
	}
	if _, err := qr.Terminal(long); err == nil {
		t.Error("Terminal gave no error")
	}
}
