package page_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var placeholder = regexp.MustCompile(`{{[^}]*}}`)

// pluralForms are those of each language (Unicode CLDR, cardinal rules).
var pluralForms = map[string][]string{
	"en": {"one", "other"}, "de": {"one", "other"}, "es": {"many", "one", "other"}, "pt": {"many", "one", "other"},
}

// messages reads a file as forms of messages; a message without plural forms has the form "".
func messages(t *testing.T, language string) map[string]map[string]string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("messages", language+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var raw map[string]any
	if err := json.Unmarshal(content, &raw); err != nil {
		t.Fatal(err)
	}
	out := make(map[string]map[string]string)
	for id, value := range raw {
		out[id] = make(map[string]string)
		switch value := value.(type) {
		case string:
			out[id][""] = value
		case map[string]any:
			for form, text := range value {
				out[id][form], _ = text.(string)
			}
		default:
			t.Fatalf("%s: %s is a %T", language, id, value)
		}
	}
	return out
}

func placeholders(text string) string {
	found := placeholder.FindAllString(text, -1)
	slices.Sort(found)
	return strings.Join(found, " ")
}

func TestEveryLanguageHasEveryMessage(t *testing.T) {
	t.Parallel()
	english := messages(t, "en")
	files, err := filepath.Glob("messages/*.json")
	if err != nil || len(files) != len(languages) {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, language := range languages {
		translated := messages(t, language)
		for id := range translated {
			if english[id] == nil {
				t.Errorf("%s: %s is no message", language, id)
			}
		}
		for id, forms := range english {
			want := []string{""}
			if _, plain := forms[""]; !plain {
				want = pluralForms[language]
			}
			if got := slices.Sorted(maps.Keys(translated[id])); !slices.Equal(got, want) {
				t.Errorf("%s: %s has the forms %q, want %q", language, id, got, want)
			}
			reference := forms[""] + forms["other"]
			for form, text := range translated[id] {
				if strings.TrimSpace(text) == "" {
					t.Errorf("%s: %s %s is blank", language, id, form)
				}
				if placeholders(text) != placeholders(reference) {
					t.Errorf("%s: %s %s has the placeholders %s", language, id, form, placeholders(text))
				}
				if language != "en" && len(text) > 40 && text == reference {
					t.Errorf("%s: %s is not translated", language, id)
				}
			}
		}
	}
}

func TestEveryMessageIsUsed(t *testing.T) {
	t.Parallel()
	var source strings.Builder
	for _, pattern := range []string{"*.go", "templates/*.html"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			source.Write(content)
		}
	}
	for id := range messages(t, "en") {
		base := strings.TrimSuffix(strings.TrimSuffix(id, "Title"), "Text")
		if !strings.Contains(source.String(), `"`+id+`"`) && !strings.Contains(source.String(), `"`+base+`"`) {
			t.Errorf("%s is used nowhere", id)
		}
	}
}
