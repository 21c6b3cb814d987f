package cli

import (
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/hydracore/hydrapin/internal/config"
	"github.com/hydracore/hydrapin/sdk/go/hydrapin"
)

// remoteHelp says in each command's help how it finds the server.
const remoteHelp = `It calls the server at HYDRAPIN_URL (default ` + defaultURL + `) with HYDRAPIN_API_KEY, or with the JWT in HYDRAPIN_TOKEN.`

const defaultURL = "http://127.0.0.1:8080"

// client returns the client for the server that the environment names.
func (a *app) client() (*hydrapin.Admin, error) {
	setting := map[string]string{}
	for _, name := range []string{"HYDRAPIN_URL", "HYDRAPIN_API_KEY", "HYDRAPIN_TOKEN"} {
		value, err := config.LookUpClient(a.environ, name)
		if err != nil {
			return nil, err
		}
		setting[name] = value
	}
	var credential hydrapin.Credential
	switch key, token := setting["HYDRAPIN_API_KEY"], setting["HYDRAPIN_TOKEN"]; {
	case key != "" && token != "":
		return nil, errors.New("HYDRAPIN_API_KEY and HYDRAPIN_TOKEN are both set: unset one of them")
	case key != "":
		credential = hydrapin.NewKey(key)
	case token != "":
		credential = hydrapin.Token(token)
	default:
		return nil, errors.New("no credential: set HYDRAPIN_API_KEY to an API key (hc_live_…), or HYDRAPIN_TOKEN to a JWT")
	}
	url := setting["HYDRAPIN_URL"]
	if url == "" {
		url = defaultURL
	}
	client, err := hydrapin.NewAdmin(url, credential, hydrapin.WithUserAgent(programName+"-cli"))
	if err != nil {
		return nil, fmt.Errorf("%s: check HYDRAPIN_URL, and HYDRAPIN_API_KEY or HYDRAPIN_TOKEN", strings.TrimPrefix(err.Error(), "hydrapin: "))
	}
	return client, nil
}

// isRemote says whether keys and events are those of a server: where HYDRAPIN_URL is set,
// and no flag asks for the database.
func (a *app) isRemote(database bool, tenant *id) (bool, error) {
	url, err := config.LookUpClient(a.environ, "HYDRAPIN_URL")
	return url != "" && !database && tenant == nil, err
}

// explain says what an error of the client means for whoever typed the command.
func explain(err error) error {
	if err == nil {
		return nil
	}
	invalid := (*hydrapin.ValidationError)(nil)
	refused := (*hydrapin.APIError)(nil)
	switch {
	case errors.As(err, &invalid):
		texts := make([]string, len(invalid.Faults))
		for i, f := range invalid.Faults {
			texts[i] = fmt.Sprintf("%s: %s", place(f.Loc), f.Message)
		}
		return fmt.Errorf("the server does not accept the request: %s", strings.Join(texts, "; "))
	case errors.Is(err, hydrapin.ErrUnauthorized):
		return errors.New("the server does not accept the credential: check HYDRAPIN_API_KEY or HYDRAPIN_TOKEN")
	case errors.As(err, &refused):
		return fmt.Errorf("the server answered %d: %s (request %s)", refused.Status, refused.Detail, refused.RequestID)
	case errors.Is(err, hydrapin.ErrUnexpectedAnswer):
		return errors.New("what answers at HYDRAPIN_URL is no hydrapin of this version: check the URL")
	}
	// The client says which operation failed; the reason beneath is enough.
	if op, ok := errors.AsType[*net.OpError](err); ok {
		err = op
	}
	return fmt.Errorf("the server cannot be reached: %s; check HYDRAPIN_URL, and that serve is running there", cause(err))
}

// place writes where a validation error is.
func place(location []any) string {
	parts := make([]string, len(location))
	for i, step := range location {
		parts[i] = fmt.Sprint(step)
	}
	return strings.Join(parts, ".")
}
