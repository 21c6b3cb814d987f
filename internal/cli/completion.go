package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

type completion struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"The shell: bash, zsh or fish."`
}

// Help implements kong.HelpProvider.
func (completion) Help() string {
	return `The script completes commands, flags and the values that a flag can have. It calls nothing and sends nothing.

Example:

    source <(hydrapin completion bash)
    hydrapin completion zsh > "${fpath[1]}/_hydrapin"
    hydrapin completion fish > ~/.config/fish/completions/hydrapin.fish`
}

// Run prints the script.
func (c completion) Run(a *app, k *kong.Kong) error {
	words := completions(k.Model.Node, nil, nil)
	var script string
	switch c.Shell {
	case "bash":
		script = bashScript(words)
	case "zsh":
		script = zshScript(words)
	default:
		script = fishScript(words)
	}
	_, err := fmt.Fprint(a.stdout, script)
	return err
}

// completed is what can follow a command: its commands, flags, and the values of flags.
type completed struct {
	path     string // as in "keys create"; "" is the program
	words    []word
	choices  map[string][]string
	takesArg []string
}

type word struct{ text, help string }

// completions walks the commands. Flags of a command are those of its parents too.
func completions(n *kong.Node, path []string, flags []*kong.Flag) []completed {
	flags = append(slices.Clone(flags), n.Flags...)
	c := completed{path: strings.Join(path, " "), choices: map[string][]string{}}
	var below []completed
	for _, child := range n.Children {
		if child.Hidden || child.Type != kong.CommandNode {
			continue
		}
		c.words = append(c.words, word{child.Name, child.Help})
		below = append(below, completions(child, append(slices.Clone(path), child.Name), flags)...)
	}
	for _, arg := range n.Positional {
		for _, choice := range arg.EnumSlice() {
			c.words = append(c.words, word{text: choice})
		}
	}
	for _, f := range flags {
		if f.Hidden {
			continue
		}
		name := "--" + f.Name
		c.words = append(c.words, word{name, f.Help})
		if f.IsBool() {
			continue
		}
		c.takesArg = append(c.takesArg, name)
		choices := slices.DeleteFunc(f.EnumSlice(), func(s string) bool { return s == "" })
		if f.Name == "scopes" {
			choices = strings.Split(scopeNames(), ", ")
		}
		if len(choices) > 0 {
			c.choices[name] = choices
		}
	}
	return append([]completed{c}, below...)
}

func (c completed) texts() string {
	texts := make([]string, len(c.words))
	for i, w := range c.words {
		texts[i] = w.text
	}
	return strings.Join(texts, " ")
}

// bashScript finds the command among the words before the cursor, and offers what can
// follow it.
func bashScript(all []completed) string {
	var b strings.Builder
	b.WriteString("# Completion of hydrapin for bash, made by: hydrapin completion bash\n_hydrapin() {\n" +
		"    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} path= words= word\n" +
		"    for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n        case \"${path:+$path }$word\" in\n")
	for _, c := range all[1:] {
		fmt.Fprintf(&b, "            '%s') path='%s' ;;\n", c.path, c.path)
	}
	b.WriteString("        esac\n    done\n    case \"$path $prev\" in\n")
	for _, c := range all {
		for _, flag := range c.takesArg {
			fmt.Fprintf(&b, "        '%s %s') COMPREPLY=($(compgen -W '%s' -- \"$cur\")); return ;;\n", c.path, flag, strings.Join(c.choices[flag], " "))
		}
	}
	b.WriteString("    esac\n    case \"$path\" in\n")
	for _, c := range all {
		fmt.Fprintf(&b, "        '%s') words='%s' ;;\n", c.path, c.texts())
	}
	b.WriteString("    esac\n    COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n}\ncomplete -F _hydrapin hydrapin\n")
	return b.String()
}

// zshScript is the same with what zsh shows beside a word.
func zshScript(all []completed) string {
	var b strings.Builder
	b.WriteString("#compdef hydrapin\n# Completion of hydrapin for zsh, made by: hydrapin completion zsh\n_hydrapin() {\n" +
		"    local path= word\n    local -a offered\n    for word in \"${(@)words[2,CURRENT-1]}\"; do\n        case \"${path:+$path }$word\" in\n")
	for _, c := range all[1:] {
		fmt.Fprintf(&b, "            '%s') path='%s' ;;\n", c.path, c.path)
	}
	b.WriteString("        esac\n    done\n    case \"$path ${words[CURRENT-1]}\" in\n")
	for _, c := range all {
		for _, flag := range c.takesArg {
			fmt.Fprintf(&b, "        '%s %s') compadd -- %s; return ;;\n", c.path, flag, strings.Join(c.choices[flag], " "))
		}
	}
	b.WriteString("    esac\n    case \"$path\" in\n")
	for _, c := range all {
		fmt.Fprintf(&b, "        '%s') offered=(", c.path)
		for _, w := range c.words {
			fmt.Fprintf(&b, " %s", shellQuoted(strings.ReplaceAll(w.text, ":", `\:`)+":"+w.help))
		}
		b.WriteString(" ) ;;\n")
	}
	b.WriteString("    esac\n    _describe hydrapin offered\n}\n" +
		"if [ \"$funcstack[1]\" = _hydrapin ]; then _hydrapin; else compdef _hydrapin hydrapin; fi\n")
	return b.String()
}

func fishScript(all []completed) string {
	var b strings.Builder
	b.WriteString("# Completion of hydrapin for fish, made by: hydrapin completion fish\n" +
		"function __hydrapin_at\n    set -l path\n    for word in (commandline -opc)[2..]\n        switch (string join ' ' $path $word)\n            case")
	for _, c := range all[1:] {
		fmt.Fprintf(&b, " '%s'", c.path)
	}
	b.WriteString("\n                set path $path $word\n        end\n    end\n    test (string join ' ' $path) = \"$argv\"\nend\ncomplete -c hydrapin -f\n")
	for _, c := range all {
		at := "-n " + shellQuoted("__hydrapin_at "+c.path)
		for _, w := range c.words {
			flag, isFlag := strings.CutPrefix(w.text, "--")
			if !isFlag {
				fmt.Fprintf(&b, "complete -c hydrapin %s -a %s -d %s\n", at, w.text, shellQuoted(w.help))
				continue
			}
			fmt.Fprintf(&b, "complete -c hydrapin %s -l %s -d %s", at, flag, shellQuoted(w.help))
			if slices.Contains(c.takesArg, w.text) {
				b.WriteString(" -x")
			}
			if choices := c.choices[w.text]; len(choices) > 0 {
				fmt.Fprintf(&b, " -a %s", shellQuoted(strings.Join(choices, " ")))
			}
			b.WriteString("\n")
		}
	}
	return b.String()
}

// shellQuoted writes text between single quotes, as all three shells read it. No text of
// the commands has a quote or a backslash of its own but those that are added here.
func shellQuoted(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
