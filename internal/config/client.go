package config

import "slices"

// Documented is a setting as the manual has it.
type Documented struct {
	Name, Help string
	// Default is a value when Literal is true, else words.
	Default string
	Literal bool
	// File says that the setting can come from a file too, under its name with _FILE.
	File bool
}

// ClientSettings returns the variables that clients read: the commands that call
// the API, the SDKs and guard. serve knows them and ignores them, so that one
// environment can hold both.
func ClientSettings() []Documented {
	all := []Documented{
		{Name: prefix + "URL", Default: "http://" + defaultAddr, Literal: true, Help: "the URL of the server"},
		{Name: prefix + "API_KEY", Help: "the API key to call with, hc_live_…"},
		{Name: prefix + "TOKEN", Help: "the JWT to call with"},
		{Name: prefix + "RUNTIME_KEY", Help: "the runtime key of the agent instance, hc_agent_…"},
		{Name: prefix + "INSTANCE", Help: "the agent instance that the runtime key is for, a UUID"},
		{Name: prefix + "GUARD_SECRET", Help: "the secret that a gateway sends to guard when it names the holder"},
	}
	for i := range all {
		all[i].File = true
		if all[i].Default == "" {
			all[i].Default = "none"
		}
	}
	return all
}

// clientNames are the variables that serve ignores.
func clientNames() []string {
	var names []string
	for _, s := range ClientSettings() {
		names = append(names, s.Name, s.Name+fileSuffix)
	}
	return names
}

// LookUpClient returns the value of a client setting, from the variable or from the
// file that its _FILE names; "" when neither is set. Errors are an [*Error].
func LookUpClient(environ []string, name string) (string, error) {
	vars := variables(environ)
	if !slices.Contains(clientNames(), name) {
		return "", asError([]Problem{{name, "is not a client setting"}})
	}
	value, _, _, problem := lookUp(vars, setting{name: name, secret: true})
	if problem != "" {
		return "", asError([]Problem{{name, problem}})
	}
	return value, nil
}
