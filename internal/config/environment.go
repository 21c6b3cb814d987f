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
// that is called "hydrapin" (Kubernetes: "Service environment variables"). Nobody
// wrote them, so they are not mistakes.
var kubernetes = regexp.MustCompile(`^HYDRAPIN_(SERVICE_(HOST|PORT(_[A-Z0-9_]+)?)|PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$`)

func foreign(name, value string) bool {
	return strings.HasPrefix(name, testPrefix) || kubernetes.MatchString(name) ||
		name == prefix+"PORT" && strings.Contains(value, "://")
}

// variables returns the part of the environment that concerns hydrapin.
func variables(environ []string) map[string]string {
	vars := map[string]string{}
	for _, entry := range environ {
		name, value, ok := strings.Cut(entry, "=")
		if ok && strings.HasPrefix(name, prefix) && !foreign(name, value) {
			vars[name] = value
		}
	}
	return vars
}

// lookUp returns a setting's text and where it came from; [FromDefault] when it is
// not set. A warning says what is weak about the file that it came from.
func lookUp(vars map[string]string, s setting) (value string, source Source, warning, problem string) {
	value, isSet := vars[s.name]
	path, fromFile := "", false
	if s.secret {
		path, fromFile = vars[s.name+fileSuffix]
	}
	switch {
	case isSet && fromFile:
		return "", "", "", "and " + s.name + fileSuffix + " are both set: unset one of them"
	case isSet && value == "":
		// An empty value is mostly a variable that was not filled in, and must not
		// leave a check out in silence.
		return "", "", "", "is set and empty: give it a value, or unset it for the default"
	case isSet:
		return value, FromEnvironment, "", ""
	case fromFile:
		value, warning, problem = readSecretFile(path, secretFile)
		if problem != "" {
			problem = "cannot be read from the file that " + s.name + fileSuffix + " names: it " + problem
		}
		return value, Source("file " + path), warning, problem
	}
	return "", FromDefault, "", ""
}

// readSecretFile returns what a file holds without the line end that editors and
// echo add. Owner and permissions are those of the file that was read, whatever the
// name stands for a moment later.
func readSecretFile(path string, kept keeping) (value, warning, problem string) {
	if path == "" {
		return "", "", "is an empty name; give a path, or unset it"
	}
	f, err := os.Open(path)
	if err != nil {
		return "", "", "cannot be opened (" + cause(err) + ")"
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return "", "", "cannot be examined (" + cause(err) + ")"
	}
	if problem, warning = kept.check(path, info); problem != "" {
		return "", "", problem
	}
	b, err := io.ReadAll(io.LimitReader(f, maxSecretFile+1))
	switch {
	case err != nil:
		return "", "", "cannot be read (" + cause(err) + ")"
	case len(b) > maxSecretFile:
		return "", "", "is larger than " + strconv.Itoa(maxSecretFile) + " bytes, so it is not the secret"
	}
	if value = strings.TrimRight(string(b), "\r\n"); value == "" {
		return "", "", "is empty"
	}
	return value, warning, ""
}

// unknown returns a problem for every variable that is no setting: a misspelt
// security setting must not pass in silence. What is a client's is left alone.
func unknown(vars map[string]string) []Problem {
	names := clientNames()
	for _, s := range settings() {
		names = append(names, s.name)
		if s.secret {
			names = append(names, s.name+fileSuffix)
		}
	}
	var problems []Problem
	for name := range vars {
		if slices.Contains(names, name) {
			continue
		}
		text := "is not a setting: unset it; hydrapin serve --help lists the settings"
		if near := nearest(name, names); near != "" {
			text = "is not a setting: did you mean " + near + "?"
		}
		problems = append(problems, Problem{name, text})
	}
	slices.SortFunc(problems, func(a, b Problem) int { return strings.Compare(a.Setting, b.Setting) })
	return problems
}

// nearest returns the name that is few edits away from a misspelt one, or "".
func nearest(misspelt string, names []string) string {
	best, least := "", 4
	for _, name := range names {
		if d := distance(strings.ToUpper(misspelt), name); d < least {
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
