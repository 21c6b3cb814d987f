package webhook_test

import (
	"net/netip"
	"testing"

	"github.com/hydracore/hydrapin/internal/webhook"
)

// The ranges of the IANA special-purpose registries that are not globally reachable, with an address
// of each, and multicast (https://www.iana.org/assignments/iana-ipv4-special-registry and
// iana-ipv6-special-registry, November 2026).
func special() map[string][]string {
	return map[string][]string{
		"this network":             {"0.0.0.0", "0.1.2.3"},
		"private use":              {"10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.0.1"},
		"shared address space":     {"100.64.0.1", "100.127.255.255"},
		"loopback":                 {"127.0.0.1", "127.255.255.254", "::1"},
		"link-local":               {"169.254.169.254", "fe80::1", "fe80::1%eth0"},
		"protocol assignments":     {"192.0.0.1", "192.0.0.170", "2001::1", "2001:10::1"},
		"documentation":            {"192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "3fff::1"},
		"6to4 relay anycast":       {"192.88.99.1"},
		"benchmarking":             {"198.18.0.1", "198.19.255.255", "2001:2::1"},
		"multicast":                {"224.0.0.1", "239.255.255.255", "ff02::1"},
		"reserved":                 {"240.0.0.1", "255.255.255.255"},
		"unspecified":              {"::"},
		"discard only":             {"100::1"},
		"local-use translation":    {"64:ff9b:1::1"},
		"unique local":             {"fc00::1", "fd12:3456::1"},
		"segment routing":          {"5f00::1"},
		"unassigned":               {"4000::1", "fec0::1"},
		"mapped":                   {"::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254"},
		"compatible":               {"::127.0.0.1", "::10.0.0.1", "::169.254.169.254"},
		"translated by NAT64":      {"64:ff9b::127.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b::169.254.169.254"},
		"in 6to4":                  {"2002:7f00:1::", "2002:a00:1::1", "2002:a9fe:a9fe::1"},
		"Teredo":                   {"2001:0:4136:e378:8000:63bf:3fff:fdd2"},
		"6to4 of shared addresses": {"2002:6440:1::1"},
	}
}

func TestOnlyPublicAddressesAreDialed(t *testing.T) {
	t.Parallel()
	public := webhook.PublicAddresses(false)
	for name, list := range special() {
		for _, text := range list {
			if public.Allows(netip.MustParseAddr(text)) {
				t.Errorf("%s: %s may be dialed", name, text)
			}
		}
	}
	for _, text := range []string{
		"1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "172.32.0.1", "192.169.0.1", "223.255.255.255",
		"2606:4700::1111", "2001:4860:4860::8888", "::ffff:8.8.8.8", "::8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1",
	} {
		if !public.Allows(netip.MustParseAddr(text)) {
			t.Errorf("%s may not be dialed", text)
		}
	}
	if public.Allows(netip.Addr{}) || (webhook.Addresses{}).Allows(netip.MustParseAddr("1.1.1.1")) {
		t.Error("no address, or addresses that nobody made, may be dialed")
	}
}

// Private addresses can be allowed, in every form. Link-local ones cannot, where clouds keep the
// credentials of their machines.
func TestPrivateAddressesCanBeAllowed(t *testing.T) {
	t.Parallel()
	private := webhook.PublicAddresses(true)
	for _, text := range []string{
		"127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "::1", "fc00::1", "fd12::1",
		"::ffff:10.0.0.1", "64:ff9b::192.168.0.1", "2002:a00:1::1", "1.1.1.1", "2606:4700::1111",
	} {
		if !private.Allows(netip.MustParseAddr(text)) {
			t.Errorf("%s may not be dialed", text)
		}
	}
	for name, list := range special() {
		switch name {
		case "private use", "loopback", "unique local", "mapped", "compatible", "translated by NAT64", "in 6to4":
			continue
		}
		for _, text := range list {
			if private.Allows(netip.MustParseAddr(text)) {
				t.Errorf("%s: %s may be dialed", name, text)
			}
		}
	}
	for _, text := range []string{"::ffff:169.254.169.254", "::169.254.169.254", "64:ff9b::169.254.169.254", "2002:a9fe:a9fe::1"} {
		if private.Allows(netip.MustParseAddr(text)) {
			t.Errorf("%s may be dialed", text)
		}
	}
}
