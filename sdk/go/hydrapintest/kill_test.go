package hydrapintest_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/sdk/go/hydrapin"
	"github.com/hydracore/hydrapin/sdk/go/hydrapintest"
)

// A process that is killed before or after any of Guard's requests never runs the function without a
// redeem, and never twice: its successor continues with the same key.
func TestAKilledProcessRunsAtMostOnce(t *testing.T) {
	t.Parallel()
	if os.Getenv("HYDRAPIN_TEST_KILL") != "" {
		guardUntilKilled()
		return
	}
	for at := range 10 {
		t.Run(fmt.Sprint(at), func(t *testing.T) {
			t.Parallel()
			srv := hydrapintest.Start(t)
			srv.Require(skill)
			ada := srv.Person("804615")
			ranFile := filepath.Join(t.TempDir(), "ran")
			for _, kill := range []int{at, -1} {
				child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestAKilledProcessRunsAtMostOnce$")
				child.Env = append(os.Environ(), fmt.Sprint("HYDRAPIN_TEST_KILL=", kill), "HYDRAPIN_URL="+srv.URL, "CUSTOMER="+ada.ID().String(),
					"HYDRAPIN_RUNTIME_KEY="+srv.RuntimeKey, "HYDRAPIN_INSTANCE="+srv.Instance.String(), "RAN="+ranFile)
				_, _ = child.CombinedOutput()
			}
			out, _ := os.ReadFile(ranFile)
			if len(out) > 1 {
				t.Errorf("ran %d times", len(out))
			}
			// Killed before the redeem was sent, the successor finishes the work.
			if at < 5 && len(out) != 1 {
				t.Errorf("killed at %d, ran %d times", at, len(out))
			}
		})
	}
}

func guardUntilKilled() {
	var at, n int
	_, _ = fmt.Sscan(os.Getenv("HYDRAPIN_TEST_KILL"), &at)
	step := func() {
		if n == at {
			self, _ := os.FindProcess(os.Getpid())
			_ = self.Kill()
			select {}
		}
		n++
	}
	runtime, err := hydrapin.RuntimeFromEnv(hydrapin.WithHTTPClient(&http.Client{Transport: network(func(r *http.Request) (*http.Response, error) {
		step()
		response, err := http.DefaultTransport.RoundTrip(r)
		step()
		return response, err
	})}))
	if err != nil {
		panic(err)
	}
	plain, err := hydrapin.RuntimeFromEnv()
	if err != nil {
		panic(err)
	}
	person := runtime.For(hydrapin.Customer(uuid.MustParse(os.Getenv("CUSTOMER"))), hydrapin.RoleOwner).WithKey("call-1")
	person.OnPending = func(ctx context.Context, c hydrapin.Confirmation) error {
		_, _ = plain.Verify(context.WithoutCancel(ctx), c.ID, goodPIN)
		return nil
	}
	_ = person.Guard(context.Background(), skill, transfer, func(_ context.Context, a hydrapin.Approval) error {
		if a.Confirmation.Status != hydrapin.StatusRedeemed {
			panic("not redeemed")
		}
		f, err := os.OpenFile(os.Getenv("RAN"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		_, err = f.WriteString("x")
		return err
	})
}
