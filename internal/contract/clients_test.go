package contract_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/hydracore/hydrapin/internal/contract"
)

// TestGeneratedClientsCanReadEveryError: a generated client returns what is documented, so each
// operation has a default response, which is a problem document. What an operation itself answers is
// documented one by one all the same; see [contract.Spec.Check].
func TestGeneratedClientsCanReadEveryError(t *testing.T) {
	t.Parallel()
	spec, err := contract.Current()
	must(t, err)
	for _, op := range spec.Operations() {
		other := op.Spec.Responses.Default()
		if other == nil {
			t.Errorf("%s has no default response", op.ID)
			continue
		}
		media := other.Value.Content["application/problem+json"]
		if len(other.Value.Content) != 1 || media == nil || media.Schema.Ref != "#/components/schemas/Problem" {
			t.Errorf("the default response of %s is no problem document", op.ID)
		}
	}
}

// TestGeneratedNamesOfProblems: generators name the values of an enum as x-enum-varnames says, one
// name for each value in their order; of the URNs they would make names that nobody can read.
func TestGeneratedNamesOfProblems(t *testing.T) {
	t.Parallel()
	spec, err := contract.Current()
	must(t, err)
	schema := spec.Document().Components.Schemas["ProblemType"].Value
	var want []string
	for _, value := range schema.Enum {
		text, _ := value.(string)
		var name strings.Builder
		for word := range strings.SplitSeq(strings.TrimPrefix(text, "urn:hydrapin:problem:"), "-") {
			name.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
		want = append(want, name.String())
	}
	var got []string
	names, _ := schema.Extensions["x-enum-varnames"].([]any)
	for _, name := range names {
		text, _ := name.(string)
		got = append(got, text)
	}
	if !slices.Equal(got, want) {
		t.Errorf("x-enum-varnames are\n%q, want\n%q", got, want)
	}
}
