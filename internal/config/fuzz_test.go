package config_test

import (
	"strings"
	"testing"

	"github.com/hydracore/hydrapin/internal/config"
)

// Whatever a setting is set to, reading it neither panics nor repeats the value,
// and what is accepted can be shown and read again.
func FuzzLoad(f *testing.F) {
	for i, s := range config.Manual() {
		f.Add(uint8(i), s.Default)
		f.Add(uint8(i), "\x00,:/?#[]@%zz")
		f.Add(uint8(i), "k1:"+key1+",k2:"+key2)
		f.Add(uint8(i), postgresURL)
	}
	f.Fuzz(func(t *testing.T, which uint8, value string) {
		all := config.Manual()
		name := all[int(which)%len(all)].Name
		if name == "HYDRAPIN_JWT_JWKS" && !strings.Contains(value, "://") {
			return // would look for a file
		}
		// What the fuzzer made is marked, to be found in the text around it.
		value = marker + value
		c, err := config.Load([]string{name + "=" + value})
		if err != nil {
			if strings.Contains(err.Error(), marker) {
				t.Errorf("%s: the error repeats the value: %v", name, err)
			}
			return
		}
		for _, s := range c.Settings() {
			if s.Name == name && s.Source != config.FromEnvironment {
				t.Errorf("%s comes from %q", name, s.Source)
			}
		}
	})
}
