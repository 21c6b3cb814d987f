package argon2id_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"testing"

	"golang.org/x/crypto/argon2"

	"github.com/hydracore/hydrapin/internal/argon2id"
	"github.com/hydracore/hydrapin/internal/pin"
)

// vectors pin the stored form: once released, none of them may change.
var vectors = []struct {
	name   string
	holder pin.Holder
	digits string
	pepper string
	params argon2id.Params
	salt   string
	stored string
}{
	{
		name:   "customer, OWASP's costs",
		holder: someone,
		digits: "2580",
		pepper: "p1",
		params: argon2id.DefaultParams(),
		salt:   "0123456789abcdef",
		stored: "$argon2id$v=19$m=19456,t=2,p=1,keyid=cDE$MDEyMzQ1Njc4OWFiY2RlZg$2I9Uxxmku57vnuJWzDP95X1F7Jsly7wMG6K0sJm3BtE",
	},
	{
		name:   "customer, low costs",
		holder: someone,
		digits: "2580",
		pepper: "p1",
		params: quick,
		salt:   "0123456789abcdef",
		stored: "$argon2id$v=19$m=64,t=1,p=1,keyid=cDE$MDEyMzQ1Njc4OWFiY2RlZg$3vBRRddCITKc6cJ1qXCVou5pxykS7dpMLSrbKp0AfoE",
	},
	{
		name:   "identity, twelve digits, two lanes, a long pepper id",
		holder: pin.IdentityHolder(tenantB, tenantA, someone.ID),
		digits: "839201746558",
		pepper: "Prod_2026-11",
		params: argon2id.Params{MemoryKiB: 128, Time: 3, Parallelism: 2},
		salt:   "fedcba9876543210",
		stored: "$argon2id$v=19$m=128,t=3,p=2,keyid=UHJvZF8yMDI2LTEx$ZmVkY2JhOTg3NjU0MzIxMA$wgWu2VSW4j6HL66IOCZcSMWskM1/ujxNRzVvxvuYNwk",
	},
}

// byHand computes the stored form from the documented format alone.
func byHand(h pin.Holder, digits, pepper, salt string, p argon2id.Params) string {
	message := "\x00\x00\x00\x08" + string(h.Type) + // both types have eight letters
		"\x00\x00\x00\x10" + string(h.Tenant[:]) +
		"\x00\x00\x00\x10" + string(h.Instance[:]) +
		"\x00\x00\x00\x10" + string(h.ID[:]) +
		digits
	mac := hmac.New(sha256.New, pepperBytes(pepper[len(pepper)-1:]))
	mac.Write([]byte(message))
	tag := argon2.IDKey(mac.Sum(nil), []byte(salt), p.Time, p.MemoryKiB, p.Parallelism, 32)
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=19$m=%d,t=%d,p=%d,keyid=%s$%s$%s",
		p.MemoryKiB, p.Time, p.Parallelism, b64([]byte(pepper)), b64([]byte(salt)), b64(tag))
}

func TestKnownAnswers(t *testing.T) {
	t.Parallel()
	for _, v := range vectors {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			if got := byHand(v.holder, v.digits, v.pepper, v.salt, v.params); got != v.stored {
				t.Errorf("by hand\n%s, want\n%s", got, v.stored)
			}
			pool, err := argon2id.NewPoolWith(
				argon2id.PoolConfig{Ring: mustRing(t, v.pepper), Params: v.params, Workers: 1},
				nil, func(salt []byte) { copy(salt, v.salt) })
			if err != nil {
				t.Fatal(err)
			}
			defer pool.Close()
			got, err := mustReserve(t, pool, v.holder.Tenant).Hash(t.Context(), v.holder, mustPIN(t, v.digits))
			if err != nil || got.PHC() != v.stored || got.PepperID() != v.pepper {
				t.Errorf("hash\n%s (%v), want\n%s", got.PHC(), err, v.stored)
			}
			result, err := mustReserve(t, pool, v.holder.Tenant).Verify(t.Context(), v.holder, mustPIN(t, v.digits), parsed(v.stored))
			if err != nil || result != (argon2id.Result{Match: true}) {
				t.Errorf("verify: %+v, %v", result, err)
			}
		})
	}
}

// A hash is of use to its own holder only: every part of the tuple counts.
func TestHashIsBoundToItsHolder(t *testing.T) {
	t.Parallel()
	pool, err := argon2id.NewPool(argon2id.PoolConfig{Ring: mustRing(t, "p1"), Params: quick, Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	identity := pin.IdentityHolder(tenantA, tenantB, someone.ID)
	secret := mustPIN(t, "2580")
	phc, err := mustReserve(t, pool, tenantA).Hash(t.Context(), identity, secret)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		holder pin.Holder
		digits string
		match  bool
	}{
		"same":           {identity, "2580", true},
		"wrong PIN":      {identity, "2581", false},
		"longer PIN":     {identity, "25800", false},
		"as customer":    {pin.Holder{Type: pin.Customer, Tenant: tenantA, Instance: tenantB, ID: someone.ID}, "2580", false},
		"other tenant":   {pin.IdentityHolder(tenantB, tenantB, someone.ID), "2580", false},
		"other instance": {pin.IdentityHolder(tenantA, tenantA, someone.ID), "2580", false},
		"other id":       {pin.IdentityHolder(tenantA, tenantB, tenantA), "2580", false},
	} {
		result, err := mustReserve(t, pool, tenantA).Verify(t.Context(), c.holder, mustPIN(t, c.digits), phc)
		if err != nil || result != (argon2id.Result{Match: c.match}) {
			t.Errorf("%s: %+v, %v", name, result, err)
		}
	}
}
