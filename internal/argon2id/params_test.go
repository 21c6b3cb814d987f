package argon2id_test

import (
	"errors"
	"testing"

	"github.com/hydracore/hydrapin/internal/argon2id"
)

func TestParamsBounds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		params argon2id.Params
		ok     bool
	}{
		"default":                  {argon2id.DefaultParams(), true},
		"least":                    {argon2id.Params{MemoryKiB: 8, Time: 1, Parallelism: 1}, true},
		"most":                     {argon2id.Params{MemoryKiB: 1 << 20, Time: 64, Parallelism: 16}, true},
		"zero":                     {argon2id.Params{}, false},
		"no time":                  {argon2id.Params{MemoryKiB: 64, Parallelism: 1}, false},
		"no lane":                  {argon2id.Params{MemoryKiB: 64, Time: 1}, false},
		"too much memory":          {argon2id.Params{MemoryKiB: 1<<20 + 1, Time: 1, Parallelism: 1}, false},
		"too many passes":          {argon2id.Params{MemoryKiB: 64, Time: 65, Parallelism: 1}, false},
		"too many lanes":           {argon2id.Params{MemoryKiB: 1024, Time: 1, Parallelism: 17}, false},
		"too little":               {argon2id.Params{MemoryKiB: 7, Time: 1, Parallelism: 1}, false},
		"too little for its lanes": {argon2id.Params{MemoryKiB: 31, Time: 1, Parallelism: 4}, false},
	} {
		if err := c.params.Validate(); (err == nil) != c.ok || err != nil && !errors.Is(err, argon2id.ErrParams) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
