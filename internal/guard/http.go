package guard

import (
	"context"
	"errors"
)

const secretHeader = "X-Hydrapin-Guard"

func (g *Guard) serveHTTP(context.Context) error { return errors.New("not yet") }
