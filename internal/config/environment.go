package config

import (
	"io"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const (
	// fileSuffix makes a secret's name that of the file which holds it.
	fileSuffix = "_FILE"
	// maxSecretFile is far more than any secret; more is a mistake in the path.
	maxSecretFile = 64 << 10
	// testPrefix is for the project's own tests.
	testPrefix = prefix + "TEST_"
)

// kubernetes are the variables that a cluster gives every container for a service
// that is called "hydrapin" (Kubernetes: "Service environment variables"). They
// are nobody's typing error.
var kubernetes = regexp.MustCompile(`^HYDRAPIN_(SERVICE_(HOST|PORT(_[A-Z0-9_]+)?)|PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$`)

func foreign(name, value string) bool {
	return strings.HasPrefix(name, testPrefix) || kubernetes.MatchString(name) ||
		name == prefix+"PORT" && strings.Contains(value, "://")
}

// lookUp returns a setting's text and where it came from; [FromDefault] when it is
// not set.
func lookUp(vars map[string]string, s setting) (value string, source Source, fault string) {
	value, isSet := vars[s.name]
	path, fromFile := "", false
	if s.secret {
		path, fromFile = vars[s.name+fileSuffix]
	}
	switch {
	case isSet && fromFile:
		return "", "", "and " + s.name + fileSuffix + " are both set: unset one of them"
	case isSet && value == "":
		// An empty value is mostly a variable that was not filled in, and must not
		// leave a check out in silence.
		return "", "", "is set and empty: give it a value, or unset it for the default"
	case isSet:
		return value, FromEnvironment, ""
	case fromFile:
		value, fault = readSecretFile(path)
		if fault != "" {
			fault = "cannot be had from the file that " + s.name + fileSuffix + " names: " + fault
		}
		return value, Source("file " + path), fault
	}
	return "", FromDefault, ""
}

// readSecretFile returns what a file holds without the line end that editors and
// echo add.
func readSecretFile(path string) (value, fault string) {
	if path == "" {
		return "", "it is empty; give a path, or unset it"
	}
	f, err := os.Open(path)
	if err != nil {
		return "", cause(err)
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(io.LimitReader(f, maxSecretFile+1))
	switch {
	case err != nil:
		return "", cause(err)
	case len(b) > maxSecretFile:
		return "", "it is larger than " + strconv.Itoa(maxSecretFile) + " bytes, so it is not the secret"
	}
	if value = strings.TrimRight(string(b), "\r\n"); value == "" {
		return "", "the file is empty"
	}
	return value, ""
}

// unknown returns a fault for every variable that is no setting: a mistyped
// security setting must not pass in silence.
func unknown(vars map[string]string) []Fault {
	var names []string
	for _, s := range settings() {
		names = append(names, s.name)
		if s.secret {
			names = append(names, s.name+fileSuffix)
		}
	}
	var faults []Fault
	for name := range vars {
		if slices.Contains(names, name) {
			continue
		}
		problem := "is not a setting: unset it; hydrapin serve --help lists the settings"
		if near := nearest(name, names); near != "" {
			problem = "is not a setting: did you mean " + near + "?"
		}
		faults = append(faults, Fault{name, problem})
	}
	slices.SortFunc(faults, func(a, b Fault) int { return strings.Compare(a.Setting, b.Setting) })
	return faults
}

// nearest returns the name that is few edits away from a mistyped one, or "".
func nearest(typed string, names []string) string {
	best, least := "", 4
	for _, name := range names {
		if d := distance(strings.ToUpper(typed), name); d < least {
			best, least = name, d
		}
	}
	return best
}

// distance is the number of letters to insert, delete or replace (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
