module github.com/hydracore/hydrapin/sdk/go/hydrapin

go 1.25.0

require (
	github.com/go-jose/go-jose/v4 v4.1.9
	github.com/google/uuid v1.6.0
	github.com/gowebpki/jcs v1.0.2
	pgregory.net/rapid v1.3.0
)
