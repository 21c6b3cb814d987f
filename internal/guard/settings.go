package guard

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"go.yaml.in/yaml/v4"
	"golang.org/x/net/http/httpguts"

	"github.com/hydracore/hydrapin/internal/secret"
	"github.com/hydracore/hydrapin/internal/wire"
	"github.com/hydracore/hydrapin/sdk/go/hydrapin"
)

// ErrSettings is wrapped when settings cannot be used; the text says what to do.
var ErrSettings = errors.New("settings of guard")

const (
	defaultWait      = 50 * time.Second
	defaultExpiresIn = 5 * time.Minute
	maxWait          = 24 * time.Hour
	maxExpiresIn     = 24 * time.Hour
	maxConfig        = 1 << 20
)

// Settings are what guard runs with. Make them with [Load].
type Settings struct {
	Server     string
	RuntimeKey secret.Value[string]
	Instance   uuid.UUID
	Role       hydrapin.Role
	// Holder is the fixed holder, or the zero value if HolderHeader names the header that has a
	// customer's id.
	Holder       hydrapin.Holder
	HolderHeader string
	// Secret is what a gateway sends to prove that it may name the holder.
	Secret      secret.Value[string]
	SkillPrefix string
	// Wait is how long a call is held, and ExpiresIn how long the person can confirm.
	Wait, ExpiresIn time.Duration
	PassMeta        []string
	Tools           map[string]Tool
	// Upstream is the server over HTTP, and Listen where guard serves it; Command is the server over
	// stdio.
	Upstream *url.URL
	Listen   string
	Command  []string
}

// Tool is what the settings say about one tool. A tool that they name must be confirmed.
type Tool struct {
	Skill    string
	template *template
}

// Sources are where settings come from. What an earlier one sets wins: flags, the configuration
// file, the environment.
type Sources struct {
	Server, Instance, Role, Customer, Identity, Upstream, Listen string
	// SkillPrefix and Wait are nil if there was no such flag.
	SkillPrefix, Wait *string
	Command           []string
	// Config is the content of the configuration file, or nil.
	Config []byte
	// Lookup returns a variable of the environment, or the content of the file that it names.
	Lookup func(name string) (string, error)
}

// file is guard.yaml.
type file struct {
	Server      string                `yaml:"server"`
	Instance    string                `yaml:"instance"`
	Role        string                `yaml:"role"`
	Holder      holder                `yaml:"holder"`
	SkillPrefix string                `yaml:"skill_prefix"`
	Wait        *string               `yaml:"wait"`
	ExpiresIn   *string               `yaml:"expires_in"`
	PassMeta    []string              `yaml:"pass_meta"`
	Tools       map[string]toolOfFile `yaml:"tools"`
	Upstream    string                `yaml:"upstream"`
	Listen      string                `yaml:"listen"`
}

type holder struct {
	Customer string `yaml:"customer"`
	Identity string `yaml:"identity"`
	Header   string `yaml:"header"`
}

type toolOfFile struct {
	Skill   string `yaml:"skill"`
	Summary string `yaml:"summary"`
}

func bad(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrSettings, fmt.Errorf(format, args...))
}

// Load returns the settings that the sources name, checked.
func Load(from Sources) (Settings, error) {
	var f file
	if from.Config != nil {
		if len(from.Config) > maxConfig {
			return Settings{}, bad("the configuration file is longer than 1 MiB")
		}
		if err := yaml.Load(from.Config, &f, yaml.WithKnownFields(), yaml.WithUniqueKeys()); err != nil {
			return Settings{}, bad("the configuration file cannot be read: %s", oneLine(err))
		}
	}
	s := Settings{SkillPrefix: f.SkillPrefix, PassMeta: f.PassMeta, Command: from.Command}
	if from.SkillPrefix != nil {
		s.SkillPrefix = *from.SkillPrefix
	}
	for _, load := range []func(Sources, file) error{
		s.loadServer, s.loadHolder, s.loadTimes, s.loadTools, s.loadUpstream, s.loadSecret,
	} {
		if err := load(from, f); err != nil {
			return Settings{}, err
		}
	}
	return s, nil
}

func (s *Settings) loadServer(from Sources, f file) error {
	server, err := first(from, from.Server, f.Server, "HYDRAPIN_URL")
	if err != nil {
		return err
	}
	if s.Server = server; server == "" {
		s.Server = "http://127.0.0.1:8080"
	}
	instance, err := first(from, from.Instance, f.Instance, "HYDRAPIN_INSTANCE")
	if err != nil {
		return err
	}
	if instance == "" {
		return bad("there is no instance: set --instance, instance in the configuration file, or HYDRAPIN_INSTANCE")
	}
	if s.Instance, err = wire.ParseUUID(instance); err != nil || s.Instance == uuid.Nil {
		return bad("the instance is not a UUID like 6f1b2c34-5d6e-4f70-8a9b-0c1d2e3f4a5b")
	}
	key, err := from.Lookup("HYDRAPIN_RUNTIME_KEY")
	if err != nil {
		return fmt.Errorf("%w: %w", ErrSettings, err)
	}
	if key == "" {
		return bad("there is no runtime key: set HYDRAPIN_RUNTIME_KEY or HYDRAPIN_RUNTIME_KEY_FILE; hydrapin keys create --instance makes one")
	}
	s.RuntimeKey = secret.New(key)
	// The SDK checks its own arguments before the upstream is started.
	if _, err := hydrapin.NewRuntime(s.Server, hydrapin.NewKey(key), s.Instance); err != nil {
		return bad("%s", strings.TrimPrefix(err.Error(), hydrapin.ErrConfig.Error()+": "))
	}
	switch role := hydrapin.Role(either(from.Role, f.Role)); role {
	case "":
		s.Role = hydrapin.RoleOwner
	case hydrapin.RoleOwner, hydrapin.RoleCustomer:
		s.Role = role
	default:
		return bad("the role is neither owner nor customer")
	}
	return nil
}

// first returns the first of a flag, a key of the file and a variable that is set.
func first(from Sources, flag, key, variable string) (string, error) {
	if value := either(flag, key); value != "" {
		return value, nil
	}
	value, err := from.Lookup(variable)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrSettings, err)
	}
	return value, nil
}

func either(flag, key string) string {
	if flag != "" {
		return flag
	}
	return key
}

func (s *Settings) loadHolder(from Sources, f file) error {
	h := f.Holder
	if from.Customer != "" || from.Identity != "" {
		h = holder{Customer: from.Customer, Identity: from.Identity}
	}
	set := slices.DeleteFunc([]string{h.Customer, h.Identity, h.Header}, func(s string) bool { return s == "" })
	if len(set) != 1 {
		return bad("name exactly one holder: --customer, --identity, or holder in the configuration file")
	}
	if s.HolderHeader = h.Header; h.Header != "" {
		if !httpguts.ValidHeaderFieldName(h.Header) || strings.EqualFold(h.Header, secretHeader) {
			return bad("holder.header is not the name of a header, like X-Customer-Id")
		}
		return nil
	}
	id, err := wire.ParseUUID(set[0])
	if err != nil || id == uuid.Nil {
		return bad("the holder is not a UUID like 6f1b2c34-5d6e-4f70-8a9b-0c1d2e3f4a5b")
	}
	if s.Holder = hydrapin.Customer(id); h.Identity != "" {
		s.Holder = hydrapin.Identity(id)
	}
	return nil
}

func (s *Settings) loadTimes(from Sources, f file) error {
	s.Wait, s.ExpiresIn = defaultWait, defaultExpiresIn
	wait := from.Wait
	if wait == nil {
		wait = f.Wait
	}
	var err error
	if wait != nil {
		if s.Wait, err = time.ParseDuration(*wait); err != nil || s.Wait < 0 || s.Wait > maxWait {
			return bad("wait is not a duration from 0s to 24h, written like 50s")
		}
	}
	if f.ExpiresIn != nil {
		s.ExpiresIn, err = time.ParseDuration(*f.ExpiresIn)
		if err != nil || s.ExpiresIn < time.Second || s.ExpiresIn > maxExpiresIn || s.ExpiresIn%time.Second != 0 {
			return bad("expires_in is not a duration in whole seconds from 1s to 24h, written like 300s")
		}
	}
	return nil
}

func (s *Settings) loadTools(_ Sources, f file) error {
	s.Tools = map[string]Tool{}
	for name, t := range f.Tools {
		loaded := Tool{Skill: t.Skill}
		if t.Summary != "" {
			var err error
			if loaded.template, err = parseTemplate(t.Summary); err != nil {
				return bad("the summary of the tool %q has an error: %s", name, strings.TrimPrefix(err.Error(), errTemplate.Error()+": "))
			}
		}
		s.Tools[name] = loaded
	}
	return nil
}

func (s *Settings) loadUpstream(from Sources, f file) error {
	upstream, listen := from.Upstream, either(from.Listen, f.Listen)
	if upstream == "" && len(s.Command) == 0 {
		upstream = f.Upstream
	}
	switch {
	case upstream == "" && len(s.Command) == 0:
		return bad("there is no MCP server: write its command behind --, or set --upstream to its URL")
	case upstream != "" && len(s.Command) > 0:
		return bad("there are two MCP servers: use either --upstream or a command behind --")
	case upstream == "" && (from.Listen != "" || s.HolderHeader != ""):
		return bad("--listen and holder.header are for --upstream: a command is served over stdio")
	case upstream == "":
		return nil
	}
	u, err := url.Parse(upstream)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.Fragment != "" {
		return bad("the upstream is not a URL like https://tools.example.com/mcp")
	}
	if u.Path == "" {
		u.Path = "/"
	}
	s.Upstream = u
	if s.Listen = listen; listen == "" {
		s.Listen = "127.0.0.1:8090"
	}
	host, port, err := net.SplitHostPort(s.Listen)
	if err != nil || port == "" {
		return bad("the address to listen on is not like 127.0.0.1:8090")
	}
	if s.HolderHeader == "" && !isLoopback(host) {
		return bad("a fixed holder can be served on a loopback address only, such as 127.0.0.1:8090: " +
			"on another one, let a gateway name the holder (holder.header)")
	}
	return nil
}

func (s *Settings) loadSecret(from Sources, _ file) error {
	if s.HolderHeader == "" {
		return nil
	}
	value, err := from.Lookup("HYDRAPIN_GUARD_SECRET")
	if err != nil {
		return fmt.Errorf("%w: %w", ErrSettings, err)
	}
	if value == "" {
		return bad("a holder from a header needs the gateway's secret: set HYDRAPIN_GUARD_SECRET or HYDRAPIN_GUARD_SECRET_FILE")
	}
	if !visible.MatchString(value) {
		return bad("HYDRAPIN_GUARD_SECRET has characters that a header cannot have: use visible ASCII")
	}
	s.Secret = secret.New(value)
	return nil
}

var visible = regexp.MustCompile(`^[[:graph:]]+$`)

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && ip.Unmap().IsLoopback()
}

// skillOf returns the skill of a tool. The server decides whether it is valid.
func (s *Settings) skillOf(tool string) string {
	if rule := s.Tools[tool]; rule.Skill != "" {
		return rule.Skill
	}
	return s.SkillPrefix + tool
}

// upstreamName is the upstream in the key of a call.
func (s *Settings) upstreamName() any {
	if s.Upstream != nil {
		return s.Upstream.String()
	}
	return s.Command
}

// oneLine returns the text of an error without its line breaks.
func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }
