package server

import (
	"encoding/json"
	"sync"

	"github.com/hydracore/hydrapin/gen/docs"
)

// ContractVersion returns the version of the contract, which the SDKs share.
var ContractVersion = sync.OnceValue(func() string {
	var contract struct {
		Info struct {
			Version string `json:"version"`
		} `json:"info"`
	}
	doc, err := docs.Files.ReadFile("openapi.json")
	if err != nil || json.Unmarshal(doc, &contract) != nil {
		return "unknown"
	}
	return contract.Info.Version
})
