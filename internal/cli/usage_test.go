package cli_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/hydracore/hydrapin/internal/config"
)

const (
	someTenant   = "6f1b2c34-5d6e-4f70-8a9b-0c1d2e3f4a5b"
	someInstance = "0b9c8d7e-6f5a-4b3c-9d2e-1f0a9b8c7d6e"
)

func TestHelpOfEveryCommandHasAnExample(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	for _, command := range []string{
		"serve", "migrate up", "migrate status", "keys create", "keys list", "keys revoke", "events list", "events tail", "token", "version", "doctor", "health",
		"guard", "guard check", "backup", "restore", "audit export", "audit verify", "audit prove",
		"pins list", "pins status", "pins unlock", "pins deactivate", "pins link", "policy get", "policy set",
		"webhooks list", "freeze on", "freeze off", "freeze status", "completion",
	} {
		r := m.run(append(strings.Fields(command), "--help")...)
		if r.code != 0 || r.stderr != "" || !strings.Contains(r.stdout, "Example:\n\n    ") || !strings.Contains(r.stdout, "hydrapin "+command) {
			t.Errorf("%s --help: exit code %d, stderr %q\n%s", command, r.code, r.stderr, r.stdout)
		}
		if !strings.Contains(m.must("--help"), "  "+command+" ") {
			t.Errorf("--help does not list %s", command)
		}
	}
	help := m.must("serve", "--help")
	for _, setting := range []string{"HYDRAPIN_ADDR", "HYDRAPIN_PEPPERS_FILE", "HYDRAPIN_LOG_LEVEL", "default: 127.0.0.1:8080"} {
		if !strings.Contains(help, setting) {
			t.Errorf("serve --help does not list %s", setting)
		}
	}
}

// The version is the contract's, as the SDKs have it, with the commit.
func TestVersion(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	out := m.must("version")
	if !regexp.MustCompile(`^hydrapin 0\.1\.0 \([^)]+\), go1\.\S+, \w+/\w+\n$`).MatchString(out) {
		t.Errorf("version = %q", out)
	}
	if flag := m.must("--version"); flag != out {
		t.Errorf("--version = %q, want what version prints: %q", flag, out)
	}
}

// Without a command there is help, and help of a command is what its --help prints.
func TestHelp(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	whole := m.must("--help")
	if bare, help := m.must(), m.must("help"); bare != whole || help != whole || !strings.Contains(whole, "Example:\n\n    hydrapin serve") {
		t.Errorf("hydrapin, help and --help differ, or have no example:\n%s\n%s\n%s", bare, help, whole)
	}
	if got, want := m.must("help", "keys", "create"), m.must("keys", "create", "--help"); got != want {
		t.Errorf("help keys create:\n%s\nwant\n%s", got, want)
	}
	m.refused(2, m.run("help", "kyes"), "kyes")
}

func TestUsageErrors(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	create := []string{"keys", "create", "--tenant", someTenant}
	for name, tt := range map[string]struct {
		args []string
		says string
	}{
		"no such command":  {[]string{"server"}, `did you mean "serve"`},
		"no such flag":     {[]string{"serve", "--port", "1"}, "unknown flag --port; see hydrapin serve --help"},
		"too much":         {[]string{"serve", "now"}, "now"},
		"no subcommand":    {[]string{"keys"}, `"create"`},
		"no tenant":        {[]string{"events"}, "--tenant"},
		"tenant is none":   {[]string{"events", "--tenant", "acme"}, "--tenant: is not a UUID"},
		"tenant braced":    {[]string{"events", "--tenant", "{" + someTenant + "}"}, "is not a UUID"},
		"tenant nil":       {[]string{"token", "--tenant", "00000000-0000-0000-0000-000000000000"}, "is not a UUID"},
		"neither":          {create, "--scopes=SCOPE,... or --all-scopes or --instance=UUID"},
		"tenant twice":     {append(create, "--new-tenant", "--all-scopes"), "can't be used together"},
		"no tenant of key": {[]string{"keys", "create", "--all-scopes"}, "--tenant=UUID or --new-tenant"},
		"all and some":     {append(create, "--scopes", "pins:read", "--all-scopes"), "can't be used together"},
		"all of instance":  {append(create, "--instance", someInstance, "--all-scopes"), "can't be used together"},
		"expires negative": {append(create, "--all-scopes", "--expires-in", "-1h"), "--expires-in: is not a duration from 1s"},
		"both":             {append(create, "--scopes", "pins:read", "--instance", someInstance), "can't be used together"},
		"scope":            {append(create, "--scopes", "pins:read,pins:admin"), "is none of pins:read, pins:write"},
		"expires never":    {append(create, "--scopes", "pins:read", "--expires-in", "0s"), "--expires-in: is not a duration"},
		"expires days":     {append(create, "--scopes", "pins:read", "--expires-in", "30d"), "written like 30m or 720h"},
		"expires overflow": {append(create, "--scopes", "pins:read", "--expires-in", "2000000h"), "from 1s to 87600h"},
		"no holder":        {[]string{"pins", "status"}, "either --customer, or --instance with --identity"},
		"half a holder":    {[]string{"pins", "link", "--identity", someInstance}, "either --customer, or --instance with --identity"},
		"two holders":      {[]string{"pins", "unlock", "--customer", someTenant, "--identity", someInstance}, "either --customer"},
		"a state":          {[]string{"pins", "list", "--status", "on"}, "--status must be one of"},
		"a session":        {[]string{"policy", "set", "--instance", someInstance, "--session", "90s"}, "--session must be whole minutes"},
		"some and none":    {[]string{"policy", "set", "--instance", someInstance, "--skills", "a", "--no-skills"}, "can't be used together"},
		"a shell":          {[]string{"completion", "tcsh"}, "must be one of"},
		"name":             {append(create, "--scopes", "pins:read", "--name", "a\nb"), "--name must be one line"},
		"no key id":        {[]string{"keys", "revoke"}, "<id>"},
		"no backup file":   {[]string{"backup"}, "<file>"},
		"no restore file":  {[]string{"restore"}, "name the file that hydrapin backup made"},
		"ttl":              {[]string{"token", "--tenant", someTenant, "--ttl", "25h"}, "--ttl is more than 24h"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := &machine{t: t, dir: m.dir, env: m.env}
			m.refused(2, m.run(tt.args...), tt.says, "--help")
		})
	}
}

// Commands that need a database say so where there is none, and make nothing.
func TestNoDatabase(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	for _, args := range [][]string{
		{"keys", "list"},
		{"keys", "revoke", "x"},
		{"keys", "create", "--tenant", someTenant, "--scopes", "pins:read"},
		{"events", "--tenant", someTenant},
		{"migrate", "status"},
		{"migrate", "up"},
		{"backup", "copy.db"},
	} {
		m.refused(1, m.run(args...), "data/hydrapin.db does not exist", "start hydrapin serve once")
	}
	m.refused(1, m.run("token", "--tenant", someTenant), "there is no secret in the data folder ./data")
	if r := m.run("doctor"); r.code != 0 || !strings.Contains(r.stdout, "0 wrong") {
		t.Errorf("doctor before the first start: exit code %d\n%s", r.code, r.stdout)
	}
	if entries := m.files("."); len(entries) != 0 {
		t.Errorf("files were created: %q", entries)
	}
}

func TestWrongSettings(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "HYDRAPIN_LOCK_AFTER=hunter2", "HYDRAPIN_PEPPERS=hunter2", "HYDRAPIN_PEPER=hunter2")
	r := m.run("serve")
	lines := strings.Split(strings.TrimSpace(r.stderr), "\n")
	if r.code != 1 || r.stdout != "" || len(lines) != 4 || lines[0] != "hydrapin: 3 things are wrong:" || strings.Contains(r.stderr, "hunter2") {
		t.Errorf("exit code %d, stdout %q\n%s", r.code, r.stdout, r.stderr)
	}
	r = m.run("doctor", "--json")
	var report struct {
		Settings []struct{ Name, Value, Source string }
		Findings []struct{ Level, About, Problem string }
	}
	if err := json.Unmarshal([]byte(r.stdout), &report); err != nil {
		t.Fatal(err)
	}
	wrong := 0
	for _, f := range report.Findings {
		if f.Level == "wrong" {
			wrong++
		}
	}
	if want := len(config.Manual()); r.code != 1 || wrong != 3 || len(report.Settings) != want || strings.Contains(r.stdout+r.stderr, "hunter2") {
		t.Errorf("doctor: exit code %d, %d wrong, %d settings, want 1, 3 and %d\n%s", r.code, wrong, len(report.Settings), want, r.stdout)
	}
	// What concerns serve alone does not keep a command from its work.
	m.refused(1, m.run("keys", "list"), "does not exist")

	m = newMachine(t, "HYDRAPIN_JWT_JWKS=https://login.example.com/", "HYDRAPIN_JWT_ISSUER=i", "HYDRAPIN_JWT_AUDIENCE=a")
	m.refused(1, m.run("token", "--tenant", someTenant), "ask your login service")
	m = newMachine(t, "HYDRAPIN_DATABASE_URL=postgres://nowhere.invalid/x")
	m.refused(1, m.run("token", "--tenant", someTenant), "set HYDRAPIN_JWT_HS256_SECRET")
}
