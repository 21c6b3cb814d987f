// Package generators names what the client that ogen generates is compiled with, so that go.mod and
// go.sum beside it pin all of it. Nothing here is run.
package generators

import (
	_ "github.com/ogen-go/ogen/conv"
	_ "github.com/ogen-go/ogen/http"
	_ "github.com/ogen-go/ogen/middleware"
	_ "github.com/ogen-go/ogen/ogenregex"
	_ "github.com/ogen-go/ogen/otelogen"
	_ "github.com/ogen-go/ogen/validate"
)
