package page

import (
	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/page/link"
	"github.com/hydracore/hydrapin/internal/page/qr"
)

// Links makes links to the pages. They begin with PublicURL, never with a request's Host.
type Links struct {
	PublicURL string
	Ring      link.Ring
}

// Confirm returns the link of a confirmation.
func (l Links) Confirm(id uuid.UUID) string { return l.Ring.URL(l.PublicURL, link.Confirm, id) }

// SetPIN returns the link of a PIN link.
func (l Links) SetPIN(id uuid.UUID) string { return l.Ring.URL(l.PublicURL, link.SetPIN, id) }

// ConfirmQR returns the link of a confirmation as an SVG image.
func (l Links) ConfirmQR(id uuid.UUID) ([]byte, error) { return qr.SVG(l.Confirm(id)) }
